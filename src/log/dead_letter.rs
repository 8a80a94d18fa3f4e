//! What is kept of a record that has no answer.

use chrono::{DateTime, Utc};

use super::{Payload, Position};
use crate::request::RequestId;

/// A record that cannot be understood, or that the store refuses for good.
///
/// Its identity is its [`Position`]: it is written at least once, and readers see it once.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Where in the log the record stands.
    pub position: Position,
    /// Whom it concerns, if that much could be read.
    pub id: Option<RequestId>,
    /// Why it is dead.
    pub reason: String,
    /// The record itself, cut if it is very long.
    pub payload: Payload,
    /// When it was found dead.
    pub found_at: DateTime<Utc>,
}
