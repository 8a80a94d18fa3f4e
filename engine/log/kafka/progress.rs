//! The offsets up to which librdkafka has fetched each partition and could fetch it, from its statistics.
//!
//! librdkafka passes over records that are not messages (those that end a transaction, aborted ones, gaps of
//! compaction) without an event, so the last offset that was read does not tell whether a partition is read to its
//! end. Its statistics do: every message before `next_offset` was put into the partition's queue before they were
//! made. A queue that is found empty after that has handed out all of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{ClientConfig, consumer::BaseConsumer};
use serde::Deserialize;

use super::{context::Context, fault::unavailable, reader::Shared};
use crate::{delivery::Unavailable, log::PartitionId, runtime::Mutex};

/// A transaction that holds messages back for longer than this is told of. Producers commit within moments; 60 s is how
/// long Kafka lets one stay open unless it is told otherwise.
pub(super) const HELD_BACK_NOTED: Duration = Duration::from_secs(10);

/// A client that reads a topic, and how far it has come. A topic that is made anew is read with a new one: librdkafka
/// keeps offset, leader and epoch of a partition by the topic's name.
pub(super) struct Source {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) progress: Arc<Progress>,
}

impl Source {
    /// Connects to nothing yet.
    pub(super) fn start(config: &ClientConfig, topic: &str, shared: &Arc<Shared>) -> Result<Self, Unavailable> {
        let progress = Arc::new(Progress { topic: topic.to_owned(), partitions: Mutex::default() });
        let context = Context { shared: Arc::clone(shared), progress: Arc::clone(&progress) };
        let consumer = config.create_with_context(context);
        let consumer = Arc::new(consumer.map_err(|error| unavailable("cannot start a consumer", &error))?);
        Ok(Source { consumer, progress })
    }
}

/// The offsets of a partition in the statistics.
#[derive(Default)]
pub(super) struct Marks {
    fetched: AtomicU64,
    /// Messages from this offset on belong to an open transaction, or stand behind one.
    stable: AtomicU64,
    high: AtomicU64,
}

impl Marks {
    /// Messages before this offset have been put into the partition's queue.
    pub(super) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::Acquire)
    }

    /// Where an open transaction holds messages back that librdkafka would else hand out, and how many records.
    fn held_back(&self) -> Option<(u64, u64)> {
        let [stable, high] = [&self.stable, &self.high].map(|offset| offset.load(Ordering::Acquire));
        (stable < high && self.fetched() == stable).then(|| (stable, high - stable))
    }
}

/// The marks of the partitions that a client reads. Bounded by their number.
pub(super) struct Progress {
    topic: String,
    partitions: Mutex<BTreeMap<PartitionId, Arc<Marks>>>,
}

impl Progress {
    /// The marks of a partition.
    pub(super) fn of(&self, partition: PartitionId) -> Arc<Marks> {
        let mut partitions = self.partitions.lock();
        Arc::clone(partitions.entry(partition).or_default())
    }

    /// Takes up librdkafka's statistics, as JSON. What cannot be read is no reason to stop.
    pub(super) fn update(&self, statistics: &[u8]) {
        let statistics: Statistics = match serde_json::from_slice(statistics) {
            Ok(statistics) => statistics,
            Err(error) => return tracing::debug!("librdkafka's statistics cannot be read: {error}"),
        };
        let Some(topic) = statistics.topics.get(self.topic.as_str()) else { return };
        let partitions = self.partitions.lock();
        for found in topic.partitions.values() {
            let Some(marks) = u32::try_from(found.partition).ok().and_then(|of| partitions.get(&PartitionId(of)))
            else {
                continue;
            };
            // Negative: not known yet.
            let known = [(&marks.fetched, found.next), (&marks.stable, found.stable), (&marks.high, found.high)];
            for (mark, offset) in known {
                if let Ok(offset) = u64::try_from(offset) {
                    mark.fetch_max(offset, Ordering::AcqRel);
                }
            }
        }
    }

    fn held_back(&self) -> BTreeMap<PartitionId, (u64, u64)> {
        let partitions = self.partitions.lock();
        partitions.iter().filter_map(|(partition, marks)| Some((*partition, marks.held_back()?))).collect()
    }
}

