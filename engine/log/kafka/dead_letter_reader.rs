//! Reads dead letters from their topic.
//!
//! An offset that a group has committed there belongs to a topic id, as with requests: a topic of dead letters that
//! was made anew is read from its earliest message.

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
    address::Settings, context::Quiet, dead_letters::TOPIC_ID, fault::unavailable, keeper::attempt, options,
    options::CALL, tag::Tag, topic_id,
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

/// Interval at which the reader asks for the id of the topic.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Where reading starts.
enum Start {
    Moment(DateTime<Utc>),
    Committed,
}

/// A partition that is read.
struct Place {
    next: i64,
    /// Where reading ends, unless it follows.
    end: i64,
}

/// Reads as a group of its own; which are read where is assigned as soon as the topic is there.
pub(super) struct KafkaDeadLetterReader {
    config: ClientConfig,
    consumer: BaseConsumer<Quiet>,
    topic: String,
    start: Start,
    follow: bool,
    places: Option<BTreeMap<i32, Place>>,
    /// Of the topic that is read.
    topic_id: Option<TopicId>,
    ask_at: Instant,
    /// The topic was made anew while it was read: nothing that has no id beside it is its own.
    anew: bool,
    seen: Seen,
}

impl KafkaDeadLetterReader {
    /// Connects to nothing yet.
    pub(super) fn start(settings: &Settings, span: DeadLetterSpan<'_>) -> Result<Self, Unavailable> {
        let (start, group) = match span.from {
            DeadLettersFrom::Moment(moment) => (Start::Moment(moment), settings.group.clone()),
            DeadLettersFrom::Group(group) => (Start::Committed, format!("{}.{group}", settings.group)),
        };
        let topic = settings.dead_letter_topic();
        let config = options::dead_letter_consumer(settings, group);
        let consumer = create(&config)?;
        let (follow, ask_at, seen) = (span.follow, Instant::now(), Seen::default());
        let (places, topic_id, anew) = (None, None, false);
        Ok(KafkaDeadLetterReader { config, consumer, topic, start, follow, places, topic_id, ask_at, anew, seen })
    }

    /// Starts over where the topic is another one by now, with a new client: librdkafka keeps offsets by a topic's
    /// name.
    fn start_over_if_anew(&mut self) -> Result<(), Unavailable> {
        if self.places.is_none() || Instant::now() < self.ask_at {
            return Ok(());
        }
        self.ask_at = Instant::now() + ASK_EVERY;
        // Reading tells of an outage; and a topic that is not there has no other in its place yet.
        let Ok(Some(found)) = topic_id::describe(&self.consumer, &self.topic) else { return Ok(()) };
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
            (self.places, self.anew) = (None, true);
        }
        Ok(())
    }

    /// Finds out where to read, once.
    fn assign(&mut self) -> Result<(), Unavailable> {
        let doing = format!("cannot read topic {}", self.topic);
        let failed = |error: KafkaError| unavailable(&doing, &error);
        let Some(described) = topic_id::describe(&self.consumer, &self.topic)? else {
            // Without a topic there are no dead letters; one that follows looks again.
            self.places = (!self.follow).then(BTreeMap::new);
            return Ok(());
        };
        (self.topic_id, self.ask_at) = (described.id, Instant::now() + ASK_EVERY);
        let mut wanted = TopicPartitionList::new();
        for partition in 0..described.partitions.cast_signed() {
            match self.start {
                Start::Committed => drop(wanted.add_partition(&self.topic, partition)),
                Start::Moment(moment) => {
                    let moment = KafkaOffset::Offset(moment.timestamp_millis());
                    wanted.add_partition_offset(&self.topic, partition, moment).map_err(failed)?;
                }
            }
        }
        let found = match self.start {
            Start::Committed => self.consumer.committed_offsets(wanted, CALL).map_err(failed)?,
            Start::Moment(_) => self.consumer.offsets_for_times(wanted, CALL).map_err(failed)?,
        };
        let (mut places, mut list) = (BTreeMap::new(), TopicPartitionList::new());
        for element in found.elements() {
            element.error().map_err(failed)?;
            let partition = element.partition();
            let (low, high) = self.consumer.fetch_watermarks(&self.topic, partition, CALL).map_err(failed)?;
            let tag = Tag::parse(element.metadata());
            let next = match (element.offset(), &self.start) {
                (KafkaOffset::Offset(offset), Start::Moment(_)) => offset.clamp(low, high),
                (KafkaOffset::Offset(_), Start::Committed) if self.anew && tag.topic != self.topic_id => low,
                (KafkaOffset::Offset(_), Start::Committed) if tag.is_foreign_to(self.topic_id) => {
                    tracing::warn!(
                        "topic {} was deleted and made anew: what is committed in partition {partition} belongs to a \
                         former topic of this name, and reading starts at the earliest message",
                        self.topic
                    );
                    low
                }
                // Beyond the end is another sign of that, and the only one where topics have no id.
                (KafkaOffset::Offset(offset), Start::Committed) if offset > high => low,
                (KafkaOffset::Offset(offset), Start::Committed) => offset.max(low),
                // Nothing was written since.
                (_, Start::Moment(_)) => high,
                (_, Start::Committed) => low,
            };
            places.insert(partition, Place { next, end: high });
            list.add_partition_offset(&self.topic, partition, KafkaOffset::Offset(next)).map_err(failed)?;
        }
        self.consumer.assign(&list).map_err(failed)?;
        self.places = Some(places);
        Ok(())
    }

    fn take(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        let (deadline, mut letters) = (Instant::now() + limit, Vec::new());
        while letters.len() < letters_max && !self.is_done() {
            // After the first one only what is at hand.
            let wait =
                if letters.is_empty() { deadline.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            let Some(places) = &mut self.places else { break };
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    let Some(place) = places.get_mut(&message.partition()) else { continue };
                    if !self.follow && message.offset() >= place.end {
                        place.next = place.end;
                        continue;
                    }
                    place.next = message.offset() + 1;
                    match letter(&message) {
                        Some(letter) => {
                            let is_new = self.seen.add((letter.topic_id, letter.position));
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
                    if let Some(place) = places.get_mut(&partition) {
                        place.next = place.next.max(place.end);
                    }
                }
                Some(Err(error)) => return Err(unavailable(&format!("cannot read topic {}", self.topic), &error)),
            }
        }
        Ok(letters)
    }
}

