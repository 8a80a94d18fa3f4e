//! Charts of the pages about the history, as inline SVG whose colours come from the style.

use delaycast::{explore::Figures, flight::DelayClass};

use super::{
    svg::{Anchor, Drawing, Scale},
    words::{class_name, share_of},
};
use crate::texts::{Texts, say};

const WIDTH: f64 = 380.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 170.0;
/// Upper bound on the labels below columns: more would overlap.
const LABELS_MAX: usize = 8;

/// Returns a bar of the shares of the classes among the flights that arrived; empty without one.
pub(crate) fn shares(figures: &Figures, texts: Texts) -> String {
    let arrived = figures.arrived();
    if arrived == 0 {
        return String::new();
    }
    let (mut rects, mut x) = (String::new(), 0.0);
    for class in DelayClass::ALL {
        let width = 100.0 * share_of(figures.classes[class.index()], arrived);
        rects += &format!(r#"<rect class="c{}" x="{x:.2}" y="0" width="{width:.2}" height="8"/>"#, class.index());
        x += width;
    }
    let label: Vec<String> = DelayClass::ALL
        .iter()
        .map(|class| {
            let share = texts.percent(100.0 * share_of(figures.classes[class.index()], arrived));
            format!("{share} {}", class_name(*class, texts))
        })
        .collect();
    format!(
        r#"<svg class="shares" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{rects}</svg>"#,
        label.join(", ")
    )
}

/// Returns a chart of a count for each label, as columns. `what` is counted.
pub(crate) fn count_columns(counts: &[(String, u64)], what: &str, texts: Texts) -> String {
    let mut drawing = Drawing::new(WIDTH, BOTTOM + 26.0);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let scale = Scale { domain: [0.0, most as f64 * 1.05], range: [BOTTOM, TOP] };
    grid(&mut drawing, &scale, |tick| short(tick, texts));
    each_column(&mut drawing, counts.iter().map(|(label, _)| label.as_str()), |drawing, at, x, width| {
        let y = scale.map(counts[at].1 as f64);
        drawing.rect("bar-fill", [x, y], [width, BOTTOM - y], 1.0);
    });
    drawing.finish(&counted(counts, what, texts))
}

/// Returns a chart of the shares of the classes for each label, as columns: the latest class is at the bottom.
pub(crate) fn class_columns(figures: &[(String, Figures)], what: &str, texts: Texts) -> String {
    // Without an arrival there are no shares.
    let figures: Vec<&(String, Figures)> = figures.iter().filter(|(_, figures)| figures.arrived() > 0).collect();
    let mut drawing = Drawing::new(WIDTH, BOTTOM + 26.0);
    let scale = Scale { domain: [0.0, 1.0], range: [BOTTOM, TOP] };
    grid(&mut drawing, &scale, |tick| format!("{:.0}\u{a0}%", 100.0 * tick));
    each_column(&mut drawing, figures.iter().map(|(label, _)| label.as_str()), |drawing, at, x, width| {
        let (figures, mut below) = (&figures[at].1, 0.0);
        for class in DelayClass::ALL.into_iter().rev() {
            let share = figures.share(class).unwrap_or(0.0);
            let (top, bottom) = (scale.map(below + share), scale.map(below));
            drawing.rect(&format!("class-fill c{}", class.index()), [x, top], [width, bottom - top], 1.0);
            below += share;
        }
    });
    let late = |figures: &Figures| texts.percent(100.0 * figures.share(DelayClass::VeryLate).unwrap_or(0.0));
    let late = listed(figures.iter().map(|(label, figures)| (label, late(figures))));
    let class = class_name(DelayClass::VeryLate, texts);
    drawing.finish(&say!(texts, "chart-classes", what = what, class = class, shares = late))
}

/// Returns a chart of counts, one below the other with its name.
pub(crate) fn ranking(counts: &[(String, u64)], what: &str, texts: Texts) -> String {
    const ROW: f64 = 38.0;
    let mut drawing = Drawing::new(WIDTH, ROW * counts.len().max(1) as f64 + 4.0);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    for (at, (name, count)) in counts.iter().enumerate() {
        let y = ROW * at as f64;
        drawing.text("ink", [2.0, y + 15.0], Anchor::Start, name);
        drawing.text("soft", [WIDTH - 2.0, y + 15.0], Anchor::End, &texts.number(*count));
        let width = (WIDTH - 4.0) * share_of(*count, most);
        drawing.rect("bar-fill", [2.0, y + 21.0], [width.max(1.0), 9.0], 1.0);
    }
    drawing.finish(&counted(counts, what, texts))
}

/// The text of a chart of counts.
fn counted(counts: &[(String, u64)], what: &str, texts: Texts) -> String {
    let counts = listed(counts.iter().map(|(label, count)| (label, texts.number(*count))));
    say!(texts, "chart-counts", what = what, counts = counts)
}

fn listed<'a>(pairs: impl Iterator<Item = (&'a String, String)>) -> String {
    pairs.map(|(label, value)| format!("{label} {value}")).collect::<Vec<_>>().join(", ")
}

