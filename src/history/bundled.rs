//! The data of the project's `data/` folder, compiled in. Source, licence and columns: `data/README.md`.

use std::collections::BTreeMap;

use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use bytes::Bytes;

use super::{
    History, HistoryError, WeatherTable,
    parquet::{Required, Table, read_flights_from, read_weather_from},
};
use crate::{atlas::Airport, code::Code};

const FLIGHTS: &[u8] = include_bytes!("../../data/flights.parquet");
const WEATHER: &[u8] = include_bytes!("../../data/weather.parquet");
const AIRPORTS: &[u8] = include_bytes!("../../data/airports.parquet");
const AIRLINES: &[u8] = include_bytes!("../../data/airlines.parquet");

/// The 336,776 flights that left New York's airports in 2013 or were meant to, 327,346 of them flown, and the weather
/// there. No route table.
pub fn bundled() -> Result<History, HistoryError> {
    let flights = read_flights_from("the bundled flights", Bytes::from_static(FLIGHTS))?;
    let weather = read_weather_from("the bundled weather", Bytes::from_static(WEATHER))?;
    Ok(History::new(flights, Vec::new()).with_weather(WeatherTable::new(weather)))
}

/// The bundled airports: the United States', by code.
pub(super) fn airports() -> Result<BTreeMap<Code, Airport>, HistoryError> {
    let table = Table::new("the bundled airports".to_owned(), Bytes::from_static(AIRPORTS))?;
    let (codes, names) = (texts(&table, "faa")?, texts(&table, "name")?);
    let (latitudes, longitudes) = (numbers(&table, "lat")?, numbers(&table, "lon")?);
    let places = latitudes.into_iter().zip(longitudes);
    let airports =
        codes.iter().zip(names).zip(places).enumerate().map(|(row, ((code, name), (latitude, longitude)))| {
            let code = code.parse().map_err(|error| table.value("faa", row, format!("{error}")))?;
            Ok((code, Airport { name, latitude, longitude }))
        });
    airports.collect()
}

/// The bundled airlines' names, by code.
pub(super) fn airlines() -> Result<BTreeMap<Code, String>, HistoryError> {
    let table = Table::new("the bundled airlines".to_owned(), Bytes::from_static(AIRLINES))?;
    let (codes, names) = (texts(&table, "carrier")?, texts(&table, "name")?);
    let airlines = codes.iter().zip(names).enumerate().map(|(row, (code, name))| {
        let code = code.parse().map_err(|error| table.value("carrier", row, format!("{error}")))?;
        Ok((code, name))
    });
    airlines.collect()
}

fn texts(table: &Table, column: &'static str) -> Result<Vec<String>, HistoryError> {
    let mut texts = Vec::new();
    table.each::<ByteArrayType>(column, Required::Yes, |_, bytes: &ByteArray| {
        texts.push(bytes.as_utf8().map_err(|error| error.to_string())?.to_owned());
        Ok(())
    })?;
    Ok(texts)
}

fn numbers(table: &Table, column: &'static str) -> Result<Vec<f64>, HistoryError> {
    let mut numbers = Vec::new();
    table.each::<DoubleType>(column, Required::Yes, |_, number| {
        numbers.push(*number);
        Ok(())
    })?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Fate;

    #[test]
    fn the_bundled_data_are_those_that_the_readme_describes() {
        let history = bundled().unwrap();
        assert_eq!((history.flights.len(), history.cancelled(), history.diverted()), (327_346, 8_255, 1_175));
        assert!(history.flights.iter().all(|flight| flight.fate == Fate::Flown && flight.arr_delay.is_some()));
        assert_eq!((airports().unwrap().len(), airlines().unwrap().len()), (1_458, 16));
        // 26,115 rows, three of them in an hour that came twice.
        assert_eq!(history.weather.len(), 26_112);
    }

    #[test]
    fn flights_find_their_weather_and_no_storm_that_never_blew() {
        use crate::weather::Observation::{Temp, WindGust, WindSpeed};
        let history = bundled().unwrap();
        let of = |origin: &str, date: &str, hour| {
            history.weather.of(origin.parse().unwrap(), date.parse().unwrap(), hour).copied()
        };
        // EWR,2013,1,1,1,39.02,26.06,59.37,270,10.35702,NA,0,1012,10,2013-01-01T06:00:00Z
        let first = of("EWR", "2013-01-01", 1).unwrap();
        assert_eq!((first.get(Temp), first.get(WindSpeed), first.get(WindGust)), (Some(39.02), Some(10.35702), None));
        // EWR,2013,2,12,3,…,1048.36058,…
        assert_eq!(of("EWR", "2013-02-12", 3).unwrap().get(WindSpeed), None);
        assert_eq!(of("ATL", "2013-01-01", 1), None);
        let joined = history.flights.iter().filter(|flight| history.weather.at_departure(flight).is_some()).count();
        assert_eq!(joined, 325_819, "the table ends on 30 December, and has gaps");
    }

    #[test]
    fn the_packages_first_flight_is_told_as_there() {
        let history = bundled().unwrap();
        // 2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
        let ua1545 = history.flights.iter().find(|flight| flight.flight_num == Some(1545)).unwrap();
        assert_eq!((ua1545.origin.as_str(), ua1545.dest.as_str()), ("EWR", "IAH"));
        assert_eq!((ua1545.crs_dep_min, ua1545.crs_arr_min), (Some(5 * 60 + 15), Some(8 * 60 + 19)));
        assert_eq!((ua1545.dep_delay, ua1545.arr_delay), (Some(2.0), Some(11.0)));
        assert_eq!((ua1545.air_time_min, ua1545.distance), (Some(227.0), Some(1400.0)));
        assert_eq!(ua1545.tail_num.unwrap().as_str(), "N14228");
    }
}
