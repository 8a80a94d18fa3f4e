//! Columns of the weather.

use serde::{Deserialize, Serialize};

use super::{Known, TrainingFlight};
use crate::weather::{
    Observation::{self, Temp, WindGust, WindSpeed},
    Weather,
};

/// A number that follows from the weather at the origin in the hour of the scheduled departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeatherValue {
    /// °F.
    Temp,
    /// By how much the dew point is below the temperature, °F: at 0 there is fog.
    DewPointSpread,
    /// %.
    Humidity,
    /// Mph.
    WindSpeed,
    /// The strongest gust, mph. Where none is reported, the wind: it was not gusty.
    WindGust,
    /// Inches in the hour.
    Precip,
    /// Mbar.
    Pressure,
    /// Miles.
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

/// A value of the weather; where it was not observed, the median of the training flights stands in. So an asker may give what he
/// knows of the weather, and needs not know all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeatherColumn {
    /// Which value.
    pub value: WeatherValue,
    typical: f32,
}

impl WeatherColumn {
    /// Finds what is typical; 0 if it was never observed.
    pub(super) fn fit(value: WeatherValue, flights: &[TrainingFlight]) -> Self {
        let observed = flights.iter().filter_map(|flight| value.of(flight.query().weather?));
        let mut observed: Vec<f32> = observed.collect();
        let middle = observed.len() / 2;
        let typical = match observed.len() {
            0 => 0.0,
            _ => *observed.select_nth_unstable_by(middle, f32::total_cmp).1,
        };
        WeatherColumn { value, typical }
    }

    /// The value for a flight.
    pub(super) fn of(&self, known: &Known<'_>) -> f32 {
        known.query.weather.and_then(|weather| self.value.of(weather)).unwrap_or(self.typical)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.typical.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        features::{seen::Seen, tests::flight},
        weather::Observation::*,
    };

    #[test]
    fn a_wind_without_a_gust_gusts_no_more_than_it_blows() {
        let blowing = Weather::UNOBSERVED.with(WindSpeed, 10.0);
        assert_eq!(WeatherValue::WindGust.of(&blowing), Some(10.0));
        assert_eq!(WeatherValue::WindGust.of(&blowing.with(WindGust, 25.0)), Some(25.0));
        assert_eq!(WeatherValue::WindGust.of(&Weather::UNOBSERVED), None);
        let foggy = Weather::UNOBSERVED.with(Temp, 50.0).with(DewPoint, 48.0);
        assert_eq!(WeatherValue::DewPointSpread.of(&foggy), Some(2.0));
        assert_eq!(WeatherValue::DewPointSpread.of(&Weather::UNOBSERVED.with(Temp, 50.0)), None);
    }

    #[test]
    fn the_median_stands_in_for_what_was_not_observed() {
        let weather = [30.0, 50.0, 90.0].map(|degrees| Weather::UNOBSERVED.with(Temp, degrees));
        let mut flights = [flight("AA", "JFK", 0.0, 0.0); 4];
        for (flight, weather) in flights.iter_mut().zip(&weather) {
            flight.change(|query| query.weather = Some(weather));
        }
        let temp = WeatherColumn::fit(WeatherValue::Temp, &flights);
        let seen = Seen::of(&flights);
        let of = |column: &WeatherColumn, at: usize| column.of(&Known::of(&flights[at], &seen));
        assert_eq!((of(&temp, 0), of(&temp, 3)), (30.0, 50.0));
        let precip = WeatherColumn::fit(WeatherValue::Precip, &flights);
        assert_eq!((of(&precip, 0), precip.is_sound()), (0.0, true));
    }
}
