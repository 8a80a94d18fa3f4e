//! The data of the project's `data/` folder, compiled in, and the airports, airlines and routes of a history, which are
//! based on them. Source, licence and columns: `data/README.md`.

use std::collections::BTreeMap;

use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use bytes::Bytes;
use engine::runtime::hex;
use sha2::{Digest, Sha256};

use super::{
    dataset::History,
    error::HistoryError,
    parquet::{Required, Table, read_flights_from, read_weather_from},
    weather::WeatherTable,
};
use crate::{
    airports::{Airport, Airports, Route},
    flight::{Code, Tz},
};

const FLIGHTS: &[u8] = include_bytes!("../../data/flights.parquet");
const WEATHER: &[u8] = include_bytes!("../../data/weather.parquet");
const AIRPORTS: &[u8] = include_bytes!("../../data/airports.parquet");
const AIRLINES: &[u8] = include_bytes!("../../data/airlines.parquet");

/// Returns the flights scheduled from New York's airports in 2013, and the weather there. It has no route table.
pub fn bundled() -> Result<History, HistoryError> {
    let flights = read_flights_from("the bundled flights", Bytes::from_static(FLIGHTS))?;
    let weather = read_weather_from("the bundled weather", Bytes::from_static(WEATHER))?;
    Ok(History::new(flights, Vec::new()).with_weather(WeatherTable::new(weather)))
}

/// Returns the SHA-256 of the bundled flights: what tells an index over them from one over others.
pub fn bundled_digest() -> String {
    hex::encode(Sha256::digest(FLIGHTS))
}

/// Returns the airports of the United States, by code.
fn airports() -> Result<BTreeMap<Code, Airport>, HistoryError> {
    let table = Table::new("the bundled airports".to_owned(), Bytes::from_static(AIRPORTS))?;
    let (codes, names) = (texts(&table, "faa")?, texts(&table, "name")?);
    let (latitudes, longitudes) = (numbers(&table, "lat")?, numbers(&table, "lon")?);
    let positions = latitudes.into_iter().zip(longitudes);
    let airports =
        codes.iter().zip(names).zip(positions).enumerate().map(|(row, ((code, name), (latitude, longitude)))| {
            let code = code.parse().map_err(|error| table.value_error("faa", row, format!("{error}")))?;
            Ok((code, Airport { name, latitude, longitude }))
        });
    airports.collect()
}

/// Returns the airports' time zones, by code.
pub(super) fn zones<Z: FromIterator<(Code, Tz)>>() -> Result<Z, HistoryError> {
    let table = Table::new("the bundled airports".to_owned(), Bytes::from_static(AIRPORTS))?;
    let (codes, names) = (texts(&table, "faa")?, texts(&table, "tzone")?);
    let zones = codes.iter().zip(names).enumerate().map(|(row, (code, name))| {
        let code = code.parse().map_err(|error| table.value_error("faa", row, format!("{error}")))?;
        let zone = name.parse().map_err(|_| table.value_error("tzone", row, format!("{name} is no time zone")))?;
        Ok((code, zone))
    });
    zones.collect()
}

/// Returns the cities of airports that have one, by code.
pub(super) fn cities<C: FromIterator<(Code, String)>>() -> Result<C, HistoryError> {
    let table = Table::new("the bundled airports".to_owned(), Bytes::from_static(AIRPORTS))?;
    let (codes, mut cities) = (texts(&table, "faa")?, Vec::new());
    table.for_each_value::<ByteArrayType>("city", Required::No, |row, bytes: &ByteArray| {
        let code = codes[row].parse().map_err(|error| format!("{error}"))?;
        cities.push((code, bytes.as_utf8().map_err(|error| error.to_string())?.to_owned()));
        Ok(())
    })?;
    Ok(cities.into_iter().collect())
}

/// Returns the names of airlines, by code.
fn airlines() -> Result<BTreeMap<Code, String>, HistoryError> {
    let table = Table::new("the bundled airlines".to_owned(), Bytes::from_static(AIRLINES))?;
    let (codes, names) = (texts(&table, "carrier")?, texts(&table, "name")?);
    let airlines = codes.iter().zip(names).enumerate().map(|(row, (code, name))| {
        let code = code.parse().map_err(|error| table.value_error("carrier", row, format!("{error}")))?;
        Ok((code, name))
    });
    airlines.collect()
}

impl History {
    /// Returns the bundled airports and airlines, the route table of the history, and what all its flights add: the
    /// median distance of each route, and the airlines, named by their code where the bundled table has no name.
    pub fn airports(&self) -> Result<Airports, HistoryError> {
        let mut airlines = airlines()?;
        let mut observed = BTreeMap::<(Code, Code), Vec<f32>>::new();
        for flight in self.all() {
            airlines.entry(flight.carrier).or_insert_with(|| flight.carrier.to_string());
            if let Some(miles) = flight.distance {
                observed.entry((flight.origin, flight.dest)).or_default().push(miles);
            }
        }
        let observed = observed.into_iter().map(|((origin, dest), mut miles)| {
            let middle = miles.len() / 2;
            // The upper median, because BTS revises distances by about a mile, and a mean would equal neither.
            let (_, median, _) = miles.select_nth_unstable_by(middle, f32::total_cmp);
            Route { origin, dest, miles: *median }
        });
        Ok(Airports::new(airports()?, airlines, self.routes.iter().copied(), observed))
    }
}

