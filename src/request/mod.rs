//! A request: how late will this flight be?
//!
//! [`decode()`] reads the JSON of the wire contract, [`encode()`] writes it; both sides of the log go through here,
//! so that the page refuses what the scorer would refuse, for the same reason.

mod damaged;
mod decode;
mod encode;
mod find_id;
mod foreign;
mod iso;
mod json;
mod limits;
mod non_finite;
mod object;

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime};

pub use decode::{Malformed, MalformedKind, decode, parse_flight_date};
pub use encode::encode;
pub use limits::{
    DEP_DELAY_MIN, DISTANCE_MILES_MAX, FLIGHT_NUM_BYTES_MAX, MESSAGE_BYTES_MAX, REQUEST_ID_BYTES_MAX, YEARS,
};

use crate::{code::Code, features::Schedule, weather::Weather};

/// The `UUID` of a request, which is also the `_id` of its answer: 1–128 bytes, taken as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// A new random identity (UUID version 4).
    pub fn random() -> Self {
        RequestId(uuid::Uuid::new_v4().to_string())
    }

    /// Takes a text as an identity, if it is 1–128 bytes long.
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.is_empty() || text.len() > REQUEST_ID_BYTES_MAX {
            return Err(Invalid::new("UUID", format!("must have 1 to {REQUEST_ID_BYTES_MAX} bytes")));
        }
        Ok(RequestId(text))
    }

    /// The identity as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Identifies the request and its answer.
    pub id: RequestId,
    /// The airline.
    pub carrier: Code,
    /// Where the flight starts.
    pub origin: Code,
    /// Where it lands.
    pub dest: Code,
    /// The local day of departure.
    pub date: NaiveDate,
    /// Minutes behind the schedule at departure, negative when early; absent before departure.
    pub dep_delay: Option<f64>,
    /// Miles, if the asker knew them.
    pub distance: Option<f64>,
    /// The flight's number, if given.
    pub flight_num: Option<String>,
    /// When it is to leave and to arrive, if the asker knows; else it is looked up by the flight's number.
    pub schedule: Option<Schedule>,
    /// The weather where it starts in the hour in which it is to leave, observed or forecast, as far as the asker knows it.
    pub weather: Option<Weather>,
    /// When it was asked, as the asker's clock had it; the wire carries no zone.
    pub asked_at: Option<NaiveDateTime>,
}

/// A field whose value cannot be used, and why. `Display` names the field first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field, as the wire names it.
    pub field: &'static str,
    /// What is wrong with its value, and what would be right.
    pub reason: String,
}

impl Invalid {
    /// Says that `field` cannot be used because of `reason`.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Invalid { field, reason: reason.into() }
    }
}

impl Request {
    /// Holds the request against every limit that needs no table: the rule for the page, the scorer and `predict` alike.
    pub fn check(&self) -> Result<(), Invalid> {
        limits::check(self)
    }
}

#[cfg(test)]
mod tests;
