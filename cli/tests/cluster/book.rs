//! What was sent, where it landed, and when it was answered.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use delaycast::log::{PartitionId, Position};

/// Kept by who publishes and by who looks.
#[derive(Default)]
pub(crate) struct Book {
    /// When each request was sent first.
    sent: HashMap<String, Instant>,
    /// How many messages the log has acknowledged.
    pub(crate) landed: usize,
    /// How many it has yet to.
    pub(crate) waiting: usize,
    /// What it has not acknowledged in time, to be sent again.
    pub(crate) refused: Vec<(String, String)>,
    /// By partition and offset, messages that are not yet known to be committed.
    uncommitted: HashMap<PartitionId, BTreeMap<u64, String>>,
    /// Where requests are that were sent once only.
    places: HashMap<String, PartitionId>,
    /// Answers to these, in the order in which they were seen first.
    arrivals: Vec<Arrival>,
}

struct Arrival {
    partition: PartitionId,
    sent: Instant,
    seen: Instant,
}

impl Book {
    pub(crate) fn sending(&mut self, id: &str) {
        self.waiting += 1;
        self.sent.entry(id.to_owned()).or_insert_with(Instant::now);
    }

    pub(crate) fn landed(&mut self, id: &str, position: Position) {
        self.landed += 1;
        self.uncommitted.entry(position.partition).or_default().insert(position.offset.0, id.to_owned());
        self.places.entry(id.to_owned()).or_insert(position.partition);
    }

    /// An answer was seen for the first time. False if it is not known yet where its request is.
    pub(crate) fn answered(&mut self, id: &str, seen: Instant) -> bool {
        let (Some(&partition), Some(&sent)) = (self.places.get(id), self.sent.get(id)) else { return false };
        self.arrivals.push(Arrival { partition, sent, seen });
        true
    }

    /// These offsets are committed: the messages before them, each told once.
    pub(crate) fn committed(
        &mut self,
        partition: PartitionId,
        next: u64,
    ) -> impl Iterator<Item = (u64, String)> + use<> {
        let of_partition = self.uncommitted.entry(partition).or_default();
        let rest = of_partition.split_off(&next);
        std::mem::replace(of_partition, rest).into_iter()
    }

    /// The ids of all requests.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &String> {
        self.sent.keys()
    }

    /// How long it took from a moment until each of so many partitions had an answer to a request sent after it.
    pub(crate) fn recovery(&self, since: Instant, partitions: usize) -> Option<Duration> {
        let mut first: HashMap<PartitionId, Instant> = HashMap::new();
        for arrival in self.arrivals.iter().rev().take_while(|arrival| arrival.seen >= since) {
            if arrival.sent >= since {
                let seen = first.entry(arrival.partition).or_insert(arrival.seen);
                *seen = arrival.seen.min(*seen);
            }
        }
        let last = first.values().max()?;
        (first.len() == partitions).then(|| last.duration_since(since))
    }
}