fn grid(drawing: &mut Drawing, scale: &Scale, label: impl Fn(f64) -> String) {
    for tick in scale.ticks() {
        let y = scale.map(tick);
        drawing.line("grid", [LEFT, y], [WIDTH - 2.0, y]);
        drawing.text("soft", [LEFT - 6.0, y + 4.0], Anchor::End, &label(tick));
    }
}

/// Calls `draw` with the left side and the width of each column, and labels some of them.
fn each_column<'a>(
    drawing: &mut Drawing,
    labels: impl ExactSizeIterator<Item = &'a str>,
    draw: impl Fn(&mut Drawing, usize, f64, f64),
) {
    let step = (WIDTH - 2.0 - LEFT) / labels.len().max(1) as f64;
    let every = labels.len().div_ceil(LABELS_MAX).max(1);
    // A single column would fill the chart.
    let width = (step * 0.8).min(48.0);
    for (at, label) in labels.enumerate() {
        let middle = LEFT + step * (at as f64 + 0.5);
        draw(drawing, at, middle - width / 2.0, width);
        if at % every == 0 {
            drawing.text("soft", [middle, BOTTOM + 16.0], Anchor::Middle, label);
        }
    }
}

/// A number in few characters.
pub(crate) fn short(number: f64, texts: Texts) -> String {
    // With one decimal, if it is not 0.
    let rounded = |number: f64| (number * 10.0).round() / 10.0;
    match number {
        1e6.. => say!(texts, "chart-millions", number = rounded(number / 1e6)),
        1e3.. => say!(texts, "chart-thousands", number = rounded(number / 1e3)),
        _ => say!(texts, "chart-number", number = rounded(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn a_bar_has_the_shares_of_the_classes_and_says_them() {
        let figures = Figures { flights: 5, classes: [1, 1, 0, 2], ..Figures::default() };
        let texts = Texts::of(Language::English);
        let bar = shares(&figures, texts);
        assert!(bar.contains(r#"<rect class="c3" x="50.00" y="0" width="50.00""#), "{bar}");
        assert!(bar.contains("25\u{a0}% more than 15 minutes early"), "{bar}");
        assert_eq!(shares(&Figures::default(), texts), "");
        let bar = shares(&figures, Texts::of(Language::Spanish));
        assert!(bar.contains("25\u{a0}% más de 15 minutos antes de lo previsto"), "{bar}");
    }

    #[test]
    fn counts_are_shortened_and_charts_of_nothing_are_drawn() {
        let texts = Texts::of(Language::English);
        let shortened = [0.0, 0.5, 950.0, 1_500.0, 30_000.0, 2e6].map(|count| short(count, texts));
        assert_eq!(shortened, ["0", "0.5", "950", "1.5\u{a0}k", "30\u{a0}k", "2\u{a0}M"]);
        let charts = [
            count_columns(&[], "Flights", texts),
            class_columns(&[], "Flights", texts),
            ranking(&[], "Aircraft", texts),
        ];
        for chart in charts {
            assert!(chart.starts_with("<svg") && !chart.contains("NaN"), "{chart}");
        }
    }
}
