//! Dead letters: records without an answer.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{message::Payload, position::Position, reason::DeadLetterReason, topic::TopicId};
use crate::{delivery::Unavailable, request::RequestId};

/// A record that cannot be decoded, or that the store refuses for good.
///
/// Its identity is its [`Position`] together with the topic id. It is written at least once, and readers see it once.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The position of the record.
    pub position: Position,
    /// The id of the request, if it could be read.
    pub id: Option<RequestId>,
    /// The reason, in words.
    pub reason: String,
    /// The kind of the reason.
    pub kind: DeadLetterReason,
    /// The record itself, truncated if it is very long.
    pub payload: Payload,
    /// The time at which it failed.
    pub found_at: DateTime<Utc>,
    /// Number of times that it had been replayed before.
    pub attempt: u32,
    /// The id of the record's topic, if the log gives topics ids.
    pub topic_id: Option<TopicId>,
}

/// The dead letters to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// The start.
    pub from: From<'a>,
    /// True to read those that are written later, too; else the reader ends with the last one that exists when it is
    /// opened.
    pub follow: bool,
}

/// The start of reading dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From<'a> {
    /// Those written at this time or later.
    Moment(DateTime<Utc>),
    /// Those that this group, a subgroup of the log's, has not committed yet.
    Group(&'a str),
}

/// Reads dead letters, oldest first. One that was written twice is read once, unless very many lie in between.
pub trait DeadLetterReader: Send {
    /// Returns the next dead letters, `letters_max` at most, after waiting for the first of them for about `limit`. An
    /// empty result means that there are no more, or that none came in time.
    fn next(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable>;

    /// Returns whether the end of the span is reached; always false if it follows.
    fn is_done(&self) -> bool;

    /// Commits all that were read for the span's group, so that they are not read again. Blocks, 6 s at most.
    fn commit(&mut self) -> Result<(), Unavailable>;
}
