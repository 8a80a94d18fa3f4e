//! The state of a scorer, as its supervisor and the page of operations show it.

mod dataflow;

pub use dataflow::{CHANNELS_MAX, ChannelStatus, DataflowStatus, OPERATORS_MAX, OperatorStatus, WorkerStatus, merge};

use serde::{Deserialize, Serialize};

use crate::delivery::Waiting;

/// A dependency that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Its name.
    pub what: String,
    /// The length of the outage, in seconds.
    pub for_s: u64,
}

impl Wait {
    /// Returns the wait for a dependency.
    pub fn new(what: &str, outage: &Waiting) -> Self {
        Wait { what: what.to_owned(), for_s: outage.since.elapsed().as_secs() }
    }
}

/// The state of the scorers of a process, or of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Messages that are read and not yet durable.
    pub in_flight: u64,
    /// Messages of the partitions read here that are not yet committed, where that is known.
    pub lag: Option<u64>,
    /// The dependencies that do not serve.
    pub waiting: Vec<Wait>,
    /// The answers of each bucket of [`Status::latency_bounds_ms`] since the start, and a last one without a bound.
    #[serde(default)]
    pub latencies: Vec<u64>,
    /// The upper bounds of the buckets of the latencies, in milliseconds: from reading a record to its durable answer.
    #[serde(default)]
    pub latency_bounds_ms: Vec<u64>,
    /// The workers.
    #[serde(default)]
    pub workers: Vec<WorkerStatus>,
    /// The dataflows of the workers, each once.
    #[serde(default)]
    pub dataflows: Vec<DataflowStatus>,
}

impl Status {
    /// Returns the state of a cluster whose processes have these states.
    pub fn of_all<'a>(statuses: impl Iterator<Item = &'a Status>) -> Self {
        let mut all = Status { lag: Some(0), ..Status::default() };
        for Status { in_flight, lag, waiting, latencies, latency_bounds_ms, workers, dataflows } in statuses {
            all.workers.extend(workers.iter().cloned());
            merge(&mut all.dataflows, dataflows);
            if all.latency_bounds_ms.is_empty() {
                all.latency_bounds_ms.clone_from(latency_bounds_ms);
                all.latencies = vec![0; latencies.len()];
            }
            // Another version may have other buckets: its latencies are left out.
            if all.latency_bounds_ms == *latency_bounds_ms {
                all.latencies.iter_mut().zip(latencies).for_each(|(sum, count)| *sum += count);
            }
            all.in_flight += in_flight;
            all.lag = all.lag.zip(*lag).map(|(one, other)| one + other);
            for wait in waiting {
                // All processes wait for the same log and the same store.
                match all.waiting.iter_mut().find(|known| known.what == wait.what) {
                    Some(known) => known.for_s = known.for_s.max(wait.for_s),
                    None => all.waiting.push(wait.clone()),
                }
            }
        }
        all.workers.sort_by_key(|worker| worker.index);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_state_is_that_of_its_processes() {
        let wait = |what: &str, for_s| Wait { what: what.into(), for_s };
        let worker = |index| WorkerStatus { index, ..WorkerStatus::default() };
        let one = Status {
            in_flight: 2,
            lag: Some(3),
            waiting: vec![wait("the log", 5)],
            latencies: vec![1, 0],
            latency_bounds_ms: vec![10],
            workers: vec![worker(1)],
            ..Status::default()
        };
        let waiting = vec![wait("the log", 7), wait("the store", 1)];
        let other = Status {
            in_flight: 4,
            lag: Some(1),
            waiting: waiting.clone(),
            latencies: vec![2, 5],
            workers: vec![worker(0)],
            ..one.clone()
        };
        let all = Status::of_all([&one, &other].into_iter());
        let (latencies, workers) = (vec![3, 5], vec![worker(0), worker(1)]);
        assert_eq!(all, Status { in_flight: 6, lag: Some(4), waiting, latencies, workers, ..one.clone() });
        let unknown = Status { lag: None, ..one.clone() };
        assert_eq!(Status::of_all([&one, &unknown].into_iter()).lag, None);
    }
}
