//! The weather of the past, by airport and hour.

use chrono::NaiveDate;

use super::Flight;
use crate::{code::Code, weather::Weather};

/// An airport, a local day and an hour of it, 0 to 23.
pub type Hour = (Code, NaiveDate, u8);

/// The weather by airport and hour, found by bisection: 52 bytes an hour. Flights refer to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WeatherTable(Vec<(Hour, Weather)>);

impl WeatherTable {
    /// No weather at all.
    pub const NONE: &'static WeatherTable = &WeatherTable(Vec::new());

    /// Takes hours in any order. Those in which nothing was observed are left out; of two for the same hour, as there are when
    /// clocks are set back, the later holds.
    pub fn new(hours: impl IntoIterator<Item = (Hour, Weather)>) -> Self {
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

    /// The weather of an hour, if anything was observed.
    pub fn of(&self, airport: Code, date: NaiveDate, hour: u8) -> Option<&Weather> {
        let at = self.0.binary_search_by_key(&(airport, date, hour), |(hour, _)| *hour).ok()?;
        Some(&self.0[at].1)
    }

    /// The weather where a flight starts, in the hour in which it is to leave.
    pub fn at_departure(&self, flight: &Flight) -> Option<&Weather> {
        // A time of day is below 24 hours.
        self.of(flight.origin, flight.date, (flight.crs_dep_min? / 60) as u8)
    }

    /// All hours, in order.
    pub fn hours(&self) -> &[(Hour, Weather)] {
        &self.0
    }

    /// How many hours it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Observation::{Precip, Temp};

    #[test]
    fn a_flight_gets_the_weather_of_its_own_airport_day_and_hour() {
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
        assert!(table.of(code("JFK"), day(3), 0).is_none() && WeatherTable::default().is_empty());
    }
}
