//! The consumer of a topic: how far librdkafka has fetched its partitions, and the transactions that it waits for.
//!
//! librdkafka passes over records that are not messages (transaction markers, aborted messages, gaps of compaction)
//! without an event, so the last offset read does not tell whether a partition is read to its end. Its statistics do:
//! every message before `next_offset` was put into the partition's queue before they were made. A queue that is found
//! empty after that has handed out all of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, ConsumerContext},
    error::KafkaError,
};
use serde::Deserialize;

use super::client::{ErrorCapture, forward_log, unavailable};
use crate::{
    delivery::Unavailable,
    log::PartitionId,
    runtime::{Mutex, MutexGuard},
};

/// Time after which an open transaction that blocks reading is reported. Producers commit within moments; Kafka's
/// default timeout of a transaction is 60 s.
const OPEN_REPORTED_AFTER: Duration = Duration::from_secs(10);

/// A consumer of a topic, and its fetch state. A recreated topic gets a new consumer: librdkafka keeps offset, leader
/// and epoch of a partition by the topic's name.
pub(super) struct TopicConsumer {
    pub(super) consumer: Arc<BaseConsumer<ReaderContext>>,
    pub(super) fetched: Arc<FetchStates>,
}

impl TopicConsumer {
    /// Starts a consumer whose errors `errors` captures. Connects to nothing yet.
    pub(super) fn start(config: &ClientConfig, topic: &str, errors: &ErrorCapture) -> Result<Self, Unavailable> {
        let fetched = Arc::new(FetchStates::new(topic));
        let context = ReaderContext { errors: errors.clone(), fetched: Arc::clone(&fetched) };
        let consumer = config.create_with_context(context);
        let consumer = Arc::new(consumer.map_err(|error| unavailable("cannot start a consumer", &error))?);
        Ok(TopicConsumer { consumer, fetched })
    }
}

/// The context of a reader's consumer.
pub(super) struct ReaderContext {
    errors: ErrorCapture,
    fetched: Arc<FetchStates>,
}

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        forward_log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.errors.capture(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.fetched.update(statistics);
    }
}

impl ConsumerContext for ReaderContext {}

/// The fetch state of a partition, from the statistics.
#[derive(Default)]
pub(super) struct FetchState {
    next: AtomicU64,
    /// The last stable offset: later messages belong to an open transaction, or follow its first one.
    last_stable: AtomicU64,
    high_watermark: AtomicU64,
}

impl FetchState {
    /// Returns the offset before which all messages have been put into the partition's queue.
    pub(super) fn fetched_to(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Returns the last stable offset, and the number of records after it, if only an open transaction keeps librdkafka
    /// from fetching them.
    fn blocked(&self) -> Option<(u64, u64)> {
        let [stable, high] = [&self.last_stable, &self.high_watermark].map(|offset| offset.load(Ordering::Acquire));
        (stable < high && self.fetched_to() == stable).then(|| (stable, high - stable))
    }
}

/// The fetch states of the partitions that a consumer reads. Bounded by their number.
pub(super) struct FetchStates {
    topic: String,
    partitions: Mutex<BTreeMap<PartitionId, Arc<FetchState>>>,
    /// The last time at which a broker was connected.
    connected_at: Mutex<Instant>,
}

impl FetchStates {
    fn new(topic: &str) -> Self {
        let connected_at = Mutex::new(Instant::now());
        FetchStates { topic: topic.to_owned(), partitions: Mutex::default(), connected_at }
    }

    /// Returns the time for which no broker is connected; 0 at the start.
    pub(super) fn disconnected_for(&self) -> Duration {
        self.connected_at.lock().elapsed()
    }

    fn partitions(&self) -> MutexGuard<'_, BTreeMap<PartitionId, Arc<FetchState>>> {
        self.partitions.lock()
    }

    /// Returns the fetch state of a partition.
    pub(super) fn of(&self, partition: PartitionId) -> Arc<FetchState> {
        Arc::clone(self.partitions().entry(partition).or_default())
    }

    /// Applies librdkafka's statistics, which are JSON. Unreadable ones are ignored.
    fn update(&self, statistics: &[u8]) {
        let statistics: Statistics = match serde_json::from_slice(statistics) {
            Ok(statistics) => statistics,
            Err(error) => return tracing::debug!("librdkafka's statistics cannot be read: {error}"),
        };
        // Those of no number stand for others, or are to be asked for them.
        if statistics.brokers.values().any(|broker| broker.number >= 0 && broker.state == "UP") {
            *self.connected_at.lock() = Instant::now();
        }
        let Some(topic) = statistics.topics.get(self.topic.as_str()) else { return };
        let partitions = self.partitions();
        for found in topic.partitions.values() {
            let Some(state) = u32::try_from(found.partition).ok().and_then(|of| partitions.get(&PartitionId(of)))
            else {
                continue;
            };
            let offsets = [
                (&state.next, found.next),
                (&state.last_stable, found.last_stable),
                (&state.high_watermark, found.high_watermark),
            ];
            for (known, offset) in offsets {
                // A negative offset is not known yet.
                if let Ok(offset) = u64::try_from(offset) {
                    known.fetch_max(offset, Ordering::AcqRel);
                }
            }
        }
    }

