//! What is kept of a record that has no answer.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{DeadLetterReason, Payload, Position, TopicId};
use crate::{delivery::Unavailable, request::RequestId};

/// A record that cannot be understood, or that the store refuses for good.
///
/// Its identity is its [`Position`] in the topic of its id: it is written at least once, and readers see it once.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Where in the log the record stands.
    pub position: Position,
    /// Whom it concerns, if that much could be read.
    pub id: Option<RequestId>,
    /// Why it is dead.
    pub reason: String,
    /// The kind of that reason.
    pub kind: DeadLetterReason,
    /// The record itself, cut if it is very long.
    pub payload: Payload,
    /// When it was found dead.
    pub found_at: DateTime<Utc>,
    /// How often it had been replayed before.
    pub attempt: u32,
    /// The id of the topic that the record stands in, where the log gives topics one.
    pub topic_id: Option<TopicId>,
}

/// Which dead letters to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// From where on.
    pub from: From<'a>,
    /// Those that come later, too; else the reader ends with the last one that is there when it is opened.
    pub follow: bool,
}

/// Where reading dead letters starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From<'a> {
    /// Those written at this moment or later.
    Moment(DateTime<Utc>),
    /// Those that this one has not committed yet, a group beside the log's own.
    Group(&'a str),
}

/// Reads dead letters, oldest first. What is written twice is read once, unless very many lie in between.
pub trait DeadLetterReader: Send {
    /// The next ones, `letters_max` at most; waits for the first of them for about `limit`. None: there are no more, or
    /// there were none in time.
    fn next(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable>;

    /// Whether the end of the span is reached; never if it follows.
    fn is_done(&self) -> bool;

    /// Commits all that were read for the group of the span, so that they are not read again. Blocks, 6 s at most.
    fn commit(&mut self) -> Result<(), Unavailable>;
}
