//! Reads histories from disk.

use std::path::{Path, PathBuf};

use super::{
    History, HistoryError, WeatherTable,
    parquet::{read_flights, read_routes, read_weather},
};

/// The flown flights of a history's directory.
pub const FLIGHTS_FILE: &str = "flights.parquet";
/// Its cancelled and diverted flights; may be missing.
pub const UNFLOWN_FILE: &str = "unflown.parquet";
/// Its route table; may be missing.
pub const ROUTES_FILE: &str = "routes.parquet";
/// The weather at its airports; may be missing.
pub const WEATHER_FILE: &str = "weather.parquet";

/// Reads histories as one. Each path is a directory as `delaycast data import` writes it, or a Parquet file of flights.
/// A flight that is there twice counts once; of two distances for a route, or two weathers for an hour, that of
/// the later path holds.
pub fn read(paths: &[PathBuf]) -> Result<History, HistoryError> {
    let (mut flights, mut routes, mut weather) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let file = path.join(FLIGHTS_FILE);
            if !file.exists() {
                return Err(HistoryError::NoHistory { directory: path.display().to_string() });
            }
            flights.extend(read_flights(&file)?);
            if let Some(unflown) = read_if_there(&path.join(UNFLOWN_FILE), read_flights)? {
                flights.extend(unflown);
            }
            if let Some(table) = read_if_there(&path.join(ROUTES_FILE), read_routes)? {
                routes.extend(table);
            }
            if let Some(hours) = read_if_there(&path.join(WEATHER_FILE), read_weather)? {
                weather.extend(hours);
            }
        } else {
            flights.extend(read_flights(path)?);
        }
    }
    Ok(History::new(flights, routes).with_weather(WeatherTable::new(weather)))
}

fn read_if_there<T>(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, HistoryError>,
) -> Result<Option<T>, HistoryError> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{
            Fate, Flight,
            parquet::{write_flights, write_weather},
        },
        weather::{Observation, Weather},
    };

    fn flight(origin: &str) -> Flight {
        let code = |text: &str| text.parse().unwrap();
        let date = "2013-01-01".parse().unwrap();
        Flight { arr_delay: Some(1.0), ..Flight::unknown(date, code("AA"), code(origin), code("SFO")) }
    }

    #[test]
    fn files_and_directories_are_read_as_one_and_a_flight_counts_once() {
        let directory = tempfile::tempdir().unwrap();
        let cancelled = Flight { fate: Fate::Cancelled, arr_delay: None, ..flight("ATL") };
        write_flights(&directory.path().join(FLIGHTS_FILE), &[flight("ATL")]).unwrap();
        write_flights(&directory.path().join(UNFLOWN_FILE), std::slice::from_ref(&cancelled)).unwrap();
        let file = directory.path().join("more.parquet");
        write_flights(&file, &[flight("JFK"), flight("ATL"), flight("BOS")]).unwrap();

        let history = read(&[file, directory.path().to_owned()]).unwrap();
        assert_eq!(history.flights, [flight("ATL"), flight("BOS"), flight("JFK")]);
        assert_eq!((history.unflown, history.routes), (vec![cancelled], vec![]));
    }

    #[test]
    fn the_weather_beside_the_flights_is_read_and_of_two_the_later_holds() {
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
        // Flights alone have none, and what stands there and is no weather is named.
        assert!(read(&[paths[0].join(FLIGHTS_FILE)]).unwrap().weather.is_empty());
        let broken = paths[1].join(WEATHER_FILE);
        write_flights(&broken, &[flight("ATL")]).unwrap();
        let message = read(&paths).unwrap_err().to_string();
        assert!(message.contains("weather.parquet lacks origin, year, month, day, hour; it has Flight"), "{message}");
    }

    #[test]
    fn a_directory_without_a_history_says_how_to_make_one_and_a_missing_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let message = read(&[directory.path().to_owned()]).unwrap_err().to_string();
        assert!(message.contains("holds no flights.parquet; make one with `delaycast data import"), "{message}");
        let message = read(&[directory.path().join("none.parquet")]).unwrap_err().to_string();
        assert!(message.starts_with("cannot read ") && message.ends_with("none.parquet"), "{message}");
    }
}
