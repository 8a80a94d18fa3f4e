//! The schedule of a flight, and schedules looked up by flight number.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Group, Query, TrainingFlight,
    seen::{Places, Seen},
};

/// When a flight is to leave and to arrive, in minutes since local midnight, each below 1,440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Departure, by the clock of the airport of departure.
    pub dep_min: u16,
    /// Arrival, by the clock of the airport of arrival.
    pub arr_min: u16,
}

/// Minutes in a day.
pub(super) const DAY_MIN: u16 = 1440;

impl Schedule {
    /// From departure to arrival by the two clocks: the scheduled duration, plus the difference between the time zones. On
    /// a route that is the same for all flights, but for the weeks in which only one end has moved its clocks.
    pub fn between_clocks_min(self) -> f32 {
        f32::from((self.arr_min + DAY_MIN - self.dep_min) % DAY_MIN)
    }

    fn is_sound(self) -> bool {
        self.dep_min < DAY_MIN && self.arr_min < DAY_MIN
    }
}

/// The latest schedule that each flight number had on each route in training, by place in [`Group::FlightRoute`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedules(pub(super) Vec<Option<Schedule>>);

impl Schedules {
    /// A number that flew a route on fewer days is not taken for a schedule.
    pub const FLIGHTS_MIN: u32 = 3;

    /// Collects the schedules of flights.
    pub(super) fn fit(seen: &Seen, flights: &[TrainingFlight]) -> Self {
        let mut latest: Vec<(u32, NaiveDate, Option<Schedule>)> =
            vec![(0, NaiveDate::MIN, None); seen.len(Group::FlightRoute)];
        for flight in flights {
            let query = &flight.query();
            let Some(place) = seen.place(Group::FlightRoute, query, None).filter(|_| query.schedule.is_some()) else {
                continue;
            };
            let (count, date, schedule) = &mut latest[place];
            *count += 1;
            if query.date >= *date {
                (*date, *schedule) = (query.date, query.schedule);
            }
        }
        let known =
            |(count, _, schedule): (u32, NaiveDate, Option<Schedule>)| schedule.filter(|_| count >= Self::FLIGHTS_MIN);
        Schedules(latest.into_iter().map(known).collect())
    }

    /// The schedule of a query: what it says itself, else what its flight number had.
    pub(super) fn of(&self, query: &Query, places: &Places) -> Option<Schedule> {
        query.schedule.or_else(|| self.0[places.of(Group::FlightRoute)?])
    }

    /// How many flight numbers it knows, each on each of its routes.
    pub fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Whether it knows none: then the flights came without schedules, or without numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_sound(&self, seen: &Seen) -> bool {
        self.0.len() == seen.len(Group::FlightRoute) && self.0.iter().flatten().all(|schedule| schedule.is_sound())
    }
}
