//! The page `/ops/dataflow`: the dataflows of the scorers with their operators and frontiers, and their workers.

use chrono::{DateTime, TimeDelta, Utc};
use engine::status::{DataflowStatus, OperatorStatus, Status, WorkerStatus};
use serde::Serialize;

use super::dataflow_drawing::drawing;
use crate::{
    render::View,
    texts::{Texts, say},
};

/// Interval between refreshes without JavaScript.
const REFRESH_S: u32 = 5;
/// A frontier that has not moved for this time, while there is work, is shown as one that is held back.
const STANDS_MS: u64 = 3_000;
/// The dataflow whose frontier tells which records are durable.
const SCORE: &str = "Score";

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct DataflowView {
    refresh: Refresh,
    /// The page has a scorer, or knows some.
    is_known: bool,
    /// The frontier of the scores, in a sentence.
    frontier: Option<FrontierView>,
    workers: Vec<WorkerRow>,
    dataflows: Vec<DataflowCard>,
}

#[derive(Debug, Serialize)]
struct Refresh {
    after_s: u32,
    url: &'static str,
}

#[derive(Debug, Serialize)]
struct FrontierView {
    sentence: String,
    is_held: bool,
}

#[derive(Debug, Serialize)]
struct WorkerRow {
    index: usize,
    process: usize,
    busy: String,
    in_flight: String,
    oldest: String,
    lag: String,
    stepped: String,
}

#[derive(Debug, Serialize)]
struct DataflowCard {
    name: String,
    id: String,
    frontier: String,
    drawing: String,
    operators: Vec<OperatorRow>,
}

#[derive(Debug, Serialize)]
struct OperatorRow {
    name: String,
    received: String,
    waiting: String,
    scheduled: String,
    busy: String,
    /// The distance of its frontier to the newest of the dataflow.
    behind: String,
    holds: bool,
}

impl View for DataflowView {
    const PAGE: &'static str = "dataflow";
    const SECTION: &'static str = "operations";
}

impl DataflowView {
    pub(crate) fn new(status: Option<&Status>, now: DateTime<Utc>, texts: Texts) -> Self {
        let refresh = Refresh { after_s: REFRESH_S, url: "/ops/dataflow" };
        let Some(status) = status else {
            let (workers, dataflows) = (Vec::new(), Vec::new());
            return DataflowView { refresh, is_known: false, frontier: None, workers, dataflows };
        };
        let lived_us = status.workers.iter().map(|worker| worker.lived_us).sum();
        let mut dataflows: Vec<&DataflowStatus> = status.dataflows.iter().collect();
        dataflows.sort_by_key(|dataflow| (dataflow.name != SCORE, dataflow.name.clone()));
        let score = dataflows.first().filter(|dataflow| dataflow.name == SCORE);
        DataflowView {
            refresh,
            is_known: true,
            frontier: score.map(|score| frontier(score, &status.workers, now, texts)),
            workers: status.workers.iter().map(|worker| worker_row(worker, texts)).collect(),
            dataflows: dataflows.into_iter().map(|dataflow| card(dataflow, lived_us, now, texts)).collect(),
        }
    }
}

/// Says whether the frontier of the scores moves, or which operators hold it, since when, and which worker waits.
fn frontier(score: &DataflowStatus, workers: &[WorkerStatus], now: DateTime<Utc>, texts: Texts) -> FrontierView {
    let in_flight: u64 = workers.iter().map(|worker| worker.in_flight).sum();
    let is_held = score.frontier_for_ms >= STANDS_MS && in_flight > 0;
    if !is_held {
        let sentence = match score.frontier {
            Some(_) => say!(texts, "dataflow-moves"),
            None => say!(texts, "dataflow-done"),
        };
        return FrontierView { sentence, is_held };
    }
    let (operators, since, time) = (holders(score, texts), since(score, now), elapsed(score.frontier_for_ms));
    let mut sentence = say!(
        texts,
        "dataflow-held",
        operators = operators.as_str(),
        since = since.as_str(),
        time = time.as_str(),
        records = in_flight,
    );
    let oldest = workers.iter().filter_map(|worker| Some((worker, worker.oldest_ms?))).max_by_key(|(_, age)| *age);
    if let Some((WorkerStatus { index, process, .. }, age)) = oldest {
        let (age, worker, process) = (elapsed(age), index.to_string(), process.to_string());
        sentence += " ";
        sentence +=
            &say!(texts, "dataflow-oldest", age = age.as_str(), worker = worker.as_str(), process = process.as_str(),);
    }
    FrontierView { sentence, is_held }
}

/// The names of the operators that hold the frontier.
fn holders(dataflow: &DataflowStatus, texts: Texts) -> String {
    let names = dataflow.operators.iter().filter(|operator| operator.holds_frontier).map(|it| it.name.clone());
    let joined =
        |first: String, second: String| say!(texts, "dataflow-and", first = first.as_str(), second = second.as_str());
    names.reduce(joined).unwrap_or_else(|| say!(texts, "dataflow-others"))
}

fn since(dataflow: &DataflowStatus, now: DateTime<Utc>) -> String {
    let stood = TimeDelta::milliseconds(i64::try_from(dataflow.frontier_for_ms).unwrap_or(i64::MAX));
    let since = now.checked_sub_signed(stood).unwrap_or(now);
    since.format("%H:%M:%S UTC").to_string()
}

