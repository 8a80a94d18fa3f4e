//! The report of an evaluation.

mod names;
mod plots;

use delaycast::{
    classifier::ClassifierSettings,
    evaluate::{Comparison, DAYS_MIN, Measure, Predictor, Report, Scorecard, TRAINING_DAYS_MIN},
    flight::DelayClass,
};
use serde::Serialize;

use super::words::{capitalized, class_names};
use crate::{
    render::View,
    texts::{Texts, say},
};

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
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct Heading {
    label: String,
    better: String,
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
    predictors: Vec<String>,
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
    pub(crate) fn new(report: &Report, texts: Texts) -> Self {
        let (holdout, model) = (&report.holdout, &report.model);
        let fact = |name, value| Property { name, value };
        let days = |from: String, to: String| say!(texts, "report-days", from = from, to = to);
        let classes = class_names(texts);
        let forest = holdout.scorecard(Predictor::Forest);
        let reliability = forest.and_then(|scorecard| scorecard.reliability);
        let reliability = reliability.iter().flat_map(|bins| {
            DelayClass::ALL.map(|class| Figure {
                title: classes[class.index()].clone(),
                svg: plots::reliability(class, bins, texts),
            })
        });
        let importances = [
            (say!(texts, "report-forest"), &report.importance.forest),
            (say!(texts, "report-forest-before"), &report.importance.forest_before_departure),
        ];
        let importances =
            importances.map(|(title, importances)| Figure { title, svg: plots::importances(importances, texts) });
        ReportView {
            style: STYLE,
            title: say!(texts, "report-title", from = holdout.from.to_string(), to = holdout.to.to_string()),
            verdict: verdict(holdout, texts),
            facts: vec![
                fact(say!(texts, "report-answered"), texts.number(holdout.rows)),
                fact(say!(texts, "report-answered-days"), days(holdout.from.to_string(), holdout.to.to_string())),
                fact(say!(texts, "report-trained"), texts.number(model.trained_on)),
                fact(
                    say!(texts, "report-trained-days"),
                    days(model.window.from.to_string(), model.window.to.to_string()),
                ),
                fact(
                    say!(texts, "report-model"),
                    say!(
                        texts,
                        "report-model-preset",
                        model = settings(&model.settings, texts),
                        preset = model.preset.to_string()
                    ),
                ),
                match &model.version {
                    Some(version) => fact(say!(texts, "report-version"), version.clone()),
                    None => fact(say!(texts, "report-seed"), model.settings.seed().to_string()),
                },
            ],
            notes: notes(report, texts),
            measures: Measure::ALL
                .map(|measure| Heading {
                    label: names::measure(measure, texts),
                    better: match measure.more_is_better() {
                        true => say!(texts, "report-more-is-better"),
                        false => say!(texts, "report-less-is-better"),
                    },
                })
                .into(),
            scores: holdout
                .scorecards
                .iter()
                .map(|(predictor, scorecard)| score_row(predictor, scorecard, texts))
                .collect(),
            intervals: plots::intervals(holdout, texts),
            reliability: reliability.collect(),
            confusion: forest.map(|scorecard| plots::confusion(&scorecard.confusion, texts)).unwrap_or_default(),
            classes: DelayClass::ALL
                .map(|class| ClassName { class: class.index(), label: classes[class.index()].clone() })
                .into(),
            importances: importances.into(),
            months: (!report.rolling.is_empty()).then(|| months(report, texts)),
        }
    }
}

/// The settings of a forest.
fn settings(settings: &ClassifierSettings, texts: Texts) -> String {
    match settings {
        ClassifierSettings::Forest(forest) => {
            say!(texts, "report-forest-settings", trees = forest.trees, depth = forest.depth)
        }
    }
}

/// Summarises the evaluation in one or two sentences.
fn verdict(holdout: &Comparison, texts: Texts) -> String {
    let Some(forest) = holdout.scorecard(Predictor::Forest) else { return String::new() };
    let measure = Measure::LogLoss;
    let loss = texts.decimal(forest.scores[measure].unwrap_or_default(), 4);
    let Some(against) = forest.against_lookup.and_then(|differences| differences[measure]) else {
        return say!(texts, "report-loss", loss = loss);
    };
    let difference = texts.decimal(against.difference.abs(), 4);
    let against_lookup = match against.difference < 0.0 {
        true => say!(texts, "report-below", loss = loss, difference = difference),
        false => say!(texts, "report-above", loss = loss, difference = difference),
    };
    let interval = against.interval.map(|[low, high]| match (low, high) {
        (..=0.0, 0.0..) => {
            say!(texts, "report-undecided", low = texts.signed(low, 4), high = texts.signed(high, 4))
        }
        (..0.0, _) => {
            say!(texts, "report-interval-below", near = texts.decimal(-high, 4), far = texts.decimal(-low, 4))
        }
        _ => say!(texts, "report-interval-above", near = texts.decimal(low, 4), far = texts.decimal(high, 4)),
    });
    [Some(against_lookup), interval].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn notes(report: &Report, texts: Texts) -> Vec<String> {
    let holdout = &report.holdout;
    let mut notes = Vec::new();
    if report.bootstrap.resamples > 0 && holdout.days < DAYS_MIN {
        notes.push(say!(texts, "report-no-intervals", days = holdout.days, least = DAYS_MIN));
    }
    if holdout.scorecard(Predictor::Lookup).is_none() {
        notes.push(say!(texts, "report-no-baselines"));
    }
    notes
}

fn score_row(predictor: Predictor, scorecard: &Scorecard, texts: Texts) -> ScoreRow {
    let cell = |measure: Measure| Cell {
        value: number(scorecard.scores[measure], texts),
        interval: scorecard
            .intervals
            .and_then(|intervals| intervals[measure])
            .map_or(String::new(), |ends| ends.map(|end| texts.decimal(end, 3)).join("–")),
    };
    ScoreRow {
        name: capitalized(&names::predictor(predictor, texts)),
        colour: plots::colour(predictor),
        cells: Measure::ALL.map(cell).into(),
    }
}

fn number(value: Option<f64>, texts: Texts) -> String {
    value.map_or("–".to_owned(), |value| texts.decimal(value, 4))
}

fn months(report: &Report, texts: Texts) -> Months {
    let predictors: Vec<Predictor> = plots::predictors_of(&report.rolling);
    let row = |name: String, comparison: &Comparison| MonthRow {
        name,
        flights: texts.number(comparison.rows),
        losses: predictors
            .iter()
            .map(|&predictor| {
                let loss = comparison.scorecard(predictor).and_then(|scorecard| scorecard.scores[Measure::LogLoss]);
                number(loss, texts)
            })
            .collect(),
    };
    let months = report.rolling.iter().map(|month| row(format!("{}–{}", month.from, month.to.format("%d")), month));
    let pooled = report.rolling_pooled.iter().map(|pooled| row(say!(texts, "report-months-all"), pooled));
    Months {
        plot: plots::months(&report.rolling, texts),
        legend: predictors
            .iter()
            .map(|&predictor| ScoreRow {
                name: capitalized(&names::predictor(predictor, texts)),
                colour: plots::colour(predictor),
                cells: Vec::new(),
            })
            .collect(),
        predictors: predictors.iter().map(|predictor| names::short(*predictor, texts)).collect(),
        rows: months.chain(pooled).collect(),
        days_min: TRAINING_DAYS_MIN,
    }
}
