//! The report of a child to its supervisor.

use serde::{Deserialize, Serialize};

use crate::status::Status;

/// One line of JSON on the child's standard output, every [`super::REPORT`]; its arrival says that the child runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The number of the generation that the child is part of, or 0.
    pub generation: u64,
    /// The state of its scorer.
    pub status: Status,
}
