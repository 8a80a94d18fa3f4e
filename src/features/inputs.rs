//! The optional inputs that are known of a flight, and the remarks on those that are not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The inputs that are known beyond airline, route and day. There is a forest for each combination, so that no forest
/// has to impute an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KnownInputs {
    /// The departure delay.
    pub dep_delay: bool,
    /// The schedule, or a flight number whose schedule is known.
    pub schedule: bool,
    /// The weather at the origin in the hour of the scheduled departure. Without a schedule that hour is unknown, so no
    /// forest has the weather alone.
    pub weather: bool,
}

impl KnownInputs {
    /// No optional input.
    pub const NONE: KnownInputs = KnownInputs { dep_delay: false, schedule: false, weather: false };
    /// All optional inputs.
    pub const ALL: KnownInputs = KnownInputs { dep_delay: true, schedule: true, weather: true };
    /// The combinations for which there can be a forest. Those with weather come last: the trees of the others then
    /// have the same numbers, and the same random draws, with and without weather.
    pub const COMBINATIONS: [KnownInputs; 6] = [
        KnownInputs::NONE,
        KnownInputs { schedule: true, ..KnownInputs::NONE },
        KnownInputs { dep_delay: true, ..KnownInputs::NONE },
        KnownInputs { weather: false, ..KnownInputs::ALL },
        KnownInputs { dep_delay: false, ..KnownInputs::ALL },
        KnownInputs::ALL,
    ];

    /// Returns whether `other` has all of these inputs.
    pub fn is_subset_of(self, other: KnownInputs) -> bool {
        self.dep_delay <= other.dep_delay && self.schedule <= other.schedule && self.weather <= other.weather
    }

    /// The inputs in words.
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

impl fmt::Display for KnownInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// A reason why an answer is less reliable than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remark {
    /// There is no departure delay: a forest without it answers.
    NoDepDelay,
    /// The airline is not in the training data.
    UnseenCarrier,
    /// The airport of departure is not in the training data.
    UnseenOrigin,
    /// The airport of arrival is not in the training data.
    UnseenDest,
    /// The distance of the route is unknown; the mean of the training flights replaces it.
    UnknownDistance,
}

impl Remark {
    /// The remark in words.
    pub fn text(self) -> &'static str {
        match self {
            Remark::NoDepDelay => "asked without a departure delay",
            Remark::UnseenCarrier => "no flights of this airline in the training data",
            Remark::UnseenOrigin => "no flights from the airport of departure in the training data",
            Remark::UnseenDest => "no flights to the airport of arrival in the training data",
            Remark::UnknownDistance => "the distance of this route is unknown",
        }
    }
}
