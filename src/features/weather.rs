//! Columns of the weather.

use serde::{Deserialize, Serialize};

use super::{Known, TrainingFlight};
use crate::weather::{
    Observation::{self, Temp, WindDir, WindGust, WindSpeed},
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
    /// How fast the air moves eastward, mph. A direction is circular, and no threshold parts it; its components are plain numbers.
    WindEast,
    /// How fast the air moves northward, mph.
    WindNorth,
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
        // The wind blows from its direction.
        let blown = |part: fn(f32) -> f32| match observed(WindSpeed)? {
            0.0 => Some(0.0),
            speed => Some(-speed * part(observed(WindDir)?.to_radians())),
        };
        match self {
            WeatherValue::Temp => observed(Temp),
            WeatherValue::DewPointSpread => Some(observed(Temp)? - observed(Observation::DewPoint)?),
            WeatherValue::Humidity => observed(Observation::Humidity),
            WeatherValue::WindSpeed => observed(WindSpeed),
            WeatherValue::WindGust => observed(WindGust).or_else(|| observed(WindSpeed)),
            WeatherValue::WindEast => blown(f32::sin),
            WeatherValue::WindNorth => blown(f32::cos),
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
        let observed = flights.iter().filter_map(|flight| value.of(flight.query.weather?));
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
    fn the_wind_blows_from_its_direction() {
        let blowing = |from: f32| Weather::UNOBSERVED.with(WindDir, from).with(WindSpeed, 10.0);
        let near = |value: WeatherValue, weather: &Weather, expected: f32| {
            assert!((value.of(weather).unwrap() - expected).abs() < 1e-4, "{value:?} {weather:?}");
        };
        for (from, east, north) in [(0.0, 0.0, -10.0), (90.0, -10.0, 0.0), (270.0, 10.0, 0.0), (360.0, 0.0, -10.0)] {
            near(WeatherValue::WindEast, &blowing(from), east);
            near(WeatherValue::WindNorth, &blowing(from), north);
        }
        // A calm has no direction, and a wind without one no components.
        assert_eq!(WeatherValue::WindEast.of(&Weather::UNOBSERVED.with(WindSpeed, 0.0)), Some(0.0));
        assert_eq!(WeatherValue::WindEast.of(&Weather::UNOBSERVED.with(WindSpeed, 5.0)), None);
        assert_eq!(WeatherValue::WindGust.of(&blowing(90.0)), Some(10.0));
        assert_eq!(WeatherValue::WindGust.of(&blowing(90.0).with(WindGust, 25.0)), Some(25.0));
        near(WeatherValue::DewPointSpread, &Weather::UNOBSERVED.with(Temp, 50.0).with(DewPoint, 48.0), 2.0);
    }

    #[test]
    fn the_median_stands_in_for_what_was_not_observed() {
        let weather = [30.0, 50.0, 90.0].map(|degrees| Weather::UNOBSERVED.with(Temp, degrees));
        let mut flights = [flight("AA", "JFK", 0.0, 0.0); 4];
        for (flight, weather) in flights.iter_mut().zip(&weather) {
            flight.query.weather = Some(weather);
        }
        let temp = WeatherColumn::fit(WeatherValue::Temp, &flights);
        let seen = Seen::of(&flights);
        let of = |column: &WeatherColumn, at: usize| column.of(&Known::of(&flights[at], &seen));
        assert_eq!((of(&temp, 0), of(&temp, 3)), (30.0, 50.0));
        let precip = WeatherColumn::fit(WeatherValue::Precip, &flights);
        assert_eq!((of(&precip, 0), precip.is_sound()), (0.0, true));
    }
}
