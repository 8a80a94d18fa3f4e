//! What a child says to its supervisor.

use serde::{Deserialize, Serialize};

/// One line of JSON on the child's standard output, every [`super::REPORT`]; that it comes is as telling as what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The number of the generation that it is of, or 0.
    pub generation: u64,
    /// Messages read.
    pub read: u64,
    /// Of these, what is durable as answer or dead letter.
    pub retired: u64,
    /// Messages of its partitions that are not yet committed, where that is known.
    pub lag: Option<u64>,
    /// What it waits for, and for how many seconds.
    pub waiting: Vec<(String, u64)>,
}
