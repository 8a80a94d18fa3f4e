//! Tests of the index: its file, and its queries beside a scan of all flights.

mod file;
mod queries;
mod schedules;

use std::path::Path;

use chrono::{Days, NaiveDate};
use engine::runtime::Stop;
use proptest::{option, prelude::*};
use tempfile::TempDir;

use super::{ExploreError, Index, Source};
use crate::{
    flight::Code,
    history::{Flight, FlightStatus, parquet::write_flights},
};

pub(super) fn code(text: &str) -> Code {
    text.parse().unwrap()
}

pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An index over some flights, and its folder, which lives as long as it.
pub(super) struct Indexed {
    pub(super) index: Index,
    pub(super) folder: TempDir,
}

pub(super) fn build(source: &Source, file: &Path) -> Result<Index, ExploreError> {
    Index::open_or_build(source, file, &Stop::default(), &|_| {})
}

pub(super) fn indexed(flights: &[Flight]) -> Indexed {
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("flights.parquet");
    write_flights(&history, flights).unwrap();
    let index = build(&Source::Path(history), &folder.path().join("history.db")).unwrap();
    Indexed { index, folder }
}

/// A flight of Tuesday, 1 January 2013, or so many days later.
pub(super) fn flight(days: u64, carrier: &str, number: u32, route: [&str; 2], dep: u16, delay: f32) -> Flight {
    let [origin, dest] = route.map(code);
    Flight {
        flight_num: Some(number),
        tail_num: Some(code("N1")),
        crs_dep_min: Some(dep),
        crs_arr_min: Some((dep + 90) % 1440),
        dep_delay: Some(delay),
        arr_delay: Some(delay),
        ..Flight::unknown(date("2013-01-01") + Days::new(days), code(carrier), origin, dest)
    }
}

/// Flights with few different values, so that many of them share some.
pub(super) fn flights() -> impl Strategy<Value = Vec<Flight>> {
    let name = |names: &'static [&'static str]| prop::sample::select(names).prop_map(code);
    let airport = || name(&["ATL", "JFK", "SFO"]);
    let numbers = (option::weighted(0.9, 1u32..6), option::weighted(0.9, name(&["N1", "N2", "N3"])));
    let times = (option::weighted(0.9, 0u16..1440), option::weighted(0.9, 0u16..1440), prop::bool::ANY);
    let delays = (
        -60i16..200,
        prop::sample::select(&[FlightStatus::Flown, FlightStatus::Cancelled, FlightStatus::Diverted][..]),
    );
    let one = (0u64..40, name(&["AA", "B6"]), airport(), airport(), numbers, times, delays);
    let one =
        one.prop_map(|(days, carrier, origin, dest, (flight_num, tail_num), (dep, arr, measured), (delay, status))| {
            let delay = f32::from(delay);
            let arrived = status == FlightStatus::Flown;
            Flight {
                flight_num,
                tail_num,
                crs_dep_min: dep,
                crs_arr_min: arr,
                crs_elapsed_min: measured.then_some(90.0),
                dep_delay: (status != FlightStatus::Cancelled).then_some(delay),
                arr_delay: arrived.then_some(delay + 2.5),
                air_time_min: measured.then_some(61.0),
                distance: measured.then_some(762.0),
                status,
                ..Flight::unknown(date("2013-01-01") + Days::new(days), carrier, origin, dest)
            }
        });
    prop::collection::vec(one, 1..120)
}

/// The flights of a history, as it reads them, in the order of an index.
pub(super) fn in_order(flights: Vec<Flight>) -> Vec<Flight> {
    let history = crate::history::History::new(flights, Vec::new());
    let mut flights: Vec<Flight> = history.all().cloned().collect();
    flights.sort_by(|a, b| {
        let key = |flight: &Flight| (flight.date, flight.crs_dep_min, flight.carrier, flight.flight_num);
        key(a).cmp(&key(b)).then_with(|| a.cmp_all(b))
    });
    flights
}
