//! The optional inputs that are known of a flight, and the remarks on those that are not.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{flight::DelayReference, live::Moment};

/// The inputs that are known beyond airline, route and day. There is a forest for each combination, so that no forest
/// has to impute an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KnownInputs {
    /// The departure delay.
    pub dep_delay: bool,
    /// The schedule, or a flight number whose schedule is known.
    pub schedule: bool,
    /// The moment, if it is known what events say of the flight's aeroplane and of airports; then the schedule is, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
    /// The weather at the origin in the hour of the scheduled departure. Without a schedule that hour is unknown, so no
    /// forest has the weather alone.
    pub weather: bool,
}

impl KnownInputs {
    /// No optional input.
    pub const NONE: KnownInputs = KnownInputs { dep_delay: false, schedule: false, moment: None, weather: false };
    /// All that a request itself can have.
    pub const ASKED: KnownInputs = KnownInputs { dep_delay: true, schedule: true, moment: None, weather: true };
    /// The combinations for which there can be a forest. Those with weather come after those without, and those with
    /// events last: the trees of the others then have the same numbers, and the same random draws.
    pub const COMBINATIONS: [KnownInputs; 10] = [
        KnownInputs::NONE,
        KnownInputs { schedule: true, ..KnownInputs::NONE },
        KnownInputs { dep_delay: true, ..KnownInputs::NONE },
        KnownInputs { weather: false, ..KnownInputs::ASKED },
        KnownInputs { dep_delay: false, ..KnownInputs::ASKED },
        KnownInputs::ASKED,
        KnownInputs::at(Moment::Early),
        KnownInputs::at(Moment::Near),
        KnownInputs::at(Moment::Overdue),
        KnownInputs::at(Moment::Departed),
    ];

    /// The inputs of the forest for a moment. It does without the weather: what it does to flights is in the events.
    pub const fn at(moment: Moment) -> Self {
        let dep_delay = matches!(moment, Moment::Departed);
        KnownInputs { dep_delay, schedule: true, moment: Some(moment), weather: false }
    }

    /// The time from which the forest that is given them counts the minutes of a delay.
    pub fn delay_reference(self) -> DelayReference {
        if self.dep_delay { DelayReference::Departure } else { DelayReference::Schedule }
    }

    /// Returns whether `other` has all of these inputs.
    pub fn is_subset_of(self, other: KnownInputs) -> bool {
        self.dep_delay <= other.dep_delay
            && self.schedule <= other.schedule
            && (self.moment.is_none() || self.moment == other.moment)
            && self.weather <= other.weather
    }

    /// The inputs of a label; `None` if no forest is given such.
    pub fn of_label(label: &str) -> Option<Self> {
        KnownInputs::COMBINATIONS.into_iter().find(|inputs| inputs.label() == label)
    }

    /// The inputs in words.
    pub fn label(self) -> &'static str {
        match (self.moment, self.dep_delay, self.schedule, self.weather) {
            (None, false, false, _) => "before departure",
            (None, false, true, false) => "before departure, with schedule",
            (None, false, true, true) => "before departure, with schedule and weather",
            (None, true, false, _) => "with departure delay",
            (None, true, true, false) => "with departure delay and schedule",
            (None, true, true, true) => "with departure delay, schedule and weather",
            (Some(Moment::Early), ..) => "hours before departure, with events",
            (Some(Moment::Near), ..) => "shortly before departure, with events",
            (Some(Moment::Overdue), ..) => "overdue, with events",
            (Some(Moment::Departed), ..) => "on its way, with events",
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
