//! The page `/ops/dataflow`: the dataflows of the scorers with their operators and frontiers, and their workers.

use chrono::{DateTime, TimeDelta, Utc};
use engine::status::{DataflowStatus, OperatorStatus, Status, WorkerStatus};
use serde::Serialize;

use super::{
    dataflow_drawing::drawing,
    words::{grouped, percent},
};
use crate::render::View;

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
}

impl DataflowView {
    pub(crate) fn new(status: Option<&Status>, now: DateTime<Utc>) -> Self {
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
            frontier: score.map(|score| frontier(score, &status.workers, now)),
            workers: status.workers.iter().map(worker_row).collect(),
            dataflows: dataflows.into_iter().map(|dataflow| card(dataflow, lived_us, now)).collect(),
        }
    }
}

/// Says whether the frontier of the scores moves, or which operators hold it, since when, and which worker waits.
fn frontier(score: &DataflowStatus, workers: &[WorkerStatus], now: DateTime<Utc>) -> FrontierView {
    let in_flight: u64 = workers.iter().map(|worker| worker.in_flight).sum();
    let is_held = score.frontier_for_ms >= STANDS_MS && in_flight > 0;
    if !is_held {
        let sentence = match score.frontier {
            Some(_) => "The frontier moves: everything that was read is durable, or soon will be.",
            None => "The dataflow is done: it has no capability and no message.",
        };
        return FrontierView { sentence: sentence.to_owned(), is_held };
    }
    let oldest = workers.iter().filter(|worker| worker.oldest_ms.is_some()).max_by_key(|worker| worker.oldest_ms);
    let of_worker = oldest.map_or_else(String::new, |worker| {
        let WorkerStatus { index, process, .. } = worker;
        let age = elapsed(worker.oldest_ms.unwrap_or(0));
        format!(" The oldest record in flight is {age} old, of worker {index} in process {process}.")
    });
    let sentence = format!(
        "{} holds the frontier back since {}, for {}. {} records are in flight.{of_worker}",
        holders(score),
        since(score, now),
        elapsed(score.frontier_for_ms),
        grouped(in_flight),
    );
    FrontierView { sentence, is_held }
}

/// The names of the operators that hold the frontier.
fn holders(dataflow: &DataflowStatus) -> String {
    let names: Vec<&str> =
        dataflow.operators.iter().filter(|operator| operator.holds_frontier).map(|it| &*it.name).collect();
    if names.is_empty() { "Another process".to_owned() } else { names.join(" and ") }
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

fn worker_row(worker: &WorkerStatus) -> WorkerRow {
    let idle = worker.parked_us as f64 / worker.lived_us.max(1) as f64;
    WorkerRow {
        index: worker.index,
        process: worker.process,
        busy: percent(100.0 * (1.0 - idle).clamp(0.0, 1.0)),
        in_flight: grouped(worker.in_flight),
        oldest: worker.oldest_ms.map_or_else(|| "–".to_owned(), elapsed),
        lag: elapsed(worker.frontier_lag_ms),
        stepped: elapsed(worker.stepped_ms_ago),
    }
}

fn card(dataflow: &DataflowStatus, lived_us: u64, now: DateTime<Utc>) -> DataflowCard {
    let newest = dataflow.operators.iter().filter_map(|operator| operator.frontier).max();
    let row = |operator: &OperatorStatus| OperatorRow {
        name: operator.name.clone(),
        received: grouped(operator.received),
        waiting: grouped(operator.waiting),
        scheduled: grouped(operator.scheduled),
        busy: format!("{:.2}\u{a0}%", 100.0 * operator.busy_us as f64 / lived_us.max(1) as f64),
        behind: match (operator.frontier, newest) {
            (Some(frontier), Some(newest)) => grouped(newest - frontier),
            _ => "done".to_owned(),
        },
        holds: operator.holds_frontier,
    };
    let frontier = match dataflow.frontier {
        None => "No capability and no message is left.".to_owned(),
        Some(at) if dataflow.frontier_for_ms < STANDS_MS => {
            format!("The frontier moves, and is at {}.", timestamp(at))
        }
        Some(at) => format!(
            "The frontier is at {} since {}, for {}; {} holds it.",
            timestamp(at),
            since(dataflow, now),
            elapsed(dataflow.frontier_for_ms),
            holders(dataflow)
        ),
    };
    DataflowCard {
        name: dataflow.name.clone(),
        id: format!("operators-{}", dataflow.name.to_lowercase()),
        frontier,
        drawing: drawing(dataflow),
        operators: dataflow.operators.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let view = DataflowView::new(Some(&status(48_000, 7)), NOW);
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
        for (stands_ms, in_flight) in [(48_000, 0), (900, 7)] {
            assert!(!DataflowView::new(Some(&status(stands_ms, in_flight)), NOW).frontier.unwrap().is_held);
        }
        assert!(!DataflowView::new(None, NOW).is_known);
    }
}
