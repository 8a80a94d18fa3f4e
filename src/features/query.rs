//! What is asked about: a request, or a flight of the past.

use chrono::NaiveDate;

use super::{Given, Schedule};
use crate::{code::Code, history::FLIGHT_NUM_MAX, request::Request, weather::Weather};

/// What is known of a flight when it is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// The local day of departure.
    pub date: NaiveDate,
    /// The airline.
    pub carrier: Code,
    /// Where it starts.
    pub origin: Code,
    /// Where it lands.
    pub dest: Code,
    /// Minutes behind the schedule at departure; absent before.
    pub dep_delay: Option<f32>,
    /// Miles, if the asker knows them.
    pub distance: Option<f32>,
    /// The airline's number for the flight.
    pub flight_num: Option<u32>,
    /// When it is to leave and to arrive.
    pub schedule: Option<Schedule>,
    /// The weather where it starts, in the hour in which it is to leave.
    pub weather: Option<&'a Weather>,
}

impl Query<'_> {
    /// The same question without what is not given.
    pub fn with_only(&self, given: Given) -> Self {
        Query {
            dep_delay: self.dep_delay.filter(|_| given.dep_delay),
            flight_num: self.flight_num.filter(|_| given.schedule),
            schedule: self.schedule.filter(|_| given.schedule),
            weather: self.weather.filter(|_| given.weather),
            ..*self
        }
    }
}

impl<'a> From<&'a Request> for Query<'a> {
    fn from(request: &'a Request) -> Self {
        Query {
            date: request.date,
            carrier: request.carrier,
            origin: request.origin,
            dest: request.dest,
            dep_delay: request.dep_delay.map(|minutes| minutes as f32),
            distance: request.distance.map(|miles| miles as f32),
            flight_num: request.flight_num.as_deref().and_then(|text| number_of(text, request.carrier)),
            schedule: request.schedule,
            weather: request.weather.as_ref().filter(|weather| weather.is_observed()),
        }
    }
}

/// The number in what an asker calls a flight: `1234`, or `B61234`, `B6 1234` with the airline's code.
fn number_of(text: &str, carrier: Code) -> Option<u32> {
    let digits = text.trim().strip_prefix(carrier.as_str()).unwrap_or(text).trim();
    digits.parse().ok().filter(|&number| number <= FLIGHT_NUM_MAX)
}
