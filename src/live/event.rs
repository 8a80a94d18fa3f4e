//! Flight events: the legs that they are of, and what each of them says.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::flight::Code;

/// Milliseconds since 1970, UTC.
pub type Millis = i64;
/// Minutes since 1970, UTC.
pub type Minutes = i32;

/// Milliseconds in a minute.
pub const MINUTE_MS: Millis = 60_000;
/// Milliseconds in an hour.
pub(super) const HOUR_MS: Millis = 60 * MINUTE_MS;

/// The identity of a leg: one flight of an airline, from one airport, on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId {
    /// The airline.
    pub carrier: Code,
    /// The flight number.
    pub number: u32,
    /// The airport of departure.
    pub origin: Code,
    /// The local day of the scheduled departure.
    pub date: NaiveDate,
}

/// A flight that an airline operates again and again: the airline, the number, the airport of departure.
pub(super) type FlightId = (Code, u32, Code);

impl LegId {
    /// Returns the flight that the leg is of.
    pub(super) fn flight(&self) -> FlightId {
        (self.carrier, self.number, self.origin)
    }
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// The leg is in the schedule.
    Scheduled,
    /// It has left.
    Departed,
    /// It has arrived at its destination.
    Arrived,
    /// It is cancelled.
    Cancelled,
    /// It goes to another airport.
    Diverted,
    /// Earlier events of the leg do not hold.
    Withdrawn,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [EventKind; 6] = [
        EventKind::Scheduled,
        EventKind::Departed,
        EventKind::Arrived,
        EventKind::Cancelled,
        EventKind::Diverted,
        EventKind::Withdrawn,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Scheduled => "scheduled",
            EventKind::Departed => "departed",
            EventKind::Arrived => "arrived",
            EventKind::Cancelled => "cancelled",
            EventKind::Diverted => "diverted",
            EventKind::Withdrawn => "withdrawn",
        }
    }

    /// The kind of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An event of a leg. The order of events is that in which they take effect: by the time at which they were known; of
/// those of one moment, any order will do as long as it is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Event {
    /// The time at which it was known.
    pub at: Millis,
    /// The kind.
    pub kind: EventKind,
    /// The kind that a withdrawal is of; `None` if it is of all, or if the event is no withdrawal.
    pub withdraws: Option<EventKind>,
    /// The scheduled destination.
    pub dest: Option<Code>,
    /// The registration of the aeroplane.
    pub tail: Option<Code>,
    /// Scheduled departure and arrival.
    pub schedule: Option<Times>,
    /// The delay of a departure or an arrival, in minutes; negative when early.
    pub delay: Option<i16>,
}

/// Scheduled departure and arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Times {
    /// Departure.
    pub departs: Minutes,
    /// Arrival.
    pub arrives: Minutes,
}

impl Event {
    /// An event of this kind that says nothing else.
    pub fn new(kind: EventKind, at: Millis) -> Self {
        Event { at, kind, withdraws: None, dest: None, tail: None, schedule: None, delay: None }
    }
}
