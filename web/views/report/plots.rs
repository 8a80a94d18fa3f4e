//! The plots of a report.

use delaycast::{
    evaluate::{Comparison, Importance, Measure, Predictor, Reliability},
    flight::{CLASSES, DelayClass},
};

use super::names;
use crate::{
    texts::{Texts, say},
    views::{
        svg::{Anchor, Drawing, Scale},
        words::{capitalized, class_name},
    },
};

const WIDTH: f64 = 380.0;

/// Returns the CSS class of a predictor's lines and dots.
pub(super) fn colour(predictor: Predictor) -> &'static str {
    match predictor {
        Predictor::ClassPrior => "p-majority",
        Predictor::Lookup => "p-lookup",
        Predictor::Legacy => "p-seed",
        Predictor::Forest | Predictor::ForestDeparted => "p-forest",
        Predictor::ForestWithoutWeather => "p-without-weather",
        Predictor::ForestWithoutSchedule => "p-without-schedule",
        Predictor::ForestBeforeDeparture
        | Predictor::ForestEarly
        | Predictor::ForestNear
        | Predictor::ForestOverdue => "p-before",
    }
}

/// The log-loss of each predictor with its interval.
pub(super) fn intervals(comparison: &Comparison, texts: Texts) -> String {
    const ROW: f64 = 36.0;
    let measure = Measure::LogLoss;
    let shown: Vec<_> = comparison
        .scorecards
        .iter()
        .filter_map(|(predictor, scorecard)| {
            let score = scorecard.scores[measure]?;
            let interval = scorecard.intervals.and_then(|intervals| intervals[measure]).unwrap_or([score; 2]);
            Some((predictor, score, interval))
        })
        .collect();
    let bottom = 6.0 + ROW * shown.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 36.0);
    let scale = Scale::fit(shown.iter().flat_map(|(_, _, interval)| *interval), [8.0, WIDTH - 8.0]);
    grid_below(&mut drawing, &scale, [4.0, bottom], &say!(texts, "plot-log-loss"), texts);
    for (at, (predictor, score, [low, high])) in shown.into_iter().enumerate() {
        let (y, colour) = (26.0 + ROW * at as f64, colour(predictor));
        // A label in the left half starts at its whisker, one in the right half ends there: neither leaves the plot.
        let (x, anchor) = match scale.map(score) {
            x if x < WIDTH / 2.0 => (scale.map(low).min(x) - 4.0, Anchor::Start),
            x => (scale.map(high).max(x) + 4.0, Anchor::End),
        };
        let label = format!("{} {}", names::predictor(predictor, texts), texts.decimal(score, 3));
        drawing.text("ink", [x, y - 9.0], anchor, &label);
        drawing.line(&format!("whisker {colour}"), [scale.map(low), y], [scale.map(high), y]);
        drawing.circle(&format!("dot {colour}"), [scale.map(score), y], 4.5);
    }
    drawing.finish(&say!(texts, "plot-intervals"))
}

/// Grid lines of a horizontal scale, with their values below.
fn grid_below(drawing: &mut Drawing, scale: &Scale, [top, bottom]: [f64; 2], title: &str, texts: Texts) {
    let ticks = scale.ticks();
    let decimals = decimals(&ticks);
    for tick in ticks {
        let x = scale.map(tick);
        drawing.line("grid", [x, top], [x, bottom]);
        drawing.text("soft", [x, bottom + 14.0], Anchor::Middle, &texts.decimal(tick, decimals));
    }
    drawing.text("soft", [WIDTH / 2.0, bottom + 30.0], Anchor::Middle, title);
}

/// Returns the number of decimals that tell neighbouring ticks apart.
fn decimals(ticks: &[f64]) -> usize {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    // Upper bound: the decimals of a float.
    if step.is_finite() { (-step.log10()).ceil().clamp(0.0, 15.0) as usize } else { 3 }
}

