//! Topics, as an operator makes them and sees them.

use std::time::Duration;

use serde::Serialize;

/// What a new topic is to be like; what is not said is for the log to choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicWish {
    /// Copies of each message.
    pub replication: Option<u32>,
    /// How long messages are kept.
    pub retention: Option<Duration>,
}

/// A topic that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whether it was made just now.
    pub made: bool,
    /// How many partitions it has.
    pub partitions: u32,
    /// Copies of each message, where the log keeps more than one.
    pub replication: Option<u32>,
    /// How long messages are kept, in seconds, where that is known.
    pub retention_s: Option<u64>,
}