impl DeadLetterReader for KafkaDeadLetterReader {
    fn next(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        self.start_over_if_anew()?;
        if self.places.is_none() {
            // What went wrong with the connection is said better elsewhere.
            self.assign().map_err(|error| self.consumer.context().complaint().unwrap_or(error))?;
        }
        self.take(letters_max, limit)
    }

    fn is_done(&self) -> bool {
        let at_end = |places: &BTreeMap<i32, Place>| places.values().all(|place| place.next >= place.end);
        !self.follow && self.places.as_ref().is_some_and(at_end)
    }

    fn commit(&mut self) -> Result<(), Unavailable> {
        let failed = |error: KafkaError| unavailable("cannot commit offsets", &error);
        let (Start::Committed, Some(places)) = (&self.start, &self.places) else { return Ok(()) };
        let (mut list, metadata) = (TopicPartitionList::new(), Tag::now(self.topic_id).metadata());
        for (&partition, place) in places {
            let mut element = list.add_partition(&self.topic, partition);
            element.set_offset(KafkaOffset::Offset(place.next)).map_err(failed)?;
            element.set_metadata(&metadata);
        }
        if places.is_empty() { Ok(()) } else { self.consumer.commit(&list, CommitMode::Sync).map_err(failed) }
    }
}

/// What a message says of a dead record; `None` if it is not one of ours.
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
        topic_id: text(TOPIC_ID).and_then(TopicId::parse),
    })
}

fn create(config: &ClientConfig) -> Result<BaseConsumer<Quiet>, Unavailable> {
    config.create_with_context(Quiet::default()).map_err(|error| unavailable("cannot start a consumer", &error))
}

/// Remembers the last so many positions.
const POSITIONS_MAX: usize = 100_000;

/// The positions of dead letters that were read: they are written at least once.
#[derive(Default)]
struct Seen {
    positions: HashSet<Identity>,
    order: VecDeque<Identity>,
}

/// Two topics of one name have the same positions.
type Identity = (Option<TopicId>, Position);

impl Seen {
    /// False if it was there.
    fn add(&mut self, position: Identity) -> bool {
        if !self.positions.insert(position) {
            return false;
        }
        self.order.push_back(position);
        if self.order.len() > POSITIONS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
        true
    }
}