/// A reliability diagram: observed frequency of a class by its predicted probability. A dot's area is its share of
/// flights.
pub(super) fn reliability(class: DelayClass, reliability: &Reliability, texts: Texts) -> String {
    const SIDE: f64 = 200.0;
    const LEFT: f64 = 44.0;
    const TOP: f64 = 8.0;
    let mut drawing = Drawing::new(LEFT + SIDE + 12.0, TOP + SIDE + 38.0);
    let place = |predicted: f64, observed: f64| [LEFT + SIDE * predicted, TOP + SIDE * (1.0 - observed)];
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        drawing.line("grid", place(tick, 0.0), place(tick, 1.0));
        drawing.line("grid", place(0.0, tick), place(1.0, tick));
        let percent = format!("{:.0}", 100.0 * tick);
        let ([x, y], [left, level]) = (place(tick, 0.0), place(0.0, tick));
        drawing.text("soft", [x, y + 14.0], Anchor::Middle, &percent);
        drawing.text("soft", [left - 6.0, level + 4.0], Anchor::End, &percent);
    }
    drawing.line("diagonal", place(0.0, 0.0), place(1.0, 1.0));
    let bins = &reliability[class.index()];
    let most = bins.iter().map(|bin| bin.rows).max().unwrap_or(0).max(1) as f64;
    let seen = bins.iter().filter_map(|bin| Some((place(bin.predicted()?, bin.observed()?), bin.rows)));
    let seen: Vec<([f64; 2], u64)> = seen.collect();
    drawing.polyline(&format!("curve c{}", class.index()), &seen.iter().map(|(at, _)| *at).collect::<Vec<_>>());
    for (at, rows) in &seen {
        drawing.circle(&format!("dot c{}", class.index()), *at, (9.0 * (*rows as f64 / most).sqrt()).max(3.2));
    }
    drawing.text("soft", [LEFT + SIDE / 2.0, TOP + SIDE + 32.0], Anchor::Middle, &say!(texts, "plot-predicted"));
    drawing.text("soft upright", [0.0, 0.0], Anchor::Middle, &say!(texts, "plot-came-true-share"));
    let class = capitalized(&class_name(class, texts));
    let label = say!(texts, "plot-reliability", class = class);
    drawing.finish(&label)
}

/// The confusion matrix: one row for each true class, shaded by the share of the row.
pub(super) fn confusion(confusion: &[[u64; CLASSES]; CLASSES], texts: Texts) -> String {
    const CELL: [f64; 2] = [82.0, 46.0];
    const LEFT: f64 = 46.0;
    const TOP: f64 = 40.0;
    let mut drawing = Drawing::new(WIDTH, TOP + 4.0 * CELL[1] + 4.0);
    let middle = LEFT + 2.0 * CELL[0];
    drawing.text("soft", [middle, 14.0], Anchor::Middle, &say!(texts, "plot-said"));
    drawing.text("soft upright", [0.0, 0.0], Anchor::Middle, &say!(texts, "plot-came-true"));
    for (truth, row) in confusion.iter().enumerate() {
        let y = TOP + CELL[1] * truth as f64;
        let x_of = |said: usize| LEFT + CELL[0] * said as f64;
        drawing.text("ink", [x_of(truth) + CELL[0] / 2.0, TOP - 8.0], Anchor::Middle, &truth.to_string());
        drawing.text("ink", [LEFT - 10.0, y + CELL[1] / 2.0 + 4.0], Anchor::End, &truth.to_string());
        let total = row.iter().sum::<u64>().max(1) as f64;
        for (said, &count) in row.iter().enumerate() {
            let (x, share) = (x_of(said), count as f64 / total);
            drawing.rect("cell", [x, y], CELL, 0.6 * share);
            let class = if said == truth { "ink strong" } else { "ink" };
            drawing.text(class, [x + CELL[0] / 2.0, y + 20.0], Anchor::Middle, &texts.number(count));
            drawing.text("soft", [x + CELL[0] / 2.0, y + 36.0], Anchor::Middle, &format!("{:.0} %", 100.0 * share));
        }
    }
    drawing.finish(&say!(texts, "plot-confusion"))
}

