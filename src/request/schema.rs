//! The fields of a request, listed once.
//!
//! A new field takes a row of the table and a member of [`Request`] here, and its lines in `wire.rs`: how it is read,
//! checked and written. The decoder, the kinds of dead letters, the page's form and the command line take the fields
//! from this table.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use engine::request::RequestId;

use crate::{
    flight::{Code, Schedule, Weather},
    live::Known,
    wire::fields,
};

/// Upper bound on the length of a message, in bytes. A longer one is a dead letter.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

fields! {
    /// A field of a request on the wire.
    pub enum Field, observed in Weather;
    /// The id of the request, which is also the `_id` of its answer; required.
    Uuid = "UUID",
    /// Airline; required.
    Carrier = "Carrier",
    /// Airport of departure; required.
    Origin = "Origin",
    /// Airport of arrival; required.
    Dest = "Dest",
    /// Local date of departure; required. The calendar fields of the wire are derived from it and not read.
    FlightDate = "FlightDate",
    /// Departure delay in minutes.
    DepDelay = "DepDelay",
    /// Distance in miles.
    Distance = "Distance",
    /// Flight number.
    FlightNum = "FlightNum",
    /// Scheduled departure, `hhmm`.
    CrsDepTime = "CRSDepTime",
    /// Scheduled arrival, `hhmm`.
    CrsArrTime = "CRSArrTime",
    /// An object of observations, named as [`crate::flight::Observation`] names them.
    Weather = "Weather",
    /// Time of the request by the client's clock, without a zone. No value of it is invalid today.
    Timestamp = "Timestamp",
    /// Moment as of which the request is asked, with a zone.
    AsOf = "AsOf",
    /// True if the answer is to be followed.
    Follow = "Follow",
}

/// A request for the delay of a flight.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The id of the request and of its answer.
    pub id: RequestId,
    /// Airline.
    pub carrier: Code,
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// Local date of departure.
    pub date: NaiveDate,
    /// Departure delay in minutes, negative when early; absent before departure.
    pub dep_delay: Option<f64>,
    /// Distance in miles, if the client knows it.
    pub distance: Option<f64>,
    /// Flight number, if the client knows it.
    pub flight_num: Option<String>,
    /// Schedule, if the client knows it; else it is looked up by the flight number.
    pub schedule: Option<Schedule>,
    /// The weather at the origin in the hour of the scheduled departure, observed or forecast, as far as the client
    /// knows it.
    pub weather: Option<Weather>,
    /// Time of the request by the client's clock; the wire carries no zone.
    pub asked_at: Option<NaiveDateTime>,
    /// The moment as of which the request is asked; absent: that at which it is read.
    pub as_of: Option<DateTime<Utc>>,
    /// True if versions of the answer are wanted while what is known changes.
    pub follow: bool,
    /// The knowledge that the scorer has given it, which is not on the wire.
    pub known: Option<Box<Known>>,
}

impl Request {
    /// A request with its required fields alone.
    pub fn new(id: RequestId, carrier: Code, origin: Code, dest: Code, date: NaiveDate) -> Self {
        Request {
            id,
            carrier,
            origin,
            dest,
            date,
            dep_delay: None,
            distance: None,
            flight_num: None,
            schedule: None,
            weather: None,
            asked_at: None,
            as_of: None,
            follow: false,
            known: None,
        }
    }

    /// Removes the value of an optional field; returns whether the field is optional.
    pub fn clear(&mut self, field: Field) -> bool {
        match field {
            Field::Uuid | Field::Carrier | Field::Origin | Field::Dest | Field::FlightDate => return false,
            Field::DepDelay => self.dep_delay = None,
            Field::Distance => self.distance = None,
            Field::FlightNum => self.flight_num = None,
            Field::CrsDepTime | Field::CrsArrTime => self.schedule = None,
            Field::Weather => self.weather = None,
            Field::Timestamp => self.asked_at = None,
            Field::AsOf => self.as_of = None,
            Field::Follow => self.follow = false,
        }
        true
    }
}
