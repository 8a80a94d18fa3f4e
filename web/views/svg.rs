//! Drawings in SVG, and linear scales. Sizes are units of a view box of about 380 units, the width of a phone: text is
//! legible there, and scaled up on wider screens. Colours come from the page's style, by CSS class.

use std::fmt::Write;

/// An SVG drawing under construction.
pub(crate) struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

/// The `text-anchor` of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Drawing { width, height, body: String::new() }
    }

    pub(crate) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.add(format_args!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
    }

    pub(crate) fn rect(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2], opacity: f64) {
        self.add(format_args!(
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill-opacity="{opacity:.2}"/>"#,
            width.max(0.0),
            height.max(0.0)
        ));
    }

    pub(crate) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.add(format_args!(r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius:.1}"/>"#));
    }

    pub(crate) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        self.add(format_args!(r#"<polyline class="{class}" points="{}"/>"#, points.join(" ")));
    }

    /// Adds a path; `data` is its `d`.
    pub(crate) fn path(&mut self, class: &str, data: &str) {
        self.add(format_args!(r#"<path class="{class}" d="{data}"/>"#));
    }

    pub(crate) fn text(&mut self, class: &str, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
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

    /// Returns the drawing as inline SVG; `label` is its text for screen readers.
    pub(crate) fn finish(self, label: &str) -> String {
        let Drawing { width, height, body } = self;
        let label = escaped(label);
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\">\n{body}</svg>"
        )
    }
}

/// Escapes text for HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A linear scale from a domain of values to a range of coordinates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) domain: [f64; 2],
    pub(crate) range: [f64; 2],
}

impl Scale {
    /// Returns a scale whose domain holds all values, with padding; without values, it is 0 to 1.
    pub(crate) fn fit(values: impl Iterator<Item = f64>, range: [f64; 2]) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let domain = if low > high { [0.0, 1.0] } else { [low, high] };
        let padding = ((domain[1] - domain[0]) * 0.08).max(1e-6);
        Scale { domain: [domain[0] - padding, domain[1] + padding], range }
    }

    pub(crate) fn map(&self, value: f64) -> f64 {
        let ([low, high], [start, end]) = (self.domain, self.range);
        start + (value - low) / (high - low) * (end - start)
    }

    /// Returns two to seven round values of the domain.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.domain;
        let rough = (high - low) / 5.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * magnitude >= rough).unwrap_or(10.0);
        let step = factor * magnitude;
        let first = (low / step).ceil() as i64;
        // Rounding may put the first or the last outside of the domain.
        (first..first + 8).map(|at| at as f64 * step).filter(|tick| (low..=high).contains(tick)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_in_the_domain() {
        let ticks = |low, high| Scale { domain: [low, high], range: [0.0, 1.0] }.ticks();
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
    fn a_scale_holds_its_values() {
        let scale = Scale::fit([2.0, 1.0, f64::NAN].into_iter(), [10.0, 110.0]);
        assert!(scale.map(1.0) > 10.0 && scale.map(2.0) < 110.0);
        assert!((scale.map(1.5) - 60.0).abs() < 1e-9, "the middle stays the middle");
        assert!(Scale::fit([1.0].into_iter(), [0.0, 1.0]).map(1.0).is_finite());
        assert!(Scale::fit([].into_iter(), [0.0, 1.0]).map(0.5).is_finite());
    }

    #[test]
    fn text_is_escaped() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.text("a", [0.0, 0.0], Anchor::Start, "<b>&\"");
        assert!(drawing.finish("x\"").contains(">&lt;b&gt;&amp;&quot;</text>"));
    }
}
