//! The routes over a small history.

use delaycast::{
    explore::{Index, Preparation, Source},
    flight::Code,
    history::{Flight, parquet::write_flights},
};
use delaycast_web::{Config, routes};
use engine::runtime::Stop;

use super::{doubles, site::TestSite};

fn code(text: &str) -> Code {
    text.parse().unwrap()
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
    let folder = tempfile::tempdir().unwrap();
    let (history, file) = (folder.path().join("flights.parquet"), folder.path().join("history.db"));
    write_flights(&history, &flights).unwrap();
    let index = Index::open_or_build(&Source::Path(history), &file, &Stop::default(), &|_| {}).unwrap();
    let mut doubles = doubles(config);
    doubles.parts.history = Preparation::ready(index);
    let routes = routes(doubles.parts.clone()).unwrap();
    TestSite { doubles, routes }
}
