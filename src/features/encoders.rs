//! The encoders that are fitted to training flights without their outcomes: frequency indexes, the weather, and
//! schedules looked up by flight number.

use std::{cmp::Reverse, sync::Arc};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    query::{Query, TrainingFlight},
    vocabulary::{CategoryIds, Group, ResolvedQuery, Vocabulary},
};
use crate::flight::{
    Observation::{self, Temp, WindGust, WindSpeed},
    Schedule, Weather,
};

/// A missing value of a [`LookupTable`]. Infinity and not NaN, because it equals itself.
pub(super) const MISSING: f32 = f32::INFINITY;

/// A number for each category of a group, indexed by its id. Tables with the same numbers may share them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LookupTable(pub(super) Arc<[f32]>);

impl Default for LookupTable {
    fn default() -> Self {
        LookupTable(Arc::new([]))
    }
}

impl LookupTable {
    pub(super) fn get(&self, id: Option<usize>) -> Option<f32> {
        self.0.get(id?).copied().filter(|value| *value != MISSING)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_valid(&self, len: usize) -> bool {
        self.len() == len && self.0.iter().all(|value| value.is_finite() || *value == MISSING)
    }
}

/// The categories of a group numbered by descending frequency in training, ties in alphabetical order. A category that
/// is not in the vocabulary gets the number of those that are. (Spark's `StringIndexer` with `handleInvalid = keep`.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyIndex {
    /// The group whose categories are numbered.
    pub group: Group,
    /// By id in the group; a separate section of the model file.
    #[serde(skip)]
    pub(super) table: LookupTable,
}

impl FrequencyIndex {
    /// Numbers the categories of flights.
    pub(super) fn fit(group: Group, vocabulary: &Vocabulary, flights: &[TrainingFlight]) -> Self {
        let mut counts = vec![0u64; vocabulary.len(group)];
        for flight in flights {
            let query = &flight.query();
            if let Some(id) = vocabulary.id(group, query, query.schedule) {
                counts[id] += 1;
            }
        }
        let mut ids: Vec<usize> = (0..counts.len()).collect();
        ids.sort_by_key(|&id| Reverse(counts[id]));
        let mut table = vec![0.0; counts.len()];
        for (number, id) in ids.into_iter().enumerate() {
            table[id] = number as f32;
        }
        FrequencyIndex { group, table: LookupTable(table.into()) }
    }

    /// The number of a flight's category.
    pub(super) fn of(&self, resolved: &ResolvedQuery<'_>) -> f32 {
        self.table.get(resolved.ids.of(self.group)).unwrap_or(self.table.len() as f32)
    }
}

/// A number derived from the weather at the origin in the hour of the scheduled departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeatherValue {
    /// Temperature, °F.
    Temp,
    /// Temperature minus dew point, °F: at 0 there is fog.
    DewPointSpread,
    /// Relative humidity, %.
    Humidity,
    /// Wind speed, mph.
    WindSpeed,
    /// Wind gust, mph. Where none is reported, the wind speed: the wind was not gusty.
    WindGust,
    /// Precipitation, inches in the hour.
    Precip,
    /// Sea-level pressure, mbar.
    Pressure,
    /// Visibility, miles.
    Visibility,
}

impl WeatherValue {
    fn of(self, weather: &Weather) -> Option<f32> {
        let observed = |observation| weather.get(observation);
        match self {
            WeatherValue::Temp => observed(Temp),
            WeatherValue::DewPointSpread => Some(observed(Temp)? - observed(Observation::DewPoint)?),
            WeatherValue::Humidity => observed(Observation::Humidity),
            WeatherValue::WindSpeed => observed(WindSpeed),
            WeatherValue::WindGust => observed(WindGust).or_else(|| observed(WindSpeed)),
            WeatherValue::Precip => observed(Observation::Precip),
            WeatherValue::Pressure => observed(Observation::Pressure),
            WeatherValue::Visibility => observed(Observation::Visibility),
        }
    }
}

/// A weather value, with the median of the training flights imputed where it was not observed. So a request may have
/// some observations without the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeatherColumn {
    /// The value.
    pub value: WeatherValue,
    #[serde(rename = "typical")]
    median: f32,
}

