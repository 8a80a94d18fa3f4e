//! Charts of the last hour: rate, latency and lag over time, as inline SVG.

use chrono::{DateTime, Utc};
use server::{SAMPLE_INTERVAL_S, SAMPLES_MAX, Sample};

use super::{
    charts::short,
    svg::{Anchor, Drawing, Scale},
};
use crate::texts::{Texts, say};

// About the width of a card, so that the texts have about their size.
const WIDTH: f64 = 310.0;
const HEIGHT: f64 = 160.0;
const LEFT: f64 = 38.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 132.0;
/// Upper bound on the points of a line: more are not seen.
const POINTS_MAX: usize = 180;
/// The minutes between two labels of the time.
const LABEL_MINUTES: i64 = 15;

/// A line of a chart.
pub(crate) struct Line {
    /// The CSS class of its colour.
    pub(crate) class: &'static str,
    pub(crate) name: String,
    pub(crate) value: fn(&Sample) -> Option<f64>,
}

/// Returns a chart of the samples, from an hour ago until the last of them; `None` if no line has a value.
pub(crate) fn chart(samples: &[Sample], lines: &[Line], title: &str, texts: Texts) -> Option<String> {
    let last = samples.last()?;
    let values = || lines.iter().flat_map(|line| samples.iter().filter_map(line.value));
    values().next()?;
    let most = values().fold(0.0, f64::max);
    let scale = Scale { domain: [0.0, (1.1 * most).max(1.0)], range: [BOTTOM, TOP] };
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    for tick in scale.ticks() {
        let y = scale.map(tick);
        drawing.line("grid", [LEFT, y], [WIDTH - 2.0, y]);
        drawing.text("soft", [LEFT - 6.0, y + 4.0], Anchor::End, &short(tick, texts));
    }
    let x = time_scale(last.at);
    labels(&mut drawing, last.at, &x);
    for line in lines {
        draw(&mut drawing, samples, line, |at| x.map(at.timestamp() as f64), &scale);
    }
    let now = |line: &Line| Some(format!("{} {}", line.name, short((line.value)(last)?, texts)));
    let latest: Vec<String> = lines.iter().filter_map(now).collect();
    let latest = if latest.is_empty() { say!(texts, "ops-unknown") } else { latest.join(", ") };
    let most = short(most, texts);
    Some(drawing.finish(&say!(texts, "ops-chart", title = title, now = latest.as_str(), most = most.as_str())))
}

fn time_scale(last: DateTime<Utc>) -> Scale {
    let (last, window) = (last.timestamp() as f64, (SAMPLES_MAX as u64 * SAMPLE_INTERVAL_S) as f64);
    Scale { domain: [last - window, last], range: [LEFT, WIDTH - 2.0] }
}

fn labels(drawing: &mut Drawing, last: DateTime<Utc>, x: &Scale) {
    let step = LABEL_MINUTES * 60;
    let first = (x.domain[0] as i64).div_euclid(step) + 1;
    for at in (first..).map(|number| number * step).take_while(|at| *at <= last.timestamp()) {
        let Some(time) = DateTime::from_timestamp(at, 0) else { continue };
        let x = x.map(at as f64);
        // A label at an edge would leave the drawing.
        if (LEFT + 8.0..WIDTH - 16.0).contains(&x) {
            drawing.text("soft", [x, BOTTOM + 18.0], Anchor::Middle, &time.format("%H:%M").to_string());
        }
    }
}

/// Draws a line, which is broken where a value is missing. Of samples that are too close the largest value is drawn.
fn draw(drawing: &mut Drawing, samples: &[Sample], line: &Line, x: impl Fn(DateTime<Utc>) -> f64, y: &Scale) {
    let mut points = Vec::new();
    for close in samples.chunks(SAMPLES_MAX / POINTS_MAX) {
        let value = close.iter().filter_map(line.value).max_by(f64::total_cmp);
        match (value, close.last()) {
            (Some(value), Some(sample)) => points.push([x(sample.at), y.map(value)]),
            _ => finish(drawing, line.class, &mut points),
        }
    }
    finish(drawing, line.class, &mut points);
}

fn finish(drawing: &mut Drawing, class: &str, points: &mut Vec<[f64; 2]>) {
    match points[..] {
        [] => {}
        // A line of one point is not seen.
        [at] => drawing.circle(&format!("{class} dot"), at, 1.8),
        _ => drawing.polyline(class, points),
    }
    points.clear();
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::texts::Language;

    fn samples(values: &[Option<f64>]) -> Vec<Sample> {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let sample = |(at, p50_ms): (usize, &Option<f64>)| Sample {
            at: start + TimeDelta::seconds(5 * at as i64),
            per_second: 1.0,
            p50_ms: *p50_ms,
            p99_ms: None,
            lag: None,
            in_flight: None,
        };
        values.iter().enumerate().map(sample).collect()
    }

    fn chart_of(values: &[Option<f64>]) -> Option<String> {
        let line = Line { class: "line-a", name: "median".to_owned(), value: |sample| sample.p50_ms };
        chart(&samples(values), &[line], "Latency", Texts::of(Language::English))
    }

    #[test]
    fn a_line_is_broken_where_values_are_missing() {
        let mut values = vec![Some(1.0); 40];
        values[8..20].fill(None);
        let chart = chart_of(&values).unwrap();
        assert_eq!(chart.matches("<polyline class=\"line-a\"").count(), 2, "{chart}");
        assert!(chart.contains("Latency, the last hour; now: median 1; at most 1"), "{chart}");
    }

    #[test]
    fn without_a_value_there_is_no_chart() {
        assert_eq!((chart_of(&[None, None]), chart_of(&[])), (None, None));
    }
}
