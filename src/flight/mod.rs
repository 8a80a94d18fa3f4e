//! The vocabulary of the domain: codes, classes of delay, outcomes, times of day, schedules, time zones, weather, the
//! calendar and value ranges. Requests and imported histories are held to the same ranges.
//!
//! These modules import nothing else of the crate, so that requests, answers, histories and features can all use them.

mod class;
mod code;
mod outcome;
pub mod time;
mod weather;
pub mod zoned;

use std::ops::RangeInclusive;

/// An IANA time zone.
pub use chrono_tz::Tz;
pub use class::{CLASS_CUTS_MINUTES, CLASSES, DelayClass, Probabilities};
pub use code::{Code, NotACode};
pub use outcome::{DELAY_BINS, DELAY_EDGES_MINUTES, DelayBin, DelayReference, DelayShares, FlightOutcome};
pub use time::Schedule;
pub use weather::{Observation, Weather};

/// Upper bound on the length of a flight number as text.
pub const FLIGHT_NUM_BYTES_MAX: usize = 16;
/// Upper bound on a flight number: five digits; airlines use four.
pub const FLIGHT_NUM_MAX: u32 = 99_999;
/// Departure delays in minutes, from a day early to three days late. A delay beyond is that of another flight.
pub const DEP_DELAY_MINUTES: RangeInclusive<f64> = -1440.0..=4320.0;
/// Upper bound on a distance in statute miles: half the circumference of the Earth.
pub const DISTANCE_MILES_MAX: f64 = 12_450.0;
/// Years of departure: BTS publishes from 1987 on.
pub const YEARS: RangeInclusive<i32> = 1987..=2199;
