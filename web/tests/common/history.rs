//! Histories of some flights.

use delaycast::{
    explore::{Index, Preparation, Source},
    flight::Code,
    history::{Flight, FlightStatus, parquet::write_flights},
};
use delaycast_web::{Config, routes};
use engine::runtime::Stop;

use super::{doubles, site::TestSite};

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

/// Thirty flights of American from Atlanta to San Francisco in January 2013, each a day and 10 minutes later than the
/// one before; one back by JetBlue that was cancelled; two legs of Delta on a day; one of an airline and an aircraft
/// with markup in their codes.
fn flights() -> Vec<Flight> {
    let flight = |day: u32, carrier: &str, number: u32, route: [&str; 2]| {
        let date = chrono::NaiveDate::from_ymd_opt(2013, 1, day).unwrap();
        Flight {
            flight_num: Some(number),
            tail_num: Some(code("N14228")),
            crs_dep_min: Some(1065),
            crs_arr_min: Some(1200),
            dep_delay: Some(3.0),
            arr_delay: Some(10.0 * day as f32 - 30.0),
            air_time_min: Some(270.0),
            distance: Some(2139.0),
            ..Flight::unknown(date, code(carrier), code(route[0]), code(route[1]))
        }
    };
    let mut flights: Vec<Flight> = (1..=30).map(|day| flight(day, "AA", 1, ["ATL", "SFO"])).collect();
    let cancelled = FlightStatus::Cancelled;
    flights.push(Flight { status: cancelled, arr_delay: None, tail_num: None, ..flight(2, "B6", 9, ["SFO", "ATL"]) });
    flights.push(flight(3, "DL", 7, ["ATL", "JFK"]));
    flights.push(Flight { crs_dep_min: Some(1300), ..flight(3, "DL", 7, ["JFK", "BOS"]) });
    flights.push(Flight { tail_num: Some(code("N<B>1")), ..flight(4, "PA <1>", 5, ["ATL", "SFO"]) });
    flights
}

/// The index over that history.
pub(crate) fn prepared() -> Preparation {
    preparation_of(&flights())
}

fn preparation_of(flights: &[Flight]) -> Preparation {
    let folder = tempfile::tempdir().unwrap();
    let (history, file) = (folder.path().join("flights.parquet"), folder.path().join("history.db"));
    write_flights(&history, flights).unwrap();
    let index = Index::open_or_build(&Source::Path(history), &file, &Stop::default(), &|_| {}).unwrap();
    // Further connections open the file: it stays until the test's process ends.
    std::mem::forget(folder);
    Preparation::ready(index)
}

/// Delta 7 flies from Atlanta to San Francisco each day, and JetBlue 9 from La Guardia to Atlanta and on to Boston.
pub(crate) fn site_with_history() -> TestSite {
    site_with_history_and(Config::default())
}

/// The same with a configuration.
pub(crate) fn site_with_history_and(config: Config) -> TestSite {
    let flight = |day: u32, carrier: &str, number: u32, [origin, dest]: [&str; 2], dep: u16, arr: u16| Flight {
        flight_num: Some(number),
        crs_dep_min: Some(dep),
        crs_arr_min: Some(arr),
        dep_delay: Some(0.0),
        arr_delay: Some(0.0),
        distance: Some(700.0),
        ..Flight::unknown(
            chrono::NaiveDate::from_ymd_opt(2026, 6, day).unwrap(),
            code(carrier),
            code(origin),
            code(dest),
        )
    };
    let of_day = |day| {
        [
            flight(day, "DL", 7, ["ATL", "SFO"], 14 * 60 + 30, 16 * 60 + 50),
            flight(day, "B6", 9, ["LGA", "ATL"], 8 * 60, 10 * 60 + 20),
            flight(day, "B6", 9, ["ATL", "BOS"], 11 * 60, 13 * 60 + 40),
        ]
    };
    let flights: Vec<Flight> = (1..=28).flat_map(of_day).collect();
    let mut doubles = doubles(config);
    doubles.parts.history = preparation_of(&flights);
    let routes = routes(doubles.parts.clone()).unwrap();
    TestSite { doubles, routes }
}