impl WeatherColumn {
    /// Finds the median; 0 if the value was never observed.
    pub(super) fn fit(value: WeatherValue, flights: &[TrainingFlight]) -> Self {
        let observed = flights.iter().filter_map(|flight| value.of(flight.query().weather?));
        let mut observed: Vec<f32> = observed.collect();
        let middle = observed.len() / 2;
        let median = match observed.len() {
            0 => 0.0,
            _ => *observed.select_nth_unstable_by(middle, f32::total_cmp).1,
        };
        WeatherColumn { value, median }
    }

    /// The value for a flight.
    pub(super) fn of(&self, resolved: &ResolvedQuery<'_>) -> f32 {
        resolved.query.weather.and_then(|weather| self.value.of(weather)).unwrap_or(self.median)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.median.is_finite()
    }
}

/// The latest schedule of each flight number on each of its routes in training, by id in [`Group::FlightRoute`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schedules(pub(super) Vec<Option<Schedule>>);

impl Schedules {
    /// Lower bound on the flights that make a schedule: fewer may be one-off flights.
    pub const FLIGHTS_MIN: u32 = 3;

    /// Collects the schedules of flights.
    pub(super) fn fit(vocabulary: &Vocabulary, flights: &[TrainingFlight]) -> Self {
        let mut latest: Vec<(u32, NaiveDate, Option<Schedule>)> =
            vec![(0, NaiveDate::MIN, None); vocabulary.len(Group::FlightRoute)];
        for flight in flights {
            let query = &flight.query();
            let Some(id) = vocabulary.id(Group::FlightRoute, query, None).filter(|_| query.schedule.is_some()) else {
                continue;
            };
            let (count, date, schedule) = &mut latest[id];
            *count += 1;
            if query.date >= *date {
                (*date, *schedule) = (query.date, query.schedule);
            }
        }
        let frequent =
            |(count, _, schedule): (u32, NaiveDate, Option<Schedule>)| schedule.filter(|_| count >= Self::FLIGHTS_MIN);
        Schedules(latest.into_iter().map(frequent).collect())
    }

    /// The schedule of a query: its own, else that of its flight number.
    pub(super) fn of(&self, query: &Query, ids: &CategoryIds) -> Option<Schedule> {
        query.schedule.or_else(|| self.0[ids.of(Group::FlightRoute)?])
    }

    /// Number of known schedules, one per flight number and route.
    pub fn len(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Returns whether no schedule is known: the flights had no schedules or no flight numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn is_valid(&self, vocabulary: &Vocabulary) -> bool {
        self.0.len() == vocabulary.len(Group::FlightRoute)
            && self.0.iter().flatten().all(|schedule| schedule.is_valid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{features::tests::flight, flight::Observation::*};

    #[test]
    fn without_a_gust_the_wind_speed_replaces_it() {
        let windy = Weather::UNOBSERVED.with(WindSpeed, 10.0);
        assert_eq!(WeatherValue::WindGust.of(&windy), Some(10.0));
        assert_eq!(WeatherValue::WindGust.of(&windy.with(WindGust, 25.0)), Some(25.0));
        assert_eq!(WeatherValue::WindGust.of(&Weather::UNOBSERVED), None);
        let foggy = Weather::UNOBSERVED.with(Temp, 50.0).with(DewPoint, 48.0);
        assert_eq!(WeatherValue::DewPointSpread.of(&foggy), Some(2.0));
        assert_eq!(WeatherValue::DewPointSpread.of(&Weather::UNOBSERVED.with(Temp, 50.0)), None);
    }

    #[test]
    fn the_median_is_imputed_for_a_missing_observation() {
        let weather = [30.0, 50.0, 90.0].map(|degrees| Weather::UNOBSERVED.with(Temp, degrees));
        let mut flights = [flight("AA", "JFK", 0.0, 0.0); 4];
        for (flight, weather) in flights.iter_mut().zip(&weather) {
            flight.change(|query| query.weather = Some(weather));
        }
        let temp = WeatherColumn::fit(WeatherValue::Temp, &flights);
        let vocabulary = Vocabulary::of(&flights);
        let of = |column: &WeatherColumn, at: usize| column.of(&ResolvedQuery::of(&flights[at], &vocabulary));
        assert_eq!((of(&temp, 0), of(&temp, 3)), (30.0, 50.0));
        let precip = WeatherColumn::fit(WeatherValue::Precip, &flights);
        assert_eq!((of(&precip, 0), precip.is_valid()), (0.0, true));
    }
}
