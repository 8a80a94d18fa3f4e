//! What processes say to each other before timely does.

use serde::{Deserialize, Serialize};

use super::Terms;

/// One life of a cluster, from its forming to the loss of any of its processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Counts up, for people.
    pub number: u64,
    /// Drawn at random: no two are the same.
    pub id: u64,
    /// Process 0's wall time at the forming, in milliseconds since 1970: all timestamps count from here.
    pub clock_ms: u64,
    /// How many partitions process 0 has seen: the shape of the dataflow depends on it, and must be the same everywhere.
    pub partitions: u32,
}

/// A number drawn at each try to form: tells a process from the one that it replaces.
pub(super) type Incarnation = u64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// To process 0: I am here.
    Hello { index: usize, incarnation: Incarnation, last_generation: u64, terms: Terms },
    /// From process 0: all are here, in these incarnations.
    Form { generation: Generation, incarnations: Vec<Incarnation> },
    /// To any other process of a lower number: I am of this generation.
    Join { index: usize, incarnation: Incarnation, generation: u64 },
    /// The answer: so am I.
    Joined,
    /// To process 0: I have all my connections.
    Ready,
    /// From process 0: all have.
    Go,
    /// No, and why.
    Refused { reason: String },
}

impl Message {
    /// What it is, for error messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Message::Hello { .. } => "Hello",
            Message::Form { .. } => "Form",
            Message::Join { .. } => "Join",
            Message::Joined => "Joined",
            Message::Ready => "Ready",
            Message::Go => "Go",
            Message::Refused { .. } => "Refused",
        }
    }
}
