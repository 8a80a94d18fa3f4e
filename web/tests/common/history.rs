//! A history of some flights.

use std::path::Path;

use delaycast::{
    explore::{Index, Preparation, Source},
    flight::Code,
    history::{Flight, FlightStatus, parquet::write_flights},
};
use engine::runtime::Stop;

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
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("flights.parquet");
    write_flights(&history, &flights()).unwrap();
    let index = index(&history, folder.path());
    // Further connections open the file: it stays until the test's process ends.
    std::mem::forget(folder);
    Preparation::ready(index)
}

fn index(history: &Path, folder: &Path) -> Index {
    Index::open_or_build(&Source::Path(history.to_owned()), &folder.join("history.db"), &Stop::default(), &|_| {})
        .unwrap()
}
