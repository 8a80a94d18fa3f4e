//! A history in memory, and reading it from disk.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    error::HistoryError,
    flight::{Flight, FlightStatus},
    parquet::{read_flights, read_routes, read_weather},
    weather::WeatherTable,
};
use crate::airports::Route;

/// The flown flights in the directory of a history.
pub const FLIGHTS_FILE: &str = "flights.parquet";
/// The cancelled and diverted flights; may be missing.
pub const UNFLOWN_FILE: &str = "unflown.parquet";
/// The route table; may be missing.
pub const ROUTES_FILE: &str = "routes.parquet";
/// The weather at the airports; may be missing.
pub const WEATHER_FILE: &str = "weather.parquet";

/// A history. Flights that were not flown are kept apart, so that no training includes them by mistake.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The flown flights, in the order of [`Flight::cmp_all`]; each has an arrival delay.
    pub flights: Vec<Flight>,
    /// The cancelled and the diverted flights, in the same order.
    pub unflown: Vec<Flight>,
    /// The route table, if there is one, by origin and destination.
    pub routes: Vec<Route>,
    /// The weather at the airports; may be empty.
    pub weather: WeatherTable,
}

impl History {
    /// Sorts flights, removes duplicates that are equal in every field, and separates flown and unflown. Of two
    /// distances for a route the later one is kept. The weather is empty.
    pub fn new(mut flights: Vec<Flight>, routes: Vec<Route>) -> Self {
        flights.sort_unstable_by(Flight::cmp_all);
        flights.dedup();
        let unflown = flights.extract_if(.., |flight| flight.status != FlightStatus::Flown).collect();
        let routes: BTreeMap<_, _> = routes.into_iter().map(|route| ((route.origin, route.dest), route)).collect();
        History { flights, unflown, routes: routes.into_values().collect(), weather: WeatherTable::default() }
    }

    /// Replaces the weather.
    pub fn with_weather(self, weather: WeatherTable) -> Self {
        History { weather, ..self }
    }

    /// Iterates over all flights, flown or not.
    pub fn all(&self) -> impl Iterator<Item = &Flight> {
        self.flights.iter().chain(&self.unflown)
    }

    /// Returns the number of cancelled flights.
    pub fn cancelled(&self) -> usize {
        self.unflown.iter().filter(|flight| flight.status == FlightStatus::Cancelled).count()
    }

    /// Returns the number of diverted flights.
    pub fn diverted(&self) -> usize {
        self.unflown.len() - self.cancelled()
    }
}

/// Reads histories and merges them. Each path is a directory that `delaycast data import` wrote, or a Parquet file of
/// flights. Equal flights are kept once; of two distances for a route, or two weathers for an hour, that of the later
/// path is kept.
pub fn read(paths: &[PathBuf]) -> Result<History, HistoryError> {
    let (mut flights, mut routes, mut weather) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let file = path.join(FLIGHTS_FILE);
            if !file.exists() {
                return Err(HistoryError::NoHistory { directory: path.display().to_string(), file: FLIGHTS_FILE });
            }
            append(&mut flights, read_flights(&file)?);
            if let Some(unflown) = read_if_exists(&path.join(UNFLOWN_FILE), read_flights)? {
                flights.extend(unflown);
            }
            if let Some(table) = read_if_exists(&path.join(ROUTES_FILE), read_routes)? {
                routes.extend(table);
            }
            if let Some(hours) = read_if_exists(&path.join(WEATHER_FILE), read_weather)? {
                weather.extend(hours);
            }
        } else {
            append(&mut flights, read_flights(path)?);
        }
    }
    Ok(History::new(flights, routes).with_weather(WeatherTable::new(weather)))
}

/// Appends flights. The first ones are moved, not copied: there may be a year of them.
fn append(flights: &mut Vec<Flight>, more: Vec<Flight>) {
    if flights.is_empty() {
        *flights = more;
    } else {
        flights.extend(more);
    }
}

fn read_if_exists<T>(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, HistoryError>,
) -> Result<Option<T>, HistoryError> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flight::{Observation, Weather},
        history::{
            FlightStatus,
            parquet::{write_flights, write_weather},
        },
    };

    fn flight(origin: &str) -> Flight {
        let code = |text: &str| text.parse().unwrap();
        let date = "2013-01-01".parse().unwrap();
        Flight { arr_delay: Some(1.0), ..Flight::unknown(date, code("AA"), code(origin), code("SFO")) }
    }

    #[test]
    fn files_and_directories_are_merged_and_equal_flights_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        let cancelled = Flight { status: FlightStatus::Cancelled, arr_delay: None, ..flight("ATL") };
        write_flights(&directory.path().join(FLIGHTS_FILE), &[flight("ATL")]).unwrap();
        write_flights(&directory.path().join(UNFLOWN_FILE), std::slice::from_ref(&cancelled)).unwrap();
        let file = directory.path().join("more.parquet");
        write_flights(&file, &[flight("JFK"), flight("ATL"), flight("BOS")]).unwrap();

        let history = read(&[file, directory.path().to_owned()]).unwrap();
        assert_eq!(history.flights, [flight("ATL"), flight("BOS"), flight("JFK")]);
        assert_eq!((history.unflown, history.routes), (vec![cancelled], vec![]));
    }

    #[test]
    fn weather_is_read_with_the_flights_and_the_later_of_two_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let history = |name: &str, degrees: f32| {
            let directory = directory.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            write_flights(&directory.join(FLIGHTS_FILE), &[flight("ATL")]).unwrap();
            let hour = ("ATL".parse().unwrap(), "2013-01-01".parse().unwrap(), 7);
            let weather = Weather::UNOBSERVED.with(Observation::Temp, degrees);
            write_weather(&directory.join(WEATHER_FILE), &[(hour, weather)]).unwrap();
            directory
        };
        let paths = [history("first", 30.0), history("second", 60.0)];
        let temp = |paths: &[PathBuf]| read(paths).unwrap().weather.hours()[0].1.get(Observation::Temp);
        assert_eq!((temp(&paths), temp(&paths[..1])), (Some(60.0), Some(30.0)));
        // A file of flights has no weather, and a weather file of another schema is an error.
        assert!(read(&[paths[0].join(FLIGHTS_FILE)]).unwrap().weather.is_empty());
        let broken = paths[1].join(WEATHER_FILE);
        write_flights(&broken, &[flight("ATL")]).unwrap();
        let message = read(&paths).unwrap_err().to_string();
        assert!(message.contains("weather.parquet lacks origin, year, month, day, hour; it has Flight"), "{message}");
    }

    #[test]
    fn a_directory_without_a_history_and_a_missing_file_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let message = read(&[directory.path().to_owned()]).unwrap_err().to_string();
        assert!(message.contains("holds no flights.parquet; make one with `delaycast data import"), "{message}");
        let message = read(&[directory.path().join("none.parquet")]).unwrap_err().to_string();
        assert!(message.starts_with("cannot read ") && message.ends_with("none.parquet"), "{message}");
    }
}
