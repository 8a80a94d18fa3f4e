//! The inputs of one prediction: those of a request, or of a past flight.

use chrono::NaiveDate;

use super::inputs::KnownInputs;
use crate::{
    flight::{Code, DelayClass, FLIGHT_NUM_MAX, FlightOutcome, Schedule, Weather, time::MINUTES_PER_DAY},
    history::{Flight, FlightStatus, WeatherTable},
    live::{Minutes, Moment, Past, Pasts, Snapshot},
    request::Request,
};

/// The inputs from which one row is encoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// Local date of departure.
    pub date: NaiveDate,
    /// Airline.
    pub carrier: Code,
    /// Airport of departure.
    pub origin: Code,
    /// Airport of arrival.
    pub dest: Code,
    /// Departure delay in minutes; absent before departure.
    pub dep_delay: Option<f32>,
    /// Distance in miles, if known.
    pub distance: Option<f32>,
    /// Flight number.
    pub flight_num: Option<u32>,
    /// Scheduled departure and arrival.
    pub schedule: Option<Schedule>,
    /// The weather at the origin in the hour of the scheduled departure.
    pub weather: Option<&'a Weather>,
    /// The knowledge from events.
    pub live: Option<&'a Snapshot>,
}

impl<'a> Query<'a> {
    /// A query with its required inputs alone.
    pub fn new(date: NaiveDate, carrier: Code, origin: Code, dest: Code) -> Self {
        Query {
            date,
            carrier,
            origin,
            dest,
            dep_delay: None,
            distance: None,
            flight_num: None,
            schedule: None,
            weather: None,
            live: None,
        }
    }

    /// The moment at which it is asked; `None` without events.
    pub fn moment(&self) -> Option<Moment> {
        let live = self.live?;
        Some(Moment::of(self.dep_delay.is_none().then_some(live.departs - live.now)))
    }

    /// Returns the query without the inputs that `inputs` lacks.
    pub fn restricted_to(&self, inputs: KnownInputs) -> Self {
        Query {
            dep_delay: self.dep_delay.filter(|_| inputs.dep_delay),
            flight_num: self.flight_num.filter(|_| inputs.schedule),
            schedule: self.schedule.filter(|_| inputs.schedule),
            weather: self.weather.filter(|_| inputs.weather),
            live: self.live.filter(|_| inputs.moment.is_some()),
            ..*self
        }
    }
}

impl<'a> From<&'a Request> for Query<'a> {
    fn from(request: &'a Request) -> Self {
        let known = request.known.as_deref();
        let dep_delay = request.dep_delay.map(|minutes| minutes as f32);
        // A guess of a departure to come is nothing that goes with events.
        let snapshot = known.and_then(|known| known.snapshot.as_ref());
        let live = snapshot.filter(|live| dep_delay.is_none_or(|delay| live.departs + delay as Minutes <= live.now));
        Query {
            dep_delay: dep_delay.or_else(|| known?.context.own.dep_delay.map(f32::from)),
            distance: request.distance.map(|miles| miles as f32),
            flight_num: request.flight_num.as_deref().and_then(|text| parse_flight_num(text, request.carrier)),
            schedule: request.schedule.or_else(|| known?.schedule),
            weather: request.weather.as_ref().filter(|weather| weather.is_observed()),
            live,
            ..Query::new(request.date, request.carrier, request.origin, request.dest)
        }
    }
}

/// Reads a flight number as people write it: `1234`, or with the airline's code `B61234`, `B6 1234`.
fn parse_flight_num(text: &str, carrier: Code) -> Option<u32> {
    let digits = text.trim().strip_prefix(carrier.as_str()).unwrap_or(text).trim();
    digits.parse().ok().filter(|&number| number <= FLIGHT_NUM_MAX)
}

/// Number of flights that are converted before memory is returned.
const CHUNK_FLIGHTS: usize = 1 << 18;

/// A flown flight with both delays: an example to train on or to evaluate with.
///
/// 64 bytes, because there are millions. 8 of them are the reference to the weather, which many flights of an hour
/// share and which stays in the table of their history, and 8 the reference to what events said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingFlight<'a> {
    weather: Option<&'a Weather>,
    past: Option<&'a Past>,
    carrier: Code,
    origin: Code,
    dest: Code,
    date: NaiveDate,
    /// Miles; 0 if unknown.
    distance: f32,
    /// [`UNKNOWN_FLIGHT_NUM`] if unknown.
    flight_num: u32,
    /// [`UNKNOWN_SCHEDULE`] if unknown.
    schedule: Schedule,
    /// Departure delay in minutes.
    pub dep_delay: f32,
    /// Arrival delay in minutes.
    pub arr_delay: f32,
}

