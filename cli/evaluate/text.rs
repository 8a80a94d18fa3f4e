//! An evaluation as text and tables.

use delaycast::{
    evaluate::{Comparison, Importance, Interval, Measure, Predictor, Report, Scorecard},
    flight::{CLASSES, DelayClass},
};
use indicatif::HumanCount;

/// Measures whose intervals are printed; JSON and the page have all.
const BOUNDED: [Measure; 4] = [Measure::LogLoss, Measure::Accuracy, Measure::Rps, Measure::Auc];

/// The whole report.
pub(super) fn in_words(report: &Report, seconds: f64) -> String {
    let sections = [
        headline(report),
        scores(&report.holdout),
        bounds(report),
        differences(&report.holdout),
        report.holdout.scorecard(Predictor::Forest).map(confusion).unwrap_or_default(),
        importances("forest", &report.importance.forest),
        importances("forest without departure delay", &report.importance.forest_before_departure),
        months(report),
    ];
    let sections: Vec<String> = sections.into_iter().filter(|section| !section.is_empty()).collect();
    format!("{}\n{seconds:.1} s", sections.join("\n"))
}

fn headline(report: &Report) -> String {
    let (holdout, model) = (&report.holdout, &report.model);
    let evaluated = match &model.version {
        Some(version) => format!("Model {version}"),
        None => format!("{}, preset {}", model.settings, model.preset),
    };
    format!(
        "{} flights of {} days, {} to {}\n{evaluated}, trained on {} earlier flights, {} to {}\n",
        HumanCount(holdout.rows),
        holdout.days,
        holdout.from,
        holdout.to,
        HumanCount(model.trained_on),
        model.window.from,
        model.window.to,
    )
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.4}"))
}

fn scores(comparison: &Comparison) -> String {
    let header: String = Measure::ALL.iter().map(|measure| format!("{:>9}", measure.label())).collect();
    let mut text = format!("  {:<32}{header}\n", "");
    for (predictor, scorecard) in comparison.scorecards.iter() {
        let cells: String = Measure::ALL.map(|measure| format!("{:>9}", number(scorecard.scores[measure]))).concat();
        text += &format!("  {:<32}{cells}\n", predictor.label());
    }
    text
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or("–".to_owned(), |[low, high]| format!("{low:.4} … {high:.4}"))
}

fn bounds(report: &Report) -> String {
    let mut lines = String::new();
    for (predictor, scorecard) in report.holdout.scorecards.iter() {
        let Some(intervals) = &scorecard.intervals else { continue };
        let cells = BOUNDED.map(|measure| format!("{:>21}", range(intervals[measure]))).concat();
        lines += &format!("  {:<32}{cells}\n", predictor.label());
    }
    if lines.is_empty() {
        return lines;
    }
    let header = BOUNDED.map(|measure| format!("{:>21}", measure.label())).concat();
    let title = format!("95 %, {} resamples of days", report.bootstrap.resamples);
    format!("  {title:<32}{header}\n{lines}")
}

fn differences(comparison: &Comparison) -> String {
    let mut lines = String::new();
    for (predictor, scorecard) in
        comparison.scorecards.iter().filter(|(predictor, _)| *predictor != Predictor::ClassPrior)
    {
        let Some(of) = scorecard.against_lookup.and_then(|differences| differences[Measure::LogLoss]) else { continue };
        let interval = of.interval.map_or(String::new(), |[low, high]| format!(" ({low:+.4} … {high:+.4})"));
        lines += &format!("  {:<32}{:>+11.4}{interval}\n", predictor.label(), of.difference);
    }
    if lines.is_empty() {
        lines
    } else {
        format!("  Log-loss less that of the lookup table, on the same days\n{lines}")
    }
}

/// The confusion matrix: a row for each outcome, a column for the forest's most probable class.
fn confusion(scorecard: &Scorecard) -> String {
    let header: String = (0..CLASSES).map(|class| format!("{class:>11}")).collect();
    let mut text = format!("  {:<32}{header}\n", "came true \\ forest said");
    for (class, numbers) in DelayClass::ALL.iter().zip(&scorecard.confusion) {
        let cells = numbers.map(|number| format!("{:>11}", HumanCount(number).to_string())).concat();
        text += &format!("  {} {:<30}{cells}\n", class.index(), class.label());
    }
    text
}

fn importances(forest: &str, importances: &[Importance]) -> String {
    let mut text = format!("  What the {forest} needs to know: log-loss rises by, when shuffled\n");
    for Importance { fact, log_loss_increase, interval, .. } in importances {
        let interval = interval.map_or(String::new(), |[low, high]| format!(" ({low:+.4} … {high:+.4})"));
        text += &format!("  {fact:<32}{log_loss_increase:>+11.4}{interval}\n");
    }
    text
}

fn months(report: &Report) -> String {
    let Some(pooled) = &report.rolling_pooled else { return String::new() };
    let predictors: Vec<Predictor> = pooled.scorecards.iter().map(|(predictor, _)| predictor).collect();
    let header: String = predictors.iter().map(|predictor| format!("{:>12}", predictor.short_label())).collect();
    let mut text = format!("  {:<26}{:>10}{header}\n", "log-loss by month", "flights");
    let line = |comparison: &Comparison, days: String| {
        let loss = |predictor| comparison.scorecard(predictor).and_then(|scorecard| scorecard.scores[Measure::LogLoss]);
        let cells: String = predictors.iter().map(|&predictor| format!("{:>12}", number(loss(predictor)))).collect();
        format!("  {days:<26}{:>10}{cells}\n", HumanCount(comparison.rows).to_string())
    };
    for month in &report.rolling {
        text += &line(month, format!("{} to {}", month.from, month.to));
    }
    text + &line(pooled, "all of them".to_owned())
}
