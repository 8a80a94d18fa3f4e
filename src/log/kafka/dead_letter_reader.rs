//! Reads dead letters from their topic.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rdkafka::{
    Message as _, Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};

use super::{address::Settings, context::Quiet, fault::unavailable, keeper::attempt, options, options::CALL, topics};
use crate::{
    delivery::Unavailable,
    log::{
        DeadLetter, DeadLetterReader, DeadLetterReason, DeadLetterSpan, DeadLettersFrom, Offset, PartitionId, Payload,
        Position,
    },
    request::RequestId,
};

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
    consumer: BaseConsumer<Quiet>,
    topic: String,
    start: Start,
    follow: bool,
    places: Option<BTreeMap<i32, Place>>,
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
        let consumer = options::consumer(&Settings { group, ..settings.clone() })
            // The last offsets of a partition may be no messages, so that its end is not to be told by counting.
            .set("enable.partition.eof", "true")
            .create_with_context(Quiet::default())
            .map_err(|error| unavailable("cannot start a consumer", &error))?;
        Ok(KafkaDeadLetterReader { consumer, topic, start, follow: span.follow, places: None, seen: Seen::default() })
    }

    /// Finds out where to read, once.
    fn assign(&mut self) -> Result<(), Unavailable> {
        let doing = format!("cannot read topic {}", self.topic);
        let failed = |error: KafkaError| unavailable(&doing, &error);
        let Some(count) = topics::count_partitions(&self.consumer, &self.topic)? else {
            // Without a topic there are no dead letters; one that follows looks again.
            self.places = (!self.follow).then(BTreeMap::new);
            return Ok(());
        };
        let mut wanted = TopicPartitionList::new();
        for partition in 0..count.cast_signed() {
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
            let next = match (element.offset(), &self.start) {
                (KafkaOffset::Offset(offset), _) => offset.clamp(low, high),
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
                        Some(letter) => letters.extend(self.seen.add(letter.position).then_some(letter)),
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
        let mut list = TopicPartitionList::new();
        for (&partition, place) in places {
            list.add_partition_offset(&self.topic, partition, KafkaOffset::Offset(place.next)).map_err(failed)?;
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
    let sha256 = text("sha256").and_then(unhex)?;
    let bytes = message.payload().unwrap_or_default().to_vec();
    Some(DeadLetter {
        position: Position {
            partition: PartitionId(text("partition")?.parse().ok()?),
            offset: Offset(text("offset")?.parse().ok()?),
        },
        id: text("id").and_then(|id| RequestId::new(id.to_owned()).ok()),
        reason: text("reason")?.to_owned(),
        kind: DeadLetterReason::of_stored(text("kind"), text("reason")?),
        payload: Payload::kept(bytes, text("length")?.parse().ok()?, sha256),
        found_at: DateTime::parse_from_rfc3339(text("found_at")?).ok()?.to_utc(),
        attempt: attempt(headers),
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Remembers the last so many positions.
const POSITIONS_MAX: usize = 100_000;

/// The positions of dead letters that were read: they are written at least once.
#[derive(Default)]
struct Seen {
    positions: HashSet<Position>,
    order: VecDeque<Position>,
}

impl Seen {
    /// False if it was there.
    fn add(&mut self, position: Position) -> bool {
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