/// Permutation importances: the rise of the log-loss when a fact is shuffled.
pub(super) fn importances(importances: &[Importance], texts: Texts) -> String {
    const ROW: f64 = 38.0;
    let bottom = 4.0 + ROW * importances.len() as f64;
    let mut drawing = Drawing::new(WIDTH, bottom + 36.0);
    let ends = importances
        .iter()
        .flat_map(|importance| importance.interval.into_iter().flatten().chain([0.0, importance.log_loss_increase]));
    let scale = Scale::fit(ends, [8.0, WIDTH - 8.0]);
    grid_below(&mut drawing, &scale, [4.0, bottom], &say!(texts, "plot-rise"), texts);
    for (at, importance) in importances.iter().enumerate() {
        let (y, rise) = (4.0 + ROW * at as f64, importance.log_loss_increase);
        let (zero, end) = (scale.map(0.0), scale.map(rise));
        let label = format!("{} {}", names::fact(importance.fact, texts), texts.signed(rise, 4));
        drawing.text("ink", [zero.max(8.0) + 2.0, y + 14.0], Anchor::Start, &label);
        drawing.rect("bar-fill", [zero.min(end), y + 19.0], [(end - zero).abs().max(1.0), 10.0], 1.0);
        if let Some([low, high]) = importance.interval {
            drawing.line("whisker ink-line", [scale.map(low), y + 24.0], [scale.map(high), y + 24.0]);
        }
    }
    drawing.finish(&say!(texts, "plot-importance"))
}

/// The predictors that any of the months has.
pub(super) fn predictors_of(months: &[Comparison]) -> Vec<Predictor> {
    let is_compared = |predictor: &Predictor| months.iter().any(|month| month.scorecard(*predictor).is_some());
    Predictor::ALL.into_iter().filter(is_compared).collect()
}

/// The log-loss of each predictor, month by month.
pub(super) fn months(months: &[Comparison], texts: Texts) -> String {
    const LEFT: f64 = 44.0;
    const RIGHT: f64 = 370.0;
    const TOP: f64 = 8.0;
    const BOTTOM: f64 = 200.0;
    let mut drawing = Drawing::new(WIDTH, BOTTOM + 40.0);
    let loss = |month: &Comparison, predictor| {
        month.scorecard(predictor).and_then(|scorecard| scorecard.scores[Measure::LogLoss])
    };
    let predictors = predictors_of(months);
    let all = months.iter().flat_map(|month| predictors.iter().filter_map(move |&predictor| loss(month, predictor)));
    let scale = Scale::fit(all, [BOTTOM, TOP]);
    let ticks = scale.ticks();
    let decimals = decimals(&ticks);
    for tick in ticks {
        let y = scale.map(tick);
        drawing.line("grid", [LEFT, y], [RIGHT, y]);
        drawing.text("soft", [LEFT - 6.0, y + 4.0], Anchor::End, &texts.decimal(tick, decimals));
    }
    let step = (RIGHT - LEFT) / months.len().max(1) as f64;
    let x_of = |at: usize| LEFT + step * (at as f64 + 0.5);
    // Every n-th month is named, as the width permits.
    let named = (34.0 / step).ceil().max(1.0) as usize;
    for (at, month) in months.iter().enumerate().step_by(named) {
        drawing.text("soft", [x_of(at), BOTTOM + 16.0], Anchor::Middle, &texts.short_month(month.from));
        if at == 0 || month.from.format("%m").to_string() == "01" {
            drawing.text("soft", [x_of(at), BOTTOM + 30.0], Anchor::Middle, &month.from.format("%Y").to_string());
        }
    }
    for predictor in predictors {
        let points =
            months.iter().enumerate().filter_map(|(at, month)| Some([x_of(at), scale.map(loss(month, predictor)?)]));
        let points: Vec<[f64; 2]> = points.collect();
        drawing.polyline(&format!("curve {}", colour(predictor)), &points);
        points.iter().for_each(|at| drawing.circle(&format!("dot {}", colour(predictor)), *at, 3.0));
    }
    drawing.finish(&say!(texts, "plot-months"))
}