const UNKNOWN_FLIGHT_NUM: u32 = u32::MAX;
const UNKNOWN_SCHEDULE: Schedule = Schedule { dep_min: MINUTES_PER_DAY, arr_min: MINUTES_PER_DAY };

impl<'a> TrainingFlight<'a> {
    /// Makes an example of a query and its outcome. A distance that is not positive and finite counts as unknown.
    pub fn new(query: &Query<'a>, dep_delay: f32, arr_delay: f32) -> Self {
        let &Query { date, carrier, origin, dest, distance, flight_num, schedule, weather, dep_delay: _, live: _ } =
            query;
        TrainingFlight {
            weather,
            past: None,
            carrier,
            origin,
            dest,
            date,
            distance: distance.filter(|miles| miles.is_finite() && *miles > 0.0).unwrap_or(0.0),
            flight_num: flight_num.unwrap_or(UNKNOWN_FLIGHT_NUM),
            schedule: schedule.unwrap_or(UNKNOWN_SCHEDULE),
            dep_delay,
            arr_delay,
        }
    }

    /// Makes an example of a past flight, with its weather if the table has it. `None` if the flight was not flown or
    /// lacks a finite delay.
    pub fn of(flight: &Flight, weather: &'a WeatherTable, past: Option<&'a Past>) -> Option<Self> {
        let finite = |minutes: &f32| minutes.is_finite();
        let dep_delay = flight.dep_delay.filter(finite)?;
        let arr_delay = flight.arr_delay.filter(finite)?;
        let example = TrainingFlight { dep_delay, arr_delay, ..Self::asked(flight, weather, past) };
        (flight.status == FlightStatus::Flown).then_some(example)
    }

    /// Makes an example of what was asked about a past flight, without delays.
    pub(super) fn asked(flight: &Flight, weather: &'a WeatherTable, past: Option<&'a Past>) -> Self {
        let schedule = flight.crs_dep_min.zip(flight.crs_arr_min);
        let query = Query {
            distance: flight.distance,
            flight_num: flight.flight_num,
            schedule: schedule.map(|(dep_min, arr_min)| Schedule { dep_min, arr_min }),
            weather: weather.at_departure(flight),
            ..Query::new(flight.date, flight.carrier, flight.origin, flight.dest)
        };
        TrainingFlight { past, ..TrainingFlight::new(&query, 0.0, 0.0) }
    }

    /// Makes examples of a history's flights, in their order. The flights' memory is returned in chunks, so that a year
    /// of flights and its examples are never in memory together.
    pub fn all_of(mut flights: Vec<Flight>, weather: &'a WeatherTable, pasts: &'a Pasts) -> Vec<Self> {
        let mut all = Vec::new();
        while !flights.is_empty() {
            let rest = flights.len().saturating_sub(CHUNK_FLIGHTS);
            let last = flights.drain(rest..).enumerate().rev();
            all.extend(last.filter_map(|(at, flight)| Self::of(&flight, weather, pasts.of_flight(rest + at))));
            flights.shrink_to_fit();
        }
        // The flights were drained from the end.
        all.reverse();
        all
    }

    /// The outcome, as a forest counts it.
    pub fn outcome(&self) -> FlightOutcome {
        FlightOutcome::arrived(self.arr_delay, self.dep_delay)
    }

    /// The class of the arrival delay.
    pub fn class(&self) -> DelayClass {
        DelayClass::of_delay(self.arr_delay)
    }

    /// The knowledge of the flight at moments of the past.
    pub fn past(&self) -> Option<&'a Past> {
        self.past
    }

    /// The knowledge of it at a moment, if it was looked at then.
    pub fn live(&self, moment: Moment) -> Option<&'a Snapshot> {
        self.past?.at(moment)
    }

    /// The query for this flight with these inputs, and with what was known at their moment.
    pub fn query_given(&self, inputs: KnownInputs) -> Query<'a> {
        Query { live: inputs.moment.and_then(|moment| self.live(moment)), ..self.query() }.restricted_to(inputs)
    }

    /// The query for this flight without events, its departure delay included.
    pub fn query(&self) -> Query<'a> {
        Query {
            dep_delay: Some(self.dep_delay),
            distance: Some(self.distance).filter(|miles| *miles > 0.0),
            flight_num: Some(self.flight_num).filter(|number| *number != UNKNOWN_FLIGHT_NUM),
            schedule: Some(self.schedule).filter(|schedule| *schedule != UNKNOWN_SCHEDULE),
            weather: self.weather,
            ..Query::new(self.date, self.carrier, self.origin, self.dest)
        }
    }

    /// Changes the query; the delays stay.
    pub fn change(&mut self, change: impl FnOnce(&mut Query<'a>)) {
        let mut query = self.query();
        change(&mut query);
        *self = TrainingFlight { past: self.past, ..TrainingFlight::new(&query, self.dep_delay, self.arr_delay) };
    }
}
