//! The request log: partitions, offsets, a group's committed offsets, dead letters. The model is Kafka's.
//!
//! A domain with events ([`Domain::EVENTS`]) has a second log for them, by the same connectors.
//!
//! # The promises of a connector
//!
//! 1. A [`Reader`] yields the messages of each owned partition in offset order and without a gap, starting at the
//!    group's committed offset ([`Start::Committed`]); without one, or if it is out of range, at the earliest message,
//!    with a warning.
//! 2. [`Reader::poll`] never blocks, and the [`Wake`] callback runs whenever `poll` would have something new to give.
//! 3. Offsets are committed by [`Reader::commit`] alone. A failed commit is retried until a later one supersedes it.
//! 4. Connectors handle outages internally: they retry with backoff and jitter, report through [`Health`], drop
//!    nothing.
//! 5. Buffers are bounded.
//! 6. Dead letters are read in the order of their writing, from a timestamp or from a group's committed offset.
//! 7. A message that is published again carries the number of its attempts.
//! 8. A position belongs to one topic. If a topic was deleted and created again under its name, while a reader ran or
//!    was stopped, reading starts at the earliest message of the new topic, with a warning. Offsets of the former topic
//!    are neither used nor committed for the new one, and dead letters of the two are never taken for each other.
//! 9. Records that are not messages (transaction markers, aborted messages, gaps of compaction) are not lag: a reader
//!    that has handled all messages of a partition has a lag of 0, and its committed offset moves to the end.
//! 10. A reader that starts at [`Start::Earliest`] yields every message that is kept, whatever the group has committed,
//!     without a warning, and its commits lower no offset that the group has committed. [`Reader::committed`] tells
//!     the messages that the group had committed before: from the moment at which `poll` returns a message until its
//!     offset is committed, the message is below the committed offset of its partition if and only if the group had
//!     committed it when this reader began to read the partition. An offset of a former topic (promise 8), or beyond
//!     the end, does not count.
//! 11. [`Reader::exhausted`] counts a partition only if `poll` has returned all messages that were in it when the
//!     reader was opened; and, without new messages, it counts all owned partitions after a while, also empty ones.
//!
//! [`Domain::EVENTS`]: crate::domain::Domain::EVENTS
//! [`Health`]: crate::delivery::Health

mod commit_state;
mod connector;
mod dead_letter;
pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
mod message;
mod open;
mod replay;
mod topic;

pub use crate::address::OpenError;
pub use connector::{Headers, Log, OpenLog, Producer, PublishCallback, PublishError, Reader, Wake};
pub use dead_letter::{
    DeadLetter, DeadLetterKinds, DeadLetterReader, DeadLetterReason, DeadLetterSpan, DeadLettersFrom, LetterLog,
};
pub use message::{DEAD_LETTER_BYTES_MAX, Message, Payload};
pub use open::{
    events_url, groups, inspect, inspect_events, open, open_events, open_existing, open_existing_events, open_output,
    remove_group, topic_of,
};
pub use replay::{
    ATTEMPTS_MAX, DeadLetters, LatestLetters, LogDeadLetters, ReasonCounts, ReplayError, ReplayFilter, ReplaySummary,
    SentBack,
};
pub use topic::{GROUP, Lag, Offset, Offsets, PartitionId, Position, Share, Start, Topic, TopicId, TopicOptions};

#[cfg(any(test, feature = "conformance"))]
pub mod promises;