    fn blocked(&self) -> BTreeMap<PartitionId, (u64, u64)> {
        self.partitions().iter().filter_map(|(partition, state)| Some((*partition, state.blocked()?))).collect()
    }
}

/// The used part of librdkafka's statistics (see its STATISTICS.md).
#[derive(Deserialize)]
struct Statistics<'a> {
    #[serde(borrow, default)]
    topics: HashMap<&'a str, TopicStatistics<'a>>,
    #[serde(borrow, default)]
    brokers: HashMap<&'a str, BrokerStatistics<'a>>,
}

#[derive(Deserialize)]
struct BrokerStatistics<'a> {
    #[serde(rename = "nodeid")]
    number: i64,
    state: &'a str,
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
    last_stable: i64,
    #[serde(rename = "hi_offset")]
    high_watermark: i64,
}

/// Reports open transactions that block reading, each once.
#[derive(Default)]
pub(super) struct OpenTransactions(BTreeMap<PartitionId, (u64, Instant, bool)>);

impl OpenTransactions {
    /// Returns the lines to log now.
    pub(super) fn report(&mut self, fetched: &FetchStates, now: Instant) -> Vec<String> {
        let blocked = fetched.blocked();
        self.0.retain(|partition, (stable, ..)| blocked.get(partition).is_some_and(|(now, _)| now == stable));
        let mut lines = Vec::new();
        for (partition, (stable, records)) in blocked {
            let (_, since, is_reported) = self.0.entry(partition).or_insert((stable, now, false));
            if !*is_reported && now.duration_since(*since) >= OPEN_REPORTED_AFTER {
                *is_reported = true;
                lines.push(format!(
                    "partition {} waits for a producer's transaction that is open: {records} records from offset \
                     {stable} on can be read once it is committed or aborted",
                    partition.0
                ));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch_states() -> (FetchStates, Arc<FetchState>) {
        let fetched = FetchStates::new("requests");
        let state = fetched.of(PartitionId(0));
        (fetched, state)
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
    fn statistics_give_the_offset_up_to_which_a_partition_is_fetched() {
        let (fetched, state) = fetch_states();
        fetched.update(&statistics(-1001, -1001, -1001));
        assert_eq!(state.fetched_to(), 0);
        fetched.update(&statistics(17, 17, 17));
        assert_eq!(state.fetched_to(), 17);
        fetched.update(&statistics(-1001, 17, 17));
        fetched.update(b"{}");
        fetched.update(b"nonsense");
        assert_eq!(state.fetched_to(), 17);
        assert_eq!(state.blocked(), None);
    }

    #[test]
    fn a_consumer_is_connected_while_a_broker_that_has_a_number_is() {
        let (fetched, _) = fetch_states();
        let connected = |number: i64, state: &str| {
            let before = Instant::now();
            let broker = format!(r#"{{"name": "a:9092/0", "nodeid": {number}, "state": "{state}"}}"#);
            fetched.update(format!(r#"{{"brokers": {{"a:9092/0": {broker}}}}}"#).as_bytes());
            fetched.disconnected_for() <= before.elapsed()
        };
        std::thread::sleep(Duration::from_millis(2));
        assert!(!connected(-1, "UP") && !connected(0, "TRY_CONNECT") && !connected(0, "INIT"));
        assert!(connected(0, "UP"));
    }

    #[test]
    fn a_transaction_that_stays_open_is_reported_once() {
        let ((fetched, _), mut open, start) = (fetch_states(), OpenTransactions::default(), Instant::now());
        fetched.update(&statistics(10, 10, 15));
        assert_eq!(open.report(&fetched, start), [""; 0]);
        let lines = open.report(&fetched, start + OPEN_REPORTED_AFTER);
        assert!(lines.len() == 1 && lines[0].contains("5 records from offset 10 on"), "{lines:?}");
        assert_eq!(open.report(&fetched, start + 2 * OPEN_REPORTED_AFTER), [""; 0]);
        // The transaction was committed, and the next one is open.
        fetched.update(&statistics(16, 16, 20));
        assert_eq!(open.report(&fetched, start + 2 * OPEN_REPORTED_AFTER), [""; 0]);
        assert_eq!(open.report(&fetched, start + 3 * OPEN_REPORTED_AFTER).len(), 1);
        // Messages that are still to be fetched wait for no transaction.
        fetched.update(&statistics(18, 22, 25));
        assert_eq!(open.report(&fetched, start + 9 * OPEN_REPORTED_AFTER), [""; 0]);
    }
}
