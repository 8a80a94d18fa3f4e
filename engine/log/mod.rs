//! The request log: partitions, offsets, a group's committed offsets, dead letters. Kafka's model; connectors provide it.
//!
//! # What a connector promises
//!
//! 1. A [`Reader`] yields each owned partition's messages in offset order and without a gap, starting at the group's
//!    committed offset; where there is none, or it is out of range, at the earliest message, with a warning.
//! 2. [`Reader::poll`] never blocks, and the [`Wake`] callback runs whenever it would have something new to give.
//! 3. Offsets are committed by [`Reader::commit`] alone. A commit that fails is retried until a later one supersedes it.
//! 4. An outage is the connector's to bear: it retries with backoff and jitter, reports through [`Health`], drops nothing.
//! 5. What it buffers is bounded.
//! 6. Dead letters are read in the order of their writing, from a moment on or from where a group has committed.
//! 7. A message that is published again says how often.
//! 8. A position belongs to one topic. Where a topic was deleted and made anew under its name, running or stopped,
//!    reading starts at the earliest message of the new one, with a warning; offsets of the former one are neither used
//!    nor committed for the new one, and a dead letter of the one is never taken for one of the other.
//! 9. What is no message (a record that ends a transaction, an aborted message, a gap of compaction) is not lag: a
//!    reader that has handled all messages of a partition has a lag of 0, and its committed offset goes to the end.

mod dead_letter;
pub mod embedded;
mod findings;
#[cfg(feature = "kafka")]
pub mod kafka;
mod payload;
mod reason;
mod topic;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};

pub use dead_letter::{DeadLetter, DeadLetterReader, From as DeadLettersFrom, Span as DeadLetterSpan};
pub use payload::{DEAD_LETTER_BYTES_MAX, Payload};
pub use reason::DeadLetterReason;
pub use topic::{Topic, TopicId, TopicWish};

use crate::{
    address::Address,
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
    sqlite,
};

/// The topic of requests, unless the URL names another.
pub const TOPIC: &str = "flight_delay_classification_request";
/// The consumer group, unless the URL names another.
pub const GROUP: &str = "delaycast";

pub use crate::address::OpenError;

/// Opens the log at a URL: `sqlite:PATH?topic=T&group=G&partitions=N`, or `kafka://host:9092,host2:9092/TOPIC?group=G`.
pub fn open(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    let example = "sqlite:var/delaycast.db?topic=requests";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(Arc::new(embedded::EmbeddedLog::open(address.of_a_file()?)?)),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(Arc::new(kafka::KafkaLog::open(&address)?)),
        #[cfg(not(feature = "kafka"))]
        "kafka" => Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => Err(address.unknown("log", "sqlite, kafka")),
    }
}

/// The same where it is there: no file and no topic is made.
pub fn open_existing(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => Ok(Arc::new(embedded::EmbeddedLog::open_existing(&address)?)),
        _ => open(url),
    }
}

/// Looks at the log at a URL as [`Log::inspect`] does. What is embedded is read as it is, without making or changing
/// anything.
pub fn inspect(url: &str) -> Result<Vec<Finding>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address),
        _ => Ok(open(url)?.inspect()),
    }
}

/// The consumer groups of the embedded log at a URL, of all topics. Kafka's own tools list those of Kafka.
pub fn groups(url: &str) -> Result<Vec<sqlite::Group>, OpenError> {
    Ok(sqlite::Inspector::at(&embedded_address(url)?)?.groups()?)
}

/// The topic that the URL of an embedded log names.
pub fn topic_of(url: &str) -> Result<String, OpenError> {
    embedded::topic_of(&embedded_address(url)?)
}

/// Removes a group of the topic of the embedded log at a URL. Whether it was there.
pub fn remove_group(url: &str, group: &str) -> Result<bool, OpenError> {
    embedded::EmbeddedLog::open_existing(&embedded_address(url)?)?.remove_group(group)
}

fn embedded_address(url: &str) -> Result<Address, OpenError> {
    let example = "sqlite:var/delaycast.db";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(address),
        "kafka" => {
            Err(address.invalid("groups", "are Kafka's own: use kafka-consumer-groups.sh --list, --describe, --delete"))
        }
        _ => Err(OpenError::UnknownScheme { what: "embedded log", scheme: address.scheme, known: "sqlite" }),
    }
}

/// A partition of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionId(pub u32);

