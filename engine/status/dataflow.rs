//! The workers of a scorer and its dataflows: operators, channels and frontiers, as plain data.
//!
//! The engine knows no timely: the crate of the dataflows fills these types from timely's log.

use serde::{Deserialize, Serialize};

/// Upper bound on the operators of a dataflow that are shown.
pub const OPERATORS_MAX: usize = 128;
/// Upper bound on the channels of a dataflow that are shown.
pub const CHANNELS_MAX: usize = 256;

/// A worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Its index among all workers of the cluster.
    pub index: usize,
    /// The number of its process; 0 outside of a cluster.
    pub process: usize,
    /// The time since its main loop has run, in milliseconds.
    pub stepped_ms_ago: u64,
    /// The time by which the durable frontier is behind the clock, in milliseconds.
    pub frontier_lag_ms: u64,
    /// The time that it was parked since its start, in microseconds.
    pub parked_us: u64,
    /// The time since its start, in microseconds.
    pub lived_us: u64,
    /// The records that it has read and that are not durable yet.
    pub in_flight: u64,
    /// The age of the oldest of them, in milliseconds.
    pub oldest_ms: Option<u64>,
}

/// A dataflow: the same on all workers, with the sums of their counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataflowStatus {
    /// Its name.
    pub name: String,
    /// Its operators, by index.
    pub operators: Vec<OperatorStatus>,
    /// Its channels.
    pub channels: Vec<ChannelStatus>,
    /// The least timestamp that a capability or a message of it has; `None` if all work is done.
    pub frontier: Option<u64>,
    /// The time for which that has been so, in milliseconds.
    pub frontier_for_ms: u64,
}

/// An operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorStatus {
    /// Its index in the dataflow.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The number of times that it was scheduled.
    pub scheduled: u64,
    /// The time that it has run, in microseconds.
    pub busy_us: u64,
    /// The records that it has received.
    pub received: u64,
    /// The records that were sent to it and that it has not received yet.
    pub waiting: u64,
    /// The least timestamp that may still arrive at it or leave it; `None` if there is none.
    pub frontier: Option<u64>,
    /// It has a capability or a message of the dataflow's frontier: the frontier stands until it is done with that.
    pub holds_frontier: bool,
}

/// A channel from an operator to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// The index of the operator that sends.
    pub source: usize,
    /// The index of the operator that receives.
    pub target: usize,
    /// The records that were sent.
    pub records: u64,
    /// The messages that they were in.
    pub messages: u64,
}

/// Adds the dataflows of another worker or process. Those of one name are the same in all of them.
pub fn merge(all: &mut Vec<DataflowStatus>, of_process: &[DataflowStatus]) {
    for dataflow in of_process {
        match all.iter_mut().find(|known| known.name == dataflow.name) {
            Some(known) => add(known, dataflow),
            None => all.push(dataflow.clone()),
        }
    }
}

fn add(sum: &mut DataflowStatus, other: &DataflowStatus) {
    // The process that has heard least of the others sees the oldest frontier, so it is the newest view that counts.
    let is_newer = other.frontier.is_none_or(|at| sum.frontier.is_some_and(|known| known < at));
    if is_newer {
        (sum.frontier, sum.frontier_for_ms) = (other.frontier, other.frontier_for_ms);
    } else if other.frontier == sum.frontier {
        sum.frontier_for_ms = sum.frontier_for_ms.max(other.frontier_for_ms);
    }
    for operator in &other.operators {
        let Some(known) = sum.operators.iter_mut().find(|known| known.index == operator.index) else { continue };
        known.scheduled += operator.scheduled;
        known.busy_us += operator.busy_us;
        known.received += operator.received;
        if is_newer {
            known.waiting = operator.waiting;
            known.frontier = operator.frontier;
            known.holds_frontier = operator.holds_frontier;
        }
    }
    for channel in &other.channels {
        let ends = |it: &ChannelStatus| (it.source, it.target);
        let Some(known) = sum.channels.iter_mut().find(|known| ends(known) == ends(channel)) else { continue };
        known.records += channel.records;
        known.messages += channel.messages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataflow(frontier: Option<u64>, received: u64, waiting: u64) -> DataflowStatus {
        let operator = OperatorStatus { index: 1, received, waiting, ..OperatorStatus::default() };
        let channel = ChannelStatus { source: 1, target: 2, records: received, messages: 1 };
        DataflowStatus {
            name: "Score".into(),
            operators: vec![operator],
            channels: vec![channel],
            frontier,
            frontier_for_ms: 7,
        }
    }

    #[test]
    fn counts_of_processes_are_added_and_the_newest_frontier_is_that_of_the_cluster() {
        let mut all = Vec::new();
        for (frontier, received, waiting) in [(Some(20), 3, 9), (Some(30), 4, 1), (Some(10), 5, 8)] {
            merge(&mut all, &[dataflow(frontier, received, waiting)]);
        }
        let expected = DataflowStatus { channels: vec![], ..dataflow(Some(30), 12, 1) };
        let channels = std::mem::take(&mut all[0].channels);
        assert_eq!(all, [expected]);
        assert_eq!((channels[0].records, channels[0].messages), (12, 3));
    }
}