/// The part of librdkafka's statistics that is used (see its STATISTICS.md).
#[derive(Deserialize)]
struct Statistics<'a> {
    #[serde(borrow, default)]
    topics: HashMap<&'a str, TopicStatistics<'a>>,
}

#[derive(Deserialize)]
struct TopicStatistics<'a> {
    #[serde(borrow, default)]
    partitions: HashMap<&'a str, PartitionStatistics>,
}

#[derive(Deserialize)]
struct PartitionStatistics {
    partition: i64,
    #[serde(rename = "next_offset")]
    next: i64,
    #[serde(rename = "ls_offset")]
    stable: i64,
    #[serde(rename = "hi_offset")]
    high: i64,
}

/// Tells of open transactions that hold messages back, each once.
#[derive(Default)]
pub(super) struct HeldBack(BTreeMap<PartitionId, (u64, Instant, bool)>);

impl HeldBack {
    /// Returns the lines to log now.
    pub(super) fn look(&mut self, progress: &Progress, now: Instant) -> Vec<String> {
        let found = progress.held_back();
        self.0.retain(|partition, (stable, ..)| found.get(partition).is_some_and(|(now, _)| now == stable));
        let mut told = Vec::new();
        for (partition, (stable, records)) in found {
            let (_, since, is_told) = self.0.entry(partition).or_insert((stable, now, false));
            if !*is_told && now.duration_since(*since) >= HELD_BACK_NOTED {
                *is_told = true;
                told.push(format!(
                    "partition {} waits for a producer's transaction that is open: {records} records from offset \
                     {stable} on can be read once it is committed or aborted",
                    partition.0
                ));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> (Progress, Arc<Marks>) {
        let progress = Progress { topic: "requests".into(), partitions: Mutex::default() };
        let marks = progress.of(PartitionId(0));
        (progress, marks)
    }

    fn statistics(next: i64, stable: i64, high: i64) -> Vec<u8> {
        format!(
            r#"{{"name": "rdkafka#consumer-1", "topics": {{"other": {{"topic": "other"}}, "requests": {{"age": 1,
            "partitions": {{"0": {{"partition": 0, "next_offset": {next}, "ls_offset": {stable}, "hi_offset": {high}}},
            "-1": {{"partition": -1, "next_offset": 0, "ls_offset": 0, "hi_offset": 0}}}}}}}}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn statistics_tell_how_far_a_partition_was_fetched() {
        let (progress, marks) = progress();
        progress.update(&statistics(-1001, -1001, -1001));
        assert_eq!(marks.fetched(), 0);
        progress.update(&statistics(17, 17, 17));
        assert_eq!(marks.fetched(), 17);
        progress.update(&statistics(-1001, 17, 17));
        progress.update(b"{}");
        progress.update(b"nonsense");
        assert_eq!(marks.fetched(), 17);
        assert_eq!(marks.held_back(), None);
    }

    #[test]
    fn a_transaction_that_stays_open_is_told_of_once() {
        let ((progress, _), mut held_back, start) = (progress(), HeldBack::default(), Instant::now());
        progress.update(&statistics(10, 10, 15));
        assert_eq!(held_back.look(&progress, start), [""; 0]);
        let told = held_back.look(&progress, start + HELD_BACK_NOTED);
        assert!(told.len() == 1 && told[0].contains("5 records from offset 10 on"), "{told:?}");
        assert_eq!(held_back.look(&progress, start + 2 * HELD_BACK_NOTED), [""; 0]);
        // It was committed, and the next one is open.
        progress.update(&statistics(16, 16, 20));
        assert_eq!(held_back.look(&progress, start + 2 * HELD_BACK_NOTED), [""; 0]);
        assert_eq!(held_back.look(&progress, start + 3 * HELD_BACK_NOTED).len(), 1);
        // What is still to be fetched waits for no transaction.
        progress.update(&statistics(18, 22, 25));
        assert_eq!(held_back.look(&progress, start + 9 * HELD_BACK_NOTED), [""; 0]);
    }
}
