//! Flights to train on, kept small: there are millions.

use chrono::NaiveDate;

use super::{Query, Schedule, schedule::DAY_MIN};
use crate::{
    classes::DelayClass,
    code::Code,
    history::{Flight, FlightStatus, WeatherTable},
    weather::Weather,
};

/// So many flights are taken before memory is given back.
const TAKEN_AT_ONCE: usize = 1 << 18;

/// A flown flight with both delays: what is trained on and evaluated with. 56 bytes, 8 of them for the weather: many flights share
/// an hour's weather, so they refer to it, and it stays in the table of their history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingFlight<'a> {
    weather: Option<&'a Weather>,
    carrier: Code,
    origin: Code,
    dest: Code,
    date: NaiveDate,
    /// Miles; 0 if nobody knows.
    distance: f32,
    /// [`UNKNOWN`] if nobody knows.
    flight_num: u32,
    /// Both the day's length if nobody knows.
    schedule: Schedule,
    /// Minutes behind the schedule at departure.
    pub dep_delay: f32,
    /// Minutes behind the schedule at arrival.
    pub arr_delay: f32,
}

const UNKNOWN: u32 = u32::MAX;
const UNSCHEDULED: Schedule = Schedule { dep_min: DAY_MIN, arr_min: DAY_MIN };

impl<'a> TrainingFlight<'a> {
    /// A flight that can be asked about, as it came about. A distance counts only if it is positive and finite.
    pub fn new(query: &Query<'a>, dep_delay: f32, arr_delay: f32) -> Self {
        let &Query { date, carrier, origin, dest, distance, flight_num, schedule, weather, dep_delay: _ } = query;
        TrainingFlight {
            weather,
            carrier,
            origin,
            dest,
            date,
            distance: distance.filter(|miles| miles.is_finite() && *miles > 0.0).unwrap_or(0.0),
            flight_num: flight_num.unwrap_or(UNKNOWN),
            schedule: schedule.unwrap_or(UNSCHEDULED),
            dep_delay,
            arr_delay,
        }
    }

    /// A flight of the history, if it was flown and both its delays are known and finite; with its weather, if the table has it.
    pub fn of(flight: &Flight, weather: &'a WeatherTable) -> Option<Self> {
        let finite = |minutes: &f32| minutes.is_finite();
        let dep_delay = flight.dep_delay.filter(finite)?;
        let arr_delay = flight.arr_delay.filter(finite)?;
        let schedule = flight.crs_dep_min.zip(flight.crs_arr_min);
        let query = Query {
            date: flight.date,
            carrier: flight.carrier,
            origin: flight.origin,
            dest: flight.dest,
            dep_delay: None,
            distance: flight.distance,
            flight_num: flight.flight_num,
            schedule: schedule.map(|(dep_min, arr_min)| Schedule { dep_min, arr_min }),
            weather: weather.at_departure(flight),
        };
        (flight.status == FlightStatus::Flown).then(|| TrainingFlight::new(&query, dep_delay, arr_delay))
    }

    /// Those of a history's flights that can be trained on, in their order. The flights are taken, and given back as they are used: a
    /// year of them need not be in memory together with what is made of them.
    pub fn all_of(mut flights: Vec<Flight>, weather: &'a WeatherTable) -> Vec<Self> {
        let mut all = Vec::new();
        while !flights.is_empty() {
            let rest = flights.len().saturating_sub(TAKEN_AT_ONCE);
            all.extend(flights.drain(rest..).rev().filter_map(|flight| Self::of(&flight, weather)));
            flights.shrink_to_fit();
        }
        // They were taken from the end.
        all.reverse();
        all
    }

    /// The class of its arrival delay.
    pub fn class(&self) -> DelayClass {
        DelayClass::of_delay(self.arr_delay)
    }

    /// The flight as it would have been asked about; its departure delay is known.
    pub fn query(&self) -> Query<'a> {
        Query {
            date: self.date,
            carrier: self.carrier,
            origin: self.origin,
            dest: self.dest,
            dep_delay: Some(self.dep_delay),
            distance: Some(self.distance).filter(|miles| *miles > 0.0),
            flight_num: Some(self.flight_num).filter(|number| *number != UNKNOWN),
            schedule: Some(self.schedule).filter(|schedule| *schedule != UNSCHEDULED),
            weather: self.weather,
        }
    }

    /// Changes what would have been asked; the delays stay.
    pub fn change(&mut self, change: impl FnOnce(&mut Query<'a>)) {
        let mut query = self.query();
        change(&mut query);
        *self = TrainingFlight::new(&query, self.dep_delay, self.arr_delay);
    }
}
