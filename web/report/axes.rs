//! What all plots are made of. Sizes are units of a view box that is some 380 wide: as wide as a phone, so that text is
//! read there, and scaled up where there is room. Colours come from the page's style by class.

use std::fmt::Write;

/// A drawing in the making.
pub(super) struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Drawing { width, height, body: String::new() }
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.add(format_args!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    pub(super) fn rect(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2], opacity: f64) {
        self.add(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill-opacity="{opacity:.2}"/>"#,
            width.max(0.0),
            height.max(0.0)
        ));
    }

    pub(super) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.add(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#));
    }

    pub(super) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        self.add(format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
    }

    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(format_args!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The drawing as inline SVG; `label` says in words what it shows.
    pub(super) fn finish(self, label: &str) -> String {
        let Drawing { width, height, body } = self;
        let label = escaped(label);
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">\n{body}</svg>"
        )
    }
}

/// Text that is safe in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A linear scale from values to places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) values: [f64; 2],
    pub(super) places: [f64; 2],
}

impl Scale {
    /// A scale that holds all values, with a little air; without any, from 0 to 1.
    pub(super) fn around(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let values = if low > high { [0.0, 1.0] } else { [low, high] };
        let air = ((values[1] - values[0]) * 0.08).max(1e-6);
        Scale { values: [values[0] - air, values[1] + air], places }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let ([low, high], [start, end]) = (self.values, self.places);
        start + (value - low) / (high - low) * (end - start)
    }

    /// Two to six round values on the scale.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.values;
        let rough = (high - low) / 5.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * magnitude >= rough).unwrap_or(10.0);
        let step = factor * magnitude;
        let first = (low / step).ceil() as i64;
        // Rounding may put the first or the last beside the scale.
        (first..first + 8).map(|at| at as f64 * step).filter(|tick| (low..=high).contains(tick)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_scale() {
        let ticks = |low, high| Scale { values: [low, high], places: [0.0, 1.0] }.ticks();
        let shown = |low, high| ticks(low, high).iter().map(|tick| format!("{tick:.1}")).collect::<Vec<_>>().join(" ");
        assert_eq!(shown(0.0, 1.1), "0.0 0.5 1.0");
        assert_eq!(shown(0.97, 1.38), "1.0 1.1 1.2 1.3");
        for (low, high) in [(-0.001, 0.3), (1.0, 1.000002), (3.0, 900.0)] {
            let ticks = ticks(low, high);
            assert!(
                (2..=7).contains(&ticks.len()) && ticks.iter().all(|tick| (low..=high).contains(tick)),
                "{ticks:?}"
            );
        }
    }

    #[test]
    fn a_scale_holds_what_it_is_of() {
        let scale = Scale::around([2.0, 1.0, f64::NAN].into_iter(), [10.0, 110.0]);
        assert!(scale.place(1.0) > 10.0 && scale.place(2.0) < 110.0);
        assert!((scale.place(1.5) - 60.0).abs() < 1e-9, "the middle stays the middle");
        assert!(Scale::around([1.0].into_iter(), [0.0, 1.0]).place(1.0).is_finite());
        assert!(Scale::around([].into_iter(), [0.0, 1.0]).place(0.5).is_finite());
    }

    #[test]
    fn text_is_escaped() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.text("a", [0.0, 0.0], Anchor::Start, "<b>&\"");
        assert!(drawing.finish("x\"").contains(">&lt;b&gt;&amp;&quot;</text>"));
    }
}
