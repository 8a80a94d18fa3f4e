//! What a question gives beyond airline, route and day.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a question gives beyond airline, route and day. There is a forest for each, so that none has to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Given {
    /// The departure delay.
    pub dep_delay: bool,
    /// The schedule, or a flight number whose schedule is known.
    pub schedule: bool,
}

impl Given {
    /// All that there is.
    pub const ALL: [Given; 4] = [
        Given { dep_delay: false, schedule: false },
        Given { dep_delay: false, schedule: true },
        Given { dep_delay: true, schedule: false },
        Given { dep_delay: true, schedule: true },
    ];

    /// Whether this is no more than another.
    pub fn is_within(self, other: Given) -> bool {
        self.dep_delay <= other.dep_delay && self.schedule <= other.schedule
    }

    /// In a person's words.
    pub fn label(self) -> &'static str {
        match (self.dep_delay, self.schedule) {
            (false, false) => "before departure",
            (false, true) => "before departure, with schedule",
            (true, false) => "with departure delay",
            (true, true) => "with departure delay and schedule",
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
