//! The report of an evaluation.

mod plots;

use delaycast::{
    evaluate::{Comparison, DAYS_MIN, Measure, Predictor, Report, Scorecard, TRAINING_DAYS_MIN},
    flight::DelayClass,
};
use serde::Serialize;

use super::words::{capitalized, grouped};
use crate::render::View;

/// The style of the pages and of the plots.
const STYLE: &str = concat!(include_str!("../static/delaycast.css"), "\n", include_str!("../static/report.css"));

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct ReportView {
    style: &'static str,
    #[serde(skip)]
    title: String,
    verdict: String,
    facts: Vec<Property>,
    notes: Vec<String>,
    measures: Vec<Heading>,
    scores: Vec<ScoreRow>,
    intervals: String,
    reliability: Vec<Figure>,
    confusion: String,
    classes: Vec<ClassName>,
    importances: Vec<Figure>,
    months: Option<Months>,
}

#[derive(Debug, Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Heading {
    label: &'static str,
    better: &'static str,
}

#[derive(Debug, Serialize)]
struct ScoreRow {
    name: String,
    colour: &'static str,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    interval: String,
}

#[derive(Debug, Serialize)]
struct Figure {
    title: String,
    svg: String,
}

#[derive(Debug, Serialize)]
struct ClassName {
    class: usize,
    label: String,
}

#[derive(Debug, Serialize)]
struct Months {
    plot: String,
    legend: Vec<ScoreRow>,
    predictors: Vec<&'static str>,
    rows: Vec<MonthRow>,
    days_min: i64,
}

#[derive(Debug, Serialize)]
struct MonthRow {
    name: String,
    flights: String,
    losses: Vec<String>,
}

impl View for ReportView {
    const PAGE: &'static str = "report";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl ReportView {
    pub(crate) fn new(report: &Report) -> Self {
        let (holdout, model) = (&report.holdout, &report.model);
        let fact = |name, value| Property { name, value };
        let forest = holdout.scorecard(Predictor::Forest);
        let reliability = forest.and_then(|scorecard| scorecard.reliability);
        let reliability = reliability.iter().flat_map(|bins| {
            DelayClass::ALL
                .map(|class| Figure { title: capitalized(class.label()), svg: plots::reliability(class, bins) })
        });
        let importances = [
            ("The forest", &report.importance.forest),
            ("The forest without departure delay", &report.importance.forest_before_departure),
        ];
        let importances = importances
            .map(|(title, importances)| Figure { title: title.to_owned(), svg: plots::importances(importances) });
        ReportView {
            style: STYLE,
            title: format!("Evaluation, {} to {}", holdout.from, holdout.to),
            verdict: verdict(holdout),
            facts: vec![
                fact("Flights answered", grouped(holdout.rows)),
                fact("Days answered for", format!("{} to {}", holdout.from, holdout.to)),
                fact("Flights trained on", grouped(model.trained_on)),
                fact("Days trained on", format!("{} to {}", model.window.from, model.window.to)),
                fact("Model", format!("{}, preset {}", model.settings, model.preset)),
                match &model.version {
                    Some(version) => fact("Version", version.clone()),
                    None => fact("Seed", model.settings.seed().to_string()),
                },
            ],
            notes: notes(report),
            measures: Measure::ALL
                .map(|measure| Heading {
                    label: measure.label(),
                    better: if measure.more_is_better() { "more is better" } else { "less is better" },
                })
                .into(),
            scores: holdout.scorecards.iter().map(|(predictor, scorecard)| score_row(predictor, scorecard)).collect(),
            intervals: plots::intervals(holdout),
            reliability: reliability.collect(),
            confusion: forest.map(|scorecard| plots::confusion(&scorecard.confusion)).unwrap_or_default(),
            classes: DelayClass::ALL
                .map(|class| ClassName { class: class.index(), label: capitalized(class.label()) })
                .into(),
            importances: importances.into(),
            months: (!report.rolling.is_empty()).then(|| months(report)),
        }
    }
}

/// Summarises the evaluation in one or two sentences.
fn verdict(holdout: &Comparison) -> String {
    let Some(forest) = holdout.scorecard(Predictor::Forest) else { return String::new() };
    let measure = Measure::LogLoss;
    let loss = forest.scores[measure].unwrap_or_default();
    let Some(against) = forest.against_lookup.and_then(|differences| differences[measure]) else {
        return format!("The forest's log-loss is {loss:.4}.");
    };
    let side = |difference: f64| if difference < 0.0 { "below" } else { "above" };
    let interval = match against.interval {
        Some([low, high]) if low <= 0.0 && high >= 0.0 => {
            format!(" 95 % of the resamples lie from {low:+.4} to {high:+.4}: these days do not tell which is better.")
        }
        Some(ends) => {
            let [near, far] = if ends[0] < 0.0 { [-ends[1], -ends[0]] } else { ends };
            format!(" 95 % of the resamples lie {near:.4} to {far:.4} {}.", side(ends[0]))
        }
        None => String::new(),
    };
    format!(
        "The forest's log-loss is {loss:.4}, {:.4} {} that of a lookup table on the departure delay.{interval}",
        against.difference.abs(),
        side(against.difference)
    )
}

fn notes(report: &Report) -> Vec<String> {
    let holdout = &report.holdout;
    let mut notes = Vec::new();
    if report.bootstrap.resamples > 0 && holdout.days < DAYS_MIN {
        notes.push(format!(
            "There are no intervals: {} days are fewer than the {DAYS_MIN} that they take.",
            holdout.days
        ));
    }
    if holdout.scorecard(Predictor::Lookup).is_none() {
        notes
            .push("There are no baselines: the data hold no flight of the days that the model has learned.".to_owned());
    }
    notes
}

fn score_row(predictor: Predictor, scorecard: &Scorecard) -> ScoreRow {
    let cell = |measure: Measure| Cell {
        value: number(scorecard.scores[measure]),
        interval: scorecard
            .intervals
            .and_then(|intervals| intervals[measure])
            .map_or(String::new(), |[low, high]| format!("{low:.3}–{high:.3}")),
    };
    ScoreRow {
        name: capitalized(predictor.label()),
        colour: plots::colour(predictor),
        cells: Measure::ALL.map(cell).into(),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.4}"))
}

fn months(report: &Report) -> Months {
    let predictors: Vec<Predictor> = plots::predictors_of(&report.rolling);
    let row = |name: String, comparison: &Comparison| MonthRow {
        name,
        flights: grouped(comparison.rows),
        losses: predictors
            .iter()
            .map(|&predictor| {
                number(comparison.scorecard(predictor).and_then(|scorecard| scorecard.scores[Measure::LogLoss]))
            })
            .collect(),
    };
    let months = report.rolling.iter().map(|month| row(format!("{}–{}", month.from, month.to.format("%d")), month));
    let pooled = report.rolling_pooled.iter().map(|pooled| row("All of them".to_owned(), pooled));
    Months {
        plot: plots::months(&report.rolling),
        legend: predictors
            .iter()
            .map(|&predictor| ScoreRow {
                name: capitalized(predictor.label()),
                colour: plots::colour(predictor),
                cells: Vec::new(),
            })
            .collect(),
        predictors: predictors.iter().map(|predictor| predictor.short_label()).collect(),
        rows: months.chain(pooled).collect(),
        days_min: TRAINING_DAYS_MIN,
    }
}