/// A timestamp as a time, if it is one: milliseconds since 1970, of this century.
fn timestamp(at: u64) -> String {
    const FIRST: i64 = 1_000_000_000_000;
    let time = i64::try_from(at).ok().filter(|ms| *ms >= FIRST).and_then(DateTime::<Utc>::from_timestamp_millis);
    time.map_or_else(|| at.to_string(), |time| time.format("%H:%M:%S%.3f UTC").to_string())
}

fn elapsed(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms}\u{a0}ms"),
        1_000..120_000 => format!("{}\u{a0}s", ms / 1_000),
        120_000..7_200_000 => format!("{}\u{a0}min", ms / 60_000),
        _ => format!("{}\u{a0}h", ms / 3_600_000),
    }
}

fn worker_row(worker: &WorkerStatus, texts: Texts) -> WorkerRow {
    let idle = worker.parked_us as f64 / worker.lived_us.max(1) as f64;
    WorkerRow {
        index: worker.index,
        process: worker.process,
        busy: texts.percent(100.0 * (1.0 - idle).clamp(0.0, 1.0)),
        in_flight: texts.number(worker.in_flight),
        oldest: worker.oldest_ms.map_or_else(|| "–".to_owned(), elapsed),
        lag: elapsed(worker.frontier_lag_ms),
        stepped: elapsed(worker.stepped_ms_ago),
    }
}

fn card(dataflow: &DataflowStatus, lived_us: u64, now: DateTime<Utc>, texts: Texts) -> DataflowCard {
    let newest = dataflow.operators.iter().filter_map(|operator| operator.frontier).max();
    let row = |operator: &OperatorStatus| OperatorRow {
        name: operator.name.clone(),
        received: texts.number(operator.received),
        waiting: texts.number(operator.waiting),
        scheduled: texts.number(operator.scheduled),
        busy: format!("{}\u{a0}%", texts.decimal(100.0 * operator.busy_us as f64 / lived_us.max(1) as f64, 2)),
        behind: match (operator.frontier, newest) {
            (Some(frontier), Some(newest)) => texts.number(newest - frontier),
            _ => say!(texts, "dataflow-nothing-left"),
        },
        holds: operator.holds_frontier,
    };
    let frontier = match dataflow.frontier {
        None => say!(texts, "dataflow-none-left"),
        Some(at) if dataflow.frontier_for_ms < STANDS_MS => say!(texts, "dataflow-at", at = timestamp(at).as_str()),
        Some(at) => say!(
            texts,
            "dataflow-stands",
            at = timestamp(at).as_str(),
            since = since(dataflow, now).as_str(),
            time = elapsed(dataflow.frontier_for_ms).as_str(),
            operators = holders(dataflow, texts).as_str(),
        ),
    };
    DataflowCard {
        name: dataflow.name.clone(),
        id: format!("operators-{}", dataflow.name.to_lowercase()),
        frontier,
        drawing: if dataflow.operators.is_empty() { String::new() } else { drawing(dataflow, texts) },
        operators: dataflow.operators.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    fn status(stands_ms: u64, in_flight: u64) -> Status {
        let operator = |index, name: &str, holds_frontier| OperatorStatus {
            index,
            name: name.to_owned(),
            holds_frontier,
            frontier: Some(100),
            ..OperatorStatus::default()
        };
        let worker =
            WorkerStatus { index: 3, process: 1, in_flight, oldest_ms: Some(48_000), ..WorkerStatus::default() };
        Status {
            workers: vec![WorkerStatus::default(), worker],
            dataflows: vec![
                DataflowStatus { name: "Heartbeat".into(), ..DataflowStatus::default() },
                DataflowStatus {
                    name: SCORE.into(),
                    operators: vec![operator(1, "ReadLog", false), operator(2, "LandAnswers", true)],
                    frontier: Some(100),
                    frontier_for_ms: stands_ms,
                    ..DataflowStatus::default()
                },
            ],
            ..Status::default()
        }
    }

    const NOW: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_000_000_000);

    #[test]
    fn a_frontier_that_stands_while_there_is_work_is_held_by_an_operator_since_a_moment() {
        let texts = Texts::of(Language::English);
        let view = DataflowView::new(Some(&status(48_000, 7)), NOW, texts);
        let frontier = view.frontier.unwrap();
        assert!(frontier.is_held);
        assert_eq!(
            frontier.sentence,
            "LandAnswers holds the frontier back since 22:12:32 UTC, for 48\u{a0}s. 7 records are in flight. The oldest \
             record in flight is 48\u{a0}s old, of worker 3 in process 1."
        );
        assert_eq!(view.dataflows[0].name, SCORE, "the scores come first");
        assert_eq!((timestamp(7), timestamp(1_700_000_000_123)), ("7".to_owned(), "22:13:20.123 UTC".to_owned()));
    }

    #[test]
    fn a_frontier_that_moves_or_has_no_work_is_not_held_back() {
        let texts = Texts::of(Language::English);
        for (stands_ms, in_flight) in [(48_000, 0), (900, 7)] {
            assert!(!DataflowView::new(Some(&status(stands_ms, in_flight)), NOW, texts).frontier.unwrap().is_held);
        }
        assert!(!DataflowView::new(None, NOW, texts).is_known);
    }
}
