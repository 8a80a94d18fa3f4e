//! The seam for a day of the past that is replayed: its time is the one as of which flights are asked about.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use delaycast::flight::Code;

/// A replayed day.
pub trait Replay: Send + Sync {
    /// Returns the time in the replay; `None` before it begins.
    fn now(&self) -> Option<DateTime<Utc>>;

    /// Returns the time zone of its clocks.
    fn zone(&self) -> Tz;

    /// Returns the factor by which its time passes faster than that of the clock.
    fn speed(&self) -> f64;

    /// Returns some flights that leave soon and are followed.
    fn flights(&self) -> Vec<ReplayedFlight>;
}

/// A flight of the replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedFlight {
    /// The id of the request about it.
    pub id: String,
    /// Airline.
    pub carrier: Code,
    /// Flight number.
    pub number: u32,
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// Scheduled departure.
    pub departs: DateTime<Utc>,
}
