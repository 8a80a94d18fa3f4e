//! The history of all requests: when each was sent, where it landed, and when it was answered.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use engine::log::{PartitionId, Position};

/// The history, written by the publisher and the observer.
#[derive(Default)]
pub(crate) struct RequestHistory {
    /// The time at which each request was first sent.
    sent: HashMap<String, Instant>,
    /// The number of messages that the log has acknowledged.
    pub(crate) landed: usize,
    /// The number of messages not yet acknowledged.
    pub(crate) waiting: usize,
    /// Messages that the log has not acknowledged in time, to be sent again.
    pub(crate) refused: Vec<(String, String)>,
    /// Messages not yet known to be committed, by partition and offset.
    uncommitted: HashMap<PartitionId, BTreeMap<u64, String>>,
    /// The partition of each request.
    partitions: HashMap<String, PartitionId>,
    /// Answers, in the order in which they were first seen.
    answers: Vec<Answer>,
}

struct Answer {
    partition: PartitionId,
    sent: Instant,
    seen: Instant,
}

impl RequestHistory {
    pub(crate) fn record_sent(&mut self, id: &str) {
        self.waiting += 1;
        self.sent.entry(id.to_owned()).or_insert_with(Instant::now);
    }

    pub(crate) fn record_landed(&mut self, id: &str, position: Position) {
        self.landed += 1;
        self.uncommitted.entry(position.partition).or_default().insert(position.offset.0, id.to_owned());
        self.partitions.entry(id.to_owned()).or_insert(position.partition);
    }

    /// Records the first sight of an answer. Returns false if its request's partition is not yet known.
    pub(crate) fn record_answer(&mut self, id: &str, seen: Instant) -> bool {
        let (Some(&partition), Some(&sent)) = (self.partitions.get(id), self.sent.get(id)) else { return false };
        self.answers.push(Answer { partition, sent, seen });
        true
    }

    /// Returns the messages before a committed offset, each once.
    pub(crate) fn take_committed(
        &mut self,
        partition: PartitionId,
        next: u64,
    ) -> impl Iterator<Item = (u64, String)> + use<> {
        let of_partition = self.uncommitted.entry(partition).or_default();
        let rest = of_partition.split_off(&next);
        std::mem::replace(of_partition, rest).into_iter()
    }

    /// Returns the ids of all requests.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &String> {
        self.sent.keys()
    }

    /// Returns the time from `since` until each partition had an answer to a request sent after it.
    pub(crate) fn recovery(&self, since: Instant, partitions: usize) -> Option<Duration> {
        let mut first: HashMap<PartitionId, Instant> = HashMap::new();
        for answer in self.answers.iter().rev().take_while(|answer| answer.seen >= since) {
            if answer.sent >= since {
                let seen = first.entry(answer.partition).or_insert(answer.seen);
                *seen = answer.seen.min(*seen);
            }
        }
        let last = first.values().max()?;
        (first.len() == partitions).then(|| last.duration_since(since))
    }
}
