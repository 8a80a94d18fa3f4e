//! The traits that a connector implements, and the findings that are worded alike for every connector. The promises of
//! the traits are numbered in [`super`].

use std::{sync::Arc, time::Instant};

use super::{
    dead_letter::{DeadLetter, DeadLetterReader, DeadLetterSpan},
    message::Message,
    topic::{Lag, Offsets, Position, Share, Start, Topic, TopicOptions},
};
use crate::{
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
};

/// Lag, in messages, from which on a finding is a warning.
const LAG_WARN: u64 = 1000;

/// A callback that runs, on any thread, when there may be something new to poll. It must be cheap and must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Reads the partitions of one [`Share`] for a consumer group.
pub trait Reader: Send {
    /// Moves at most `messages_max` messages into `into`, without blocking. Returns whether more are ready.
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool;

    /// Returns the group's committed offset of each owned partition: as it was when this reader began to read the
    /// partition, and as its own commits have moved it since. A partition without one is omitted. So a message that
    /// `poll` has returned, and that this reader has not committed, was committed before if it is below (promise 10).
    /// Does not block.
    fn committed(&self) -> Offsets;

    /// Starts to commit these offsets for the group; returns at once.
    fn commit(&mut self, offsets: &Offsets);

    /// Commits the last committed offsets again: some logs expire the offsets of idle groups. Returns at once.
    fn renew(&mut self);

    /// Returns when all offsets handed to [`Reader::commit`] are committed, or fails at the deadline. Blocks.
    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable>;

    /// Returns the number of uncommitted messages of each owned partition, also where it is 0; `None` if it cannot be
    /// known.
    fn lag(&self) -> Option<Lag>;

    /// Returns the number of owned partitions of which `poll` has returned all messages that the reader knows of
    /// (promise 11). The default knows no ends: of events in such a log, no answer can be followed. Does not block.
    fn exhausted(&self) -> usize {
        0
    }
}

/// The reason why a message was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The message is larger than the log takes.
    #[error("the message has {bytes} bytes, and this log takes at most {bytes_max}")]
    TooLarge {
        /// The message's size.
        bytes: usize,
        /// The largest size taken.
        bytes_max: usize,
    },
    /// The log did not acknowledge the message in time. It may still be appended.
    #[error("the log does not answer: {0}")]
    Unavailable(#[from] Unavailable),
}

/// The delivery callback of [`Producer::publish`]: called once, on any thread, with the position of the message.
pub type PublishCallback = Box<dyn FnOnce(Result<Position, PublishError>) + Send>;

/// The headers of a message: names and values.
pub type Headers = Vec<(&'static str, String)>;

/// Appends messages to the log.
pub trait Producer: Send + Sync {
    /// Appends a message and calls `done` once it is durable, or has failed, within 5 s. Messages with the same key
    /// go to the same partition. Returns at once. The queue is bounded; when it is full the message fails as
    /// [`PublishError::Unavailable`].
    fn publish(&self, key: Option<&str>, payload: Vec<u8>, done: PublishCallback) {
        self.republish(key, payload, 0, done);
    }

    /// Appends a message with headers, as [`Producer::publish`] does; a log without headers leaves them out.
    fn publish_with(&self, key: Option<&str>, payload: Vec<u8>, _headers: Headers, done: PublishCallback) {
        self.publish(key, payload, done);
    }

    /// Appends the record of a dead letter that is replayed, with its [`Message::attempt`].
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: PublishCallback);
}

/// A log of requests or of events, opened by URL.
///
/// # Example
///
/// The domain is `Payments`, the example of [`Domain`](crate::domain::Domain).
///
/// ```
/// # mod payments { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/payments.rs")); }
/// use std::{sync::{Arc, mpsc}, time::{Duration, Instant}};
///
/// use engine::{delivery::Health, log::{self, Offsets, Share, Start}};
/// use payments::Payments;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("requests.db");
/// let log = log::open::<Payments>(&format!("sqlite:{}?topic=payments&partitions=4", path.display()))?;
///
/// // The message is durable when the callback receives its position.
/// let (done, published) = mpsc::channel();
/// log.producer()?.publish(Some("a key"), b"a message".to_vec(), Box::new(move |result| _ = done.send(result)));
/// let position = published.recv()??;
///
/// // A reader never blocks; it calls back when there is something to poll.
/// let (wake, woken) = mpsc::channel();
/// let health = Arc::new(Health::new(log.describe()));
/// let mut reader = log.reader(Share::ALL, Start::Committed, Arc::new(move || _ = wake.send(())), health)?;
/// let mut messages = Vec::new();
/// while messages.is_empty() {
///     woken.recv_timeout(Duration::from_secs(10))?;
///     reader.poll(100, &mut messages);
/// }
/// assert_eq!((messages[0].position, messages[0].payload.bytes()), (position, &b"a message"[..]));
///
/// // The next reader of the group starts after the message.
/// reader.commit(&Offsets::from([(position.partition, position.offset.next())]));
/// reader.close(Instant::now() + Duration::from_secs(10))?;
/// # Ok(())
/// # }
/// ```
pub trait Log: Send + Sync {
    /// Returns the log's address for operators, without secrets.
    fn describe(&self) -> String;

    /// Returns the current number of partitions of the topic.
    fn partitions(&self) -> Result<u32, Unavailable>;

    /// Returns a reader for a share of the partitions.
    fn reader(
        &self,
        share: Share,
        start: Start,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Box<dyn Reader>, Unavailable>;

    /// Returns a producer of messages.
    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable>;

    /// Returns a writer of dead letters.
    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable>;

    /// Creates the topics of the log and of its dead letters, with the URL's number of partitions, unless they exist;
    /// returns both. An existing topic is not changed. A topic of events has the retention of its domain, unless the
    /// options have another. Blocks, for seconds.
    fn create_topics(&self, options: &TopicOptions) -> Result<Vec<Topic>, Unavailable>;

    /// Checks all that a scorer needs of the log. Blocks, 30 s at most.
    fn inspect(&self) -> Vec<Finding>;

    /// Returns a reader of dead letters.
    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable>;
}

/// Returns an open log, or the reason why it cannot be opened now. Blocks.
pub type OpenLog = dyn Fn() -> Result<Arc<dyn Log>, Unavailable> + Send + Sync;

/// Returns the finding on the lag of a group.
pub(super) fn lag_of(group: &str, has_committed: bool, lag: u64) -> Finding {
    if !has_committed {
        let advice = "start a scorer; the first one reads from the earliest message";
        return Finding::warn("lag", format!("group {group} has committed nothing yet"), advice);
    }
    let found = format!("group {group} has {lag} messages to go");
    if lag < LAG_WARN {
        return Finding::ok("lag", found);
    }
    Finding::warn("lag", found, "see what the scorers wait for, in their logs or at /ops; if nothing, start more")
}

/// Returns the finding on the number of dead letters.
pub(super) fn dead_letters(count: u64) -> Finding {
    if count == 0 {
        return Finding::ok("dead letters", "none");
    }
    let advice = "`delaycast replay --dry-run` tells why they died; without --dry-run it sends them back";
    Finding::warn("dead letters", format!("{count} are kept"), advice)
}