fn texts(table: &Table, column: &'static str) -> Result<Vec<String>, HistoryError> {
    let mut texts = Vec::new();
    table.for_each_value::<ByteArrayType>(column, Required::Yes, |_, bytes: &ByteArray| {
        texts.push(bytes.as_utf8().map_err(|error| error.to_string())?.to_owned());
        Ok(())
    })?;
    Ok(texts)
}

fn numbers(table: &Table, column: &'static str) -> Result<Vec<f64>, HistoryError> {
    let mut numbers = Vec::new();
    table.for_each_value::<DoubleType>(column, Required::Yes, |_, number| {
        numbers.push(*number);
        Ok(())
    })?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::history::flight::{Flight, FlightStatus};

    #[test]
    fn the_bundled_data_match_the_readme() {
        let history = bundled().unwrap();
        assert_eq!((history.flights.len(), history.cancelled(), history.diverted()), (327_346, 8_255, 1_175));
        assert!(
            history.flights.iter().all(|flight| flight.status == FlightStatus::Flown && flight.arr_delay.is_some())
        );
        assert_eq!((airports().unwrap().len(), airlines().unwrap().len()), (2_288, 16));
        // 26,115 rows, three of them in a repeated hour.
        assert_eq!(history.weather.len(), 26_112);
    }

    #[test]
    fn flights_have_their_weather_without_invalid_observations() {
        use crate::flight::Observation::{Temp, WindGust, WindSpeed};
        let history = bundled().unwrap();
        let at = |origin: &str, date: &str, hour| {
            history.weather.at(origin.parse().unwrap(), date.parse().unwrap(), hour).copied()
        };
        // EWR,2013,1,1,1,39.02,26.06,59.37,270,10.35702,NA,0,1012,10,2013-01-01T06:00:00Z
        let first = at("EWR", "2013-01-01", 1).unwrap();
        assert_eq!((first.get(Temp), first.get(WindSpeed), first.get(WindGust)), (Some(39.02), Some(10.35702), None));
        // EWR,2013,2,12,3,…,1048.36058,…
        assert_eq!(at("EWR", "2013-02-12", 3).unwrap().get(WindSpeed), None);
        assert_eq!(at("ATL", "2013-01-01", 1), None);
        let joined = history.flights.iter().filter(|flight| history.weather.at_departure(flight).is_some()).count();
        assert_eq!(joined, 325_819, "the table ends on 30 December, and has gaps");
    }

    #[test]
    fn the_first_flight_has_the_values_of_the_package() {
        let history = bundled().unwrap();
        // 2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z
        let ua1545 = history.flights.iter().find(|flight| flight.flight_num == Some(1545)).unwrap();
        assert_eq!((ua1545.origin.as_str(), ua1545.dest.as_str()), ("EWR", "IAH"));
        assert_eq!((ua1545.crs_dep_min, ua1545.crs_arr_min), (Some(5 * 60 + 15), Some(8 * 60 + 19)));
        assert_eq!((ua1545.dep_delay, ua1545.arr_delay), (Some(2.0), Some(11.0)));
        assert_eq!((ua1545.air_time_min, ua1545.distance), (Some(227.0), Some(1400.0)));
        assert_eq!(ua1545.tail_num.unwrap().as_str(), "N14228");
    }

    fn flight(carrier: &str, origin: &str, dest: &str, miles: f32) -> Flight {
        let code = |text: &str| text.parse().unwrap();
        let date = "2008-01-31".parse().unwrap();
        let flight = Flight::unknown(date, code(carrier), code(origin), code(dest));
        Flight { distance: Some(miles), arr_delay: Some(miles - 100.0), ..flight }
    }

    #[test]
    fn the_bundled_table_has_all_airports_of_the_bundled_flights_and_more_of_bts() {
        let (table, history) = (airports().unwrap(), bundled().unwrap());
        let missing: BTreeSet<Code> = history.all().flat_map(|flight| [flight.origin, flight.dest]).collect();
        let missing: Vec<_> = missing.into_iter().filter(|code| !table.contains_key(code)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let code = |text: &str| text.parse::<Code>().unwrap();
        for airport in ["SJU", "STT", "STX", "BQN", "PSE", "OGD", "GUM", "SPN", "PPG", "ROR", "YAP"] {
            assert!(table.contains_key(&code(airport)), "{airport}");
        }
        let airports = history.airports().unwrap();
        // BTS gives 1,598; the sphere is within 0.6 % of it.
        assert!((airports.distance_miles(code("JFK"), code("SJU")).unwrap() / 1598.0 - 1.0).abs() < 0.006);
        assert_eq!(
            airports.airlines().find(|(airline, _)| *airline == code("AA")).unwrap().1,
            "American Airlines Inc."
        );
    }

    #[test]
    fn distances_are_medians_of_all_flights_and_an_airline_without_a_name_gets_its_code() {
        let mut flights = vec![flight("XE", "QQA", "QQB", 300.0), flight("XE", "QQA", "QQB", 302.0)];
        flights.push(flight("AA", "QQA", "QQB", 999.0));
        flights.push(Flight { status: FlightStatus::Cancelled, arr_delay: None, ..flight("AA", "QQC", "QQB", 50.0) });
        let airports = History::new(flights, Vec::new()).airports().unwrap();
        let code = |text: &str| text.parse::<Code>().unwrap();
        assert_eq!(airports.distance_miles(code("QQA"), code("QQB")), Some(302.0));
        assert_eq!(airports.distance_miles(code("QQC"), code("QQB")), Some(50.0));
        assert_eq!(airports.airlines().find(|(airline, _)| *airline == code("XE")).unwrap().1, "XE");
    }
}
