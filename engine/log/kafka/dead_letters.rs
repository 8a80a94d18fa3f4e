//! Reads dead letters from their topic.
//!
//! A committed offset belongs to a topic id, as with requests: a recreated topic of dead letters is read from its
//! earliest message.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rdkafka::{
    ClientConfig, Message as _, Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};

use super::{
    client::{ErrorCapture, unavailable},
    config::{CALL_TIMEOUT, Settings},
    offsets::OffsetMetadata,
    producer::TOPIC_ID_HEADER,
    reader::attempt,
    topic,
};
use crate::{
    delivery::Unavailable,
    log::{
        DeadLetter, DeadLetterReader, DeadLetterReason, DeadLetterSpan, DeadLettersFrom, Offset, PartitionId, Payload,
        Position, TopicId,
    },
    request::RequestId,
    runtime::hex,
};

/// Interval at which the topic's id is asked for.
const IDENTITY_INTERVAL: Duration = Duration::from_secs(1);

/// The start of reading.
enum Start {
    Timestamp(DateTime<Utc>),
    Committed,
}

/// A partition that is read.
struct PartitionState {
    next: i64,
    /// The end of reading, unless the reader follows.
    end: i64,
}

/// Reads dead letters as a group. Its partitions are assigned as soon as the topic exists.
pub(super) struct KafkaDeadLetterReader {
    config: ClientConfig,
    consumer: BaseConsumer<ErrorCapture>,
    topic: String,
    start: Start,
    follow: bool,
    /// The assigned partitions.
    partitions: Option<BTreeMap<i32, PartitionState>>,
    /// The id of the topic that is read.
    topic_id: Option<TopicId>,
    check_identity_at: Instant,
    /// True if the topic was recreated while it was read: committed offsets without its id are not its own.
    is_recreated: bool,
    read: Deduplicator,
}

impl KafkaDeadLetterReader {
    /// Starts a reader. Connects to nothing yet.
    pub(super) fn start(settings: &Settings, span: DeadLetterSpan<'_>) -> Result<Self, Unavailable> {
        let (start, group) = match span.from {
            DeadLettersFrom::Moment(at) => (Start::Timestamp(at), settings.group.clone()),
            DeadLettersFrom::Group(group) => (Start::Committed, format!("{}.{group}", settings.group)),
        };
        let topic = settings.dead_letter_topic();
        let config = settings.dead_letter_consumer_config(group);
        let consumer = create(&config)?;
        Ok(KafkaDeadLetterReader {
            config,
            consumer,
            topic,
            start,
            follow: span.follow,
            partitions: None,
            topic_id: None,
            check_identity_at: Instant::now(),
            is_recreated: false,
            read: Deduplicator::default(),
        })
    }

    /// Starts over if the topic was recreated, with a new client: librdkafka keeps offsets by a topic's name.
    fn start_over_if_recreated(&mut self) -> Result<(), Unavailable> {
        if self.partitions.is_none() || Instant::now() < self.check_identity_at {
            return Ok(());
        }
        self.check_identity_at = Instant::now() + IDENTITY_INTERVAL;
        // Reading reports outages, and a topic that is missing is not recreated yet.
        let Ok(Some(found)) = topic::identify(&self.consumer, &self.topic) else { return Ok(()) };
        let now = found.id;
        if let (Some(own), Some(other)) = (self.topic_id, now)
            && own != other
        {
            tracing::warn!(
                "topic {} was deleted and made anew (it had the id {own}, and has {other}): reading starts at its \
                 earliest message",
                self.topic
            );
            self.consumer = create(&self.config)?;
            (self.partitions, self.is_recreated) = (None, true);
        }
        Ok(())
    }

    /// Assigns the partitions, if the topic exists.
    fn assign(&mut self) -> Result<(), Unavailable> {
        let doing = format!("cannot read topic {}", self.topic);
        let failed = |error: KafkaError| unavailable(&doing, &error);
        let Some(described) = topic::identify(&self.consumer, &self.topic)? else {
            // Without a topic there are no dead letters; a reader that follows tries again.
            self.partitions = (!self.follow).then(BTreeMap::new);
            return Ok(());
        };
        (self.topic_id, self.check_identity_at) = (described.id, Instant::now() + IDENTITY_INTERVAL);
        let mut wanted = TopicPartitionList::new();
        for partition in 0..described.partitions.cast_signed() {
            match self.start {
                Start::Committed => drop(wanted.add_partition(&self.topic, partition)),
                Start::Timestamp(at) => {
                    let at = KafkaOffset::Offset(at.timestamp_millis());
                    wanted.add_partition_offset(&self.topic, partition, at).map_err(failed)?;
                }
            }
        }
        let found = match self.start {
            Start::Committed => self.consumer.committed_offsets(wanted, CALL_TIMEOUT).map_err(failed)?,
            Start::Timestamp(_) => self.consumer.offsets_for_times(wanted, CALL_TIMEOUT).map_err(failed)?,
        };
        let (mut partitions, mut list) = (BTreeMap::new(), TopicPartitionList::new());
        for element in found.elements() {
            element.error().map_err(failed)?;
            let partition = element.partition();
            let (low, high) = self.consumer.fetch_watermarks(&self.topic, partition, CALL_TIMEOUT).map_err(failed)?;
            let metadata = OffsetMetadata::parse(element.metadata());
            let next = match (element.offset(), &self.start) {
                (KafkaOffset::Offset(offset), Start::Timestamp(_)) => offset.clamp(low, high),
                (KafkaOffset::Offset(_), Start::Committed) if self.is_recreated && metadata.topic != self.topic_id => {
                    low
                }
                (KafkaOffset::Offset(_), Start::Committed) if metadata.is_of_another_topic(self.topic_id) => {
                    tracing::warn!(
                        "topic {} was deleted and made anew: what is committed in partition {partition} belongs to a \
                         former topic of this name, and reading starts at the earliest message",
                        self.topic
                    );
                    low
                }
                // An offset beyond the end is another sign of that, and the only one if topics have no ids.
                (KafkaOffset::Offset(offset), Start::Committed) if offset > high => low,
                (KafkaOffset::Offset(offset), Start::Committed) => offset.max(low),
                // No message is newer.
                (_, Start::Timestamp(_)) => high,
                (_, Start::Committed) => low,
            };
            partitions.insert(partition, PartitionState { next, end: high });
            list.add_partition_offset(&self.topic, partition, KafkaOffset::Offset(next)).map_err(failed)?;
        }
        self.consumer.assign(&list).map_err(failed)?;
        self.partitions = Some(partitions);
        Ok(())
    }

