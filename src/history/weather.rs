//! The weather of the past, by airport and hour.

use chrono::NaiveDate;

use super::flight::Flight;
use crate::flight::{Code, Weather};

/// An airport, a local day and an hour of the day, 0 to 23.
pub type WeatherHour = (Code, NaiveDate, u8);

/// The weather by airport and hour, found by binary search: 52 bytes an hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeatherTable(Vec<(WeatherHour, Weather)>);

impl WeatherTable {
    /// The empty table.
    pub const NONE: &'static WeatherTable = &WeatherTable(Vec::new());

    /// Creates the table from hours in any order, without those that have no observation. Of two for the same hour, as
    /// when clocks are set back, the later one is kept.
    pub fn new(hours: impl IntoIterator<Item = (WeatherHour, Weather)>) -> Self {
        let mut hours: Vec<_> = hours.into_iter().filter(|(_, weather)| weather.is_observed()).collect();
        hours.sort_by_key(|(hour, _)| *hour);
        hours.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = later.1;
            }
            same
        });
        WeatherTable(hours)
    }

    /// Returns the weather of an hour, if there is an observation.
    pub fn at(&self, airport: Code, date: NaiveDate, hour: u8) -> Option<&Weather> {
        let index = self.0.binary_search_by_key(&(airport, date, hour), |(hour, _)| *hour).ok()?;
        Some(&self.0[index].1)
    }

    /// Returns the weather at a flight's origin, in the hour of its scheduled departure.
    pub fn at_departure(&self, flight: &Flight) -> Option<&Weather> {
        // The hour fits: a time of day is below 24 hours.
        self.at(flight.origin, flight.date, (flight.crs_dep_min? / 60) as u8)
    }

    /// Returns all hours, in order.
    pub fn hours(&self) -> &[(WeatherHour, Weather)] {
        &self.0
    }

    /// Returns the number of hours.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no hour.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::Observation::{Precip, Temp};

    #[test]
    fn a_flight_gets_the_weather_of_its_airport_day_and_hour() {
        let code = |text: &str| text.parse::<Code>().unwrap();
        let day = |day| NaiveDate::from_ymd_opt(2013, 1, day).unwrap();
        let temp = |degrees: f32| Weather::UNOBSERVED.with(Temp, degrees);
        let table = WeatherTable::new([
            ((code("JFK"), day(2), 23), temp(23.0)),
            ((code("JFK"), day(2), 0), temp(0.0)),
            ((code("JFK"), day(2), 7), Weather::UNOBSERVED),
            ((code("LGA"), day(2), 8), temp(8.0)),
            // The clock was set back.
            ((code("JFK"), day(2), 1), temp(1.0)),
            ((code("JFK"), day(2), 1), temp(1.5).with(Precip, 0.1)),
        ]);
        assert_eq!(table.len(), 4);
        let at = |crs_dep_min| {
            let flight = Flight { crs_dep_min, ..Flight::unknown(day(2), code("AA"), code("JFK"), code("LAX")) };
            table.at_departure(&flight).and_then(|weather| weather.get(Temp))
        };
        assert_eq!((at(Some(0)), at(Some(59)), at(Some(60))), (Some(0.0), Some(0.0), Some(1.5)));
        assert_eq!((at(Some(23 * 60)), at(Some(1439))), (Some(23.0), Some(23.0)));
        // An hour without observations, one of another airport, and no hour at all.
        assert_eq!((at(Some(7 * 60)), at(Some(8 * 60)), at(None)), (None, None, None));
        assert!(table.at(code("JFK"), day(3), 0).is_none() && WeatherTable::default().is_empty());
    }
}
