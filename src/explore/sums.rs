//! The dictionaries and sums of an index, collected flight by flight.

use std::{collections::BTreeMap, hash::Hash};

use chrono::Datelike;
use foldhash::HashMap;

use super::figures::Figures;
use crate::{flight::Code, history::Flight};

/// A service: the flights of an airline on a route.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) id: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) figures: Figures,
}

/// An aircraft: all flights of a tail number.
#[derive(Debug)]
pub(super) struct TailFigures {
    pub(super) id: i64,
    pub(super) figures: Figures,
}

/// All sums of a history.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// By airline, origin and destination.
    pub(super) services: HashMap<(Code, Code, Code), Service>,
    /// By tail number.
    pub(super) aircraft: HashMap<Code, TailFigures>,
    /// The flights of each aircraft for each airline, by the aircraft's number.
    pub(super) fleet: HashMap<(Code, i64), u64>,
    /// By airline, year and month.
    pub(super) months: HashMap<(Code, i32, u32), Figures>,
    /// By airline, origin and hour of the scheduled departure.
    pub(super) hours: HashMap<(Code, Code, u16), Figures>,
    /// The first and the last flight of each day, by the days since 1970.
    pub(super) days: BTreeMap<i32, (i64, i64)>,
}

impl Sums {
    /// Adds the flight with this id. Ids grow. Returns the numbers of its service and of its aircraft.
    pub(super) fn add(&mut self, id: i64, flight: &Flight) -> (i64, Option<i64>) {
        let next = next_number(&self.services);
        let service = self.services.entry((flight.carrier, flight.origin, flight.dest)).or_insert_with(|| Service {
            id: next,
            first: id,
            last: id,
            figures: Figures::default(),
        });
        service.last = id;
        service.figures.add(flight);
        let service = service.id;
        let aircraft = flight.tail_num.map(|tail| {
            let next = next_number(&self.aircraft);
            let aircraft =
                self.aircraft.entry(tail).or_insert_with(|| TailFigures { id: next, figures: Figures::default() });
            aircraft.figures.add(flight);
            aircraft.id
        });
        if let Some(aircraft) = aircraft {
            *self.fleet.entry((flight.carrier, aircraft)).or_default() += 1;
        }
        self.months.entry((flight.carrier, flight.date.year(), flight.date.month())).or_default().add(flight);
        if let Some(minute) = flight.crs_dep_min {
            self.hours.entry((flight.carrier, flight.origin, minute / 60)).or_default().add(flight);
        }
        let day = self.days.entry(flight.date.to_epoch_days()).or_insert((id, id));
        day.1 = id;
        (service, aircraft)
    }
}

fn next_number<K: Eq + Hash, V>(numbered: &HashMap<K, V>) -> i64 {
    // A history has fewer than 2^63 flights.
    i64::try_from(numbered.len()).unwrap_or(i64::MAX)
}
