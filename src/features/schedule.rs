//! The schedule of a flight, and schedules looked up by flight number.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Query, TrainingFlight,
    group::{Key, Table},
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

/// The latest schedule that each flight number had on each route in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedules(Table<Schedule>);

fn key(query: &Query) -> Option<Key> {
    Some((query.carrier, Some(query.origin), Some(query.dest), Some(query.flight_num?)))
}

impl Schedules {
    /// A number that flew a route on fewer days is not taken for a schedule.
    pub const FLIGHTS_MIN: u32 = 3;

    /// Collects the schedules of flights.
    pub fn fit(flights: &[TrainingFlight]) -> Self {
        let mut latest: BTreeMap<Key, (u32, NaiveDate, Schedule)> = BTreeMap::new();
        for TrainingFlight { query, .. } in flights {
            let Some((key, schedule)) = key(query).zip(query.schedule) else { continue };
            let seen = latest.entry(key).or_insert((0, query.date, schedule));
            seen.0 += 1;
            if query.date >= seen.1 {
                (seen.1, seen.2) = (query.date, schedule);
            }
        }
        let known = latest.into_iter().filter(|(_, (count, ..))| *count >= Self::FLIGHTS_MIN);
        Schedules(Table::new(known.map(|(key, (.., schedule))| (key, schedule)).collect()))
    }

    /// The schedule of a query: what it says itself, else what its flight number had.
    pub fn of(&self, query: &Query) -> Option<Schedule> {
        query.schedule.or_else(|| self.0.get(&key(query)?))
    }

    /// How many flight numbers it knows, each on each of its routes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it knows none: then the flights came without schedules, or without numbers.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn is_sound(&self) -> bool {
        self.0.is_sound(Schedule::is_sound)
    }
}