/// A position in a partition. As a committed offset: the next position to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    pub fn next(self) -> Self {
        Offset(self.0 + 1)
    }
}

/// Committed offsets, or candidates for them: per partition the next offset to read.
pub type Offsets = BTreeMap<PartitionId, Offset>;

/// How many messages are not yet committed, per partition.
pub type Lag = BTreeMap<PartitionId, u64>;

/// Where a message stands: its identity in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The partition.
    pub partition: PartitionId,
    /// The offset in it.
    pub offset: Offset,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} offset {}", self.partition.0, self.offset.0)
    }
}

/// A message as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Where it stands.
    pub position: Position,
    /// Its bytes.
    pub payload: Payload,
    /// How often it has come back from the dead letters.
    pub attempt: u32,
    /// The id of the topic that it was read from, where the log gives topics one.
    pub topic_id: Option<TopicId>,
}

/// Called, from any thread, when there may be something new. It must be cheap and must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Which partitions a reader owns: p with p mod `peers` = `index`, those that appear later included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// This reader's number, from 0.
    pub index: usize,
    /// How many readers there are.
    pub peers: usize,
}

impl Share {
    /// The one reader that owns all partitions.
    pub const ALL: Share = Share { index: 0, peers: 1 };

    /// Whether a partition is owned.
    pub fn owns(&self, partition: PartitionId) -> bool {
        partition.0 as usize % self.peers == self.index
    }
}

/// Reads the partitions of one [`Share`] for a consumer group.
pub trait Reader: Send {
    /// Moves at most `messages_max` messages into `into`, without blocking. True if more are at hand.
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool;

    /// Starts to commit these offsets for the group; returns at once.
    fn commit(&mut self, offsets: &Offsets);

    /// Commits again what is committed, as far as this reader knows: some logs forget the commits of groups that are idle.
    /// Returns at once.
    fn renew(&mut self);

    /// Returns when everything handed to [`Reader::commit`] is committed, or fails at the deadline. Blocks.
    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable>;

    /// How many messages of the owned partitions are not yet committed, each partition by itself, also one that has
    /// none; `None` where that cannot be known.
    fn lag(&self) -> Option<Lag>;
}

/// Why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The log takes no message of this size.
    #[error("the message has {bytes} bytes, and this log takes at most {bytes_max}")]
    TooLarge {
        /// The message's size.
        bytes: usize,
        /// The largest size taken.
        bytes_max: usize,
    },
    /// The log did not acknowledge it in time. It may still land.
    #[error("the request log does not answer: {0}")]
    Unavailable(#[from] Unavailable),
}

/// What [`Producer::publish`] reports to: called once, from any thread, with where the message landed.
pub type Published = Box<dyn FnOnce(Result<Position, PublishError>) + Send>;

/// Appends messages to the log.
pub trait Producer: Send + Sync {
    /// Appends a message and calls `done` once it is durable, or has failed, within 5 s. Messages with the same key
    /// go to the same partition. Returns at once; what waits is bounded, and more is [`PublishError::Unavailable`].
    fn publish(&self, key: Option<&str>, payload: Vec<u8>, done: Published) {
        self.publish_again(key, payload, 0, done);
    }

    /// The same for a dead letter that is replayed, with [`Message::attempt`].
    fn publish_again(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: Published);
}

/// A request log, opened by URL.
pub trait Log: Send + Sync {
    /// Where it is, without secrets, as one would say it to an operator.
    fn describe(&self) -> String;

    /// How many partitions the topic has now.
    fn partitions(&self) -> Result<u32, Unavailable>;

    /// A reader for a share of the partitions.
    fn reader(&self, share: Share, wake: Wake, health: Arc<Health>) -> Result<Box<dyn Reader>, Unavailable>;

    /// A producer of requests.
    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable>;

    /// A writer of dead letters, beside the log.
    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable>;

    /// Makes the topic of requests and that of its dead letters, with as many partitions as the URL says, unless they
    /// are there; tells of both. What is there stays as it is. Blocks, for seconds.
    fn make_topics(&self, wish: &TopicWish) -> Result<Vec<Topic>, Unavailable>;

    /// Looks whether everything is as a scorer wants it. Blocks, 30 s at most.
    fn inspect(&self) -> Vec<Finding>;

    /// A reader of the dead letters.
    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable>;
}

#[cfg(test)]
pub(crate) mod promises;
