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
    /// The weather where the flight starts, in the hour of its scheduled departure. Without a schedule nobody knows which hour that
    /// is, so no forest is given the weather alone.
    pub weather: bool,
}

impl Given {
    /// Nothing.
    pub const NOTHING: Given = Given { dep_delay: false, schedule: false, weather: false };
    /// All that a question may give.
    pub const EVERYTHING: Given = Given { dep_delay: true, schedule: true, weather: true };
    /// What a forest may be grown for. Those with weather come last, so that the trees of the others have the same numbers, and draw the
    /// same, whether there is weather or not.
    pub const ALL: [Given; 6] = [
        Given::NOTHING,
        Given { schedule: true, ..Given::NOTHING },
        Given { dep_delay: true, ..Given::NOTHING },
        Given { weather: false, ..Given::EVERYTHING },
        Given { dep_delay: false, ..Given::EVERYTHING },
        Given::EVERYTHING,
    ];

    /// Whether this is no more than another.
    pub fn is_within(self, other: Given) -> bool {
        self.dep_delay <= other.dep_delay && self.schedule <= other.schedule && self.weather <= other.weather
    }

    /// In a person's words. The weather is never given without the schedule.
    pub fn label(self) -> &'static str {
        match (self.dep_delay, self.schedule, self.weather) {
            (false, false, _) => "before departure",
            (false, true, false) => "before departure, with schedule",
            (false, true, true) => "before departure, with schedule and weather",
            (true, false, _) => "with departure delay",
            (true, true, false) => "with departure delay and schedule",
            (true, true, true) => "with departure delay, schedule and weather",
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
