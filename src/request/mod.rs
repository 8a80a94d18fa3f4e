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

use chrono::{NaiveDate, NaiveDateTime};

pub use decode::{decode, parse_flight_date};
pub use encode::encode;
pub use engine::request::{Invalid, Malformed, MalformedKind, REQUEST_ID_BYTES_MAX, RequestId};
pub use limits::MESSAGE_BYTES_MAX;

use crate::flight::{Code, Schedule, Weather};

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

impl Request {
    /// Holds the request against every limit that needs no table: the rule for the page, the scorer and `predict` alike.
    pub fn check(&self) -> Result<(), Invalid> {
        limits::check(self)
    }
}

#[cfg(test)]
mod tests;