    fn take(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        let (deadline, mut letters) = (Instant::now() + limit, Vec::new());
        while letters.len() < letters_max && !self.is_done() {
            // After the first one only those that are ready.
            let wait =
                if letters.is_empty() { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            let Some(partitions) = &mut self.partitions else { break };
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    let Some(partition) = partitions.get_mut(&message.partition()) else { continue };
                    if !self.follow && message.offset() >= partition.end {
                        partition.next = partition.end;
                        continue;
                    }
                    partition.next = message.offset() + 1;
                    match letter(&message) {
                        Some(letter) => {
                            let is_new = self.read.insert((letter.topic_id, letter.position));
                            letters.extend(is_new.then_some(letter));
                        }
                        None => tracing::warn!(
                            "no dead letter: the message in partition {} offset {} of topic {} has not the headers of one",
                            message.partition(),
                            message.offset(),
                            self.topic
                        ),
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    if let Some(partition) = partitions.get_mut(&partition) {
                        partition.next = partition.next.max(partition.end);
                    }
                }
                Some(Err(error)) => {
                    // An error of the connection was captured, with its reason.
                    let captured = self.consumer.context().take();
                    return Err(
                        captured.unwrap_or_else(|| unavailable(&format!("cannot read topic {}", self.topic), &error))
                    );
                }
            }
        }
        Ok(letters)
    }
}

impl DeadLetterReader for KafkaDeadLetterReader {
    fn next(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        self.start_over_if_recreated()?;
        if self.partitions.is_none() {
            // An error of the connection says more than that a call got no answer.
            self.assign().map_err(|error| self.consumer.context().last_error().unwrap_or(error))?;
            self.consumer.context().take();
        }
        self.take(letters_max, limit)
    }

    fn is_done(&self) -> bool {
        let is_at_end =
            |partitions: &BTreeMap<i32, PartitionState>| partitions.values().all(|state| state.next >= state.end);
        !self.follow && self.partitions.as_ref().is_some_and(is_at_end)
    }

    fn commit(&mut self) -> Result<(), Unavailable> {
        let failed = |error: KafkaError| unavailable("cannot commit offsets", &error);
        let (Start::Committed, Some(partitions)) = (&self.start, &self.partitions) else { return Ok(()) };
        let (mut list, metadata) = (TopicPartitionList::new(), OffsetMetadata::now(self.topic_id).encode());
        for (&partition, state) in partitions {
            let mut element = list.add_partition(&self.topic, partition);
            element.set_offset(KafkaOffset::Offset(state.next)).map_err(failed)?;
            element.set_metadata(&metadata);
        }
        if partitions.is_empty() { Ok(()) } else { self.consumer.commit(&list, CommitMode::Sync).map_err(failed) }
    }
}

/// Parses a dead letter; `None` if the message has not the headers of one.
fn letter(message: &BorrowedMessage<'_>) -> Option<DeadLetter> {
    let headers = message.headers()?;
    let text = |name: &str| {
        let value = headers.iter().find(|header| header.key == name)?.value?;
        str::from_utf8(value).ok()
    };
    let sha256 = text("sha256").and_then(hex::decode)?;
    let bytes = message.payload().unwrap_or_default().to_vec();
    Some(DeadLetter {
        position: Position {
            partition: PartitionId(text("partition")?.parse().ok()?),
            offset: Offset(text("offset")?.parse().ok()?),
        },
        id: text("id").and_then(|id| RequestId::new(id.to_owned()).ok()),
        reason: text("reason")?.to_owned(),
        kind: DeadLetterReason::from_stored(text("kind"), text("reason")?),
        payload: Payload::from_stored(bytes, text("length")?.parse().ok()?, sha256),
        found_at: DateTime::parse_from_rfc3339(text("found_at")?).ok()?.to_utc(),
        attempt: attempt(headers),
        topic_id: text(TOPIC_ID_HEADER).and_then(TopicId::parse),
    })
}

fn create(config: &ClientConfig) -> Result<BaseConsumer<ErrorCapture>, Unavailable> {
    config.create_with_context(ErrorCapture::default()).map_err(|error| unavailable("cannot start a consumer", &error))
}

/// Upper bound on the remembered positions.
const POSITIONS_MAX: usize = 100_000;

/// Drops duplicates: dead letters are written at least once.
#[derive(Default)]
struct Deduplicator {
    identities: HashSet<Identity>,
    order: VecDeque<Identity>,
}

/// The identity of a dead letter. Two topics of the same name have the same positions.
type Identity = (Option<TopicId>, Position);

impl Deduplicator {
    /// Returns whether the identity is new.
    fn insert(&mut self, identity: Identity) -> bool {
        if !self.identities.insert(identity) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > POSITIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.identities.remove(&oldest);
        }
        true
    }
}
