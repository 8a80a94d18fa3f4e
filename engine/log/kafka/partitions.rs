//! The partitions of a topic: where reading starts, and how far librdkafka has fetched them.
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

use super::{
    client::{ErrorCapture, forward_log, unavailable},
    identity::OffsetMetadata,
};
use crate::{
    delivery::Unavailable,
    log::{Offset, PartitionId, TopicId},
    runtime::{Mutex, MutexGuard},
};

/// Time after which an open transaction that blocks reading is reported. Producers commit within moments; Kafka's
/// default timeout of a transaction is 60 s.
const OPEN_REPORTED_AFTER: Duration = Duration::from_secs(10);

/// The watermarks of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// The earliest offset that is retained.
    pub(super) low: u64,
    /// The offset of the next message to be appended.
    pub(super) high: u64,
}

/// An offset that a group has committed in a partition, and its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommittedOffset {
    pub(super) offset: Offset,
    pub(super) metadata: OffsetMetadata,
}

/// The offsets from which partitions are read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum StartFrom {
    /// The group's committed offsets.
    #[default]
    Committed,
    /// The earliest offsets: the topic was recreated while it was read, and no committed offset is its own.
    Earliest,
    /// The positions up to which the same topic was read already.
    Positions(ReadPositions),
}

/// The next offset to read of each partition; `None` if the position was out of range.
pub(super) type ReadPositions = BTreeMap<PartitionId, Option<Offset>>;

impl StartFrom {
    /// Returns the offset that counts as committed in a partition.
    pub(super) fn committed(
        &self,
        partition: PartitionId,
        by_group: Option<CommittedOffset>,
    ) -> Option<CommittedOffset> {
        let own = |offset: &Offset| CommittedOffset { offset: *offset, metadata: OffsetMetadata::default() };
        match self {
            StartFrom::Committed => by_group,
            StartFrom::Earliest => None,
            StartFrom::Positions(positions) => match positions.get(&partition) {
                Some(position) => position.as_ref().map(own),
                None => by_group,
            },
        }
    }
}

/// A diagnostic on the start of a partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Diagnostic {
    /// Nothing to report.
    None,
    /// The group has committed nothing, and the partition still has its first message.
    FirstStart,
    /// Messages are read again or were missed, for this reason.
    Warning(String),
    /// The committed offset belongs to a former topic of this name, with this id.
    FormerTopic(TopicId),
}

/// Returns the committed offset, if it is in range and belongs to the topic of this id; else the earliest offset.
pub(super) fn start_offset(
    committed: Option<CommittedOffset>,
    id: Option<TopicId>,
    Watermarks { low, high }: Watermarks,
) -> (u64, Diagnostic) {
    let Some(CommittedOffset { offset: Offset(offset), metadata }) = committed else {
        let missed = format!("no offset is committed: reading from the earliest, {low}");
        let diagnostic = match low {
            0 if high > 0 => Diagnostic::FirstStart,
            _ if low < high => Diagnostic::Warning(missed),
            _ => Diagnostic::None,
        };
        return (low, diagnostic);
    };
    match metadata.topic {
        Some(other) if metadata.is_of_another_topic(id) => (low, Diagnostic::FormerTopic(other)),
        _ if (low..=high).contains(&offset) => (offset, Diagnostic::None),
        _ => {
            let out = format!("the committed offset {offset} is out of range ({low} to {high}): reading from {low}");
            (low, Diagnostic::Warning(out))
        }
    }
}

/// A consumer of a topic, and its fetch state. A recreated topic gets a new consumer: librdkafka keeps offset, leader
/// and epoch of a partition by the topic's name.
pub(super) struct TopicConsumer {
    pub(super) consumer: Arc<BaseConsumer<ReaderContext>>,
    pub(super) fetched: Arc<FetchStates>,
}

impl TopicConsumer {
    /// Starts a consumer whose errors `errors` captures. Connects to nothing yet.
    pub(super) fn start(config: &ClientConfig, topic: &str, errors: &ErrorCapture) -> Result<Self, Unavailable> {
        let fetched = Arc::new(FetchStates { topic: topic.to_owned(), partitions: Mutex::default() });
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
}

impl FetchStates {
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

    const ID: Option<TopicId> = Some(TopicId([1; 16]));

    fn at(offset: u64, topic: Option<TopicId>) -> Option<CommittedOffset> {
        Some(CommittedOffset { offset: Offset(offset), metadata: OffsetMetadata { topic, at: None } })
    }

    #[test]
    fn reading_starts_at_the_committed_offset_or_at_the_earliest_with_a_warning() {
        let watermarks = Watermarks { low: 10, high: 20 };
        // An offset without an id was committed by another tool, or by an operator.
        for (offset, topic, id) in [(10, None, ID), (15, ID, ID), (20, ID, None)] {
            assert_eq!(start_offset(at(offset, topic), id, watermarks), (offset, Diagnostic::None));
        }
        for committed in [at(0, None), at(9, ID), at(21, ID), None] {
            let (offset, diagnostic) = start_offset(committed, ID, watermarks);
            assert_eq!(offset, 10);
            assert!(matches!(diagnostic, Diagnostic::Warning(warning) if warning.contains("reading from")));
        }
        let of_new_group = |low, high| start_offset(None, ID, Watermarks { low, high });
        assert_eq!(of_new_group(7, 7), (7, Diagnostic::None), "nothing is skipped or repeated");
        assert_eq!(of_new_group(0, 7), (0, Diagnostic::FirstStart), "the first scorer");
    }

    #[test]
    fn an_offset_of_a_former_topic_is_not_used_even_if_it_is_in_range() {
        let former = TopicId([2; 16]);
        for offset in [0, 15, 25] {
            let started = start_offset(at(offset, Some(former)), ID, Watermarks { low: 0, high: 20 });
            assert_eq!(started, (0, Diagnostic::FormerTopic(former)));
        }
    }

    #[test]
    fn read_positions_override_committed_offsets_and_a_recreated_topic_has_neither() {
        let (p0, p1, p2) = (PartitionId(0), PartitionId(1), PartitionId(2));
        let positions = StartFrom::Positions(ReadPositions::from([(p0, Some(Offset(7))), (p2, None)]));
        assert_eq!(
            positions.committed(p2, at(3, ID)),
            None,
            "the position was out of range, and the group's offset may be, too"
        );
        assert_eq!(StartFrom::Committed.committed(p0, at(3, ID)), at(3, ID));
        assert_eq!(positions.committed(p0, at(3, ID)), at(7, None));
        assert_eq!(positions.committed(p1, at(3, ID)), at(3, ID));
        assert_eq!(StartFrom::Earliest.committed(p0, at(3, ID)), None);
    }

    fn fetch_states() -> (FetchStates, Arc<FetchState>) {
        let fetched = FetchStates { topic: "requests".into(), partitions: Mutex::default() };
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
