//! The weather of an hour, as a station observed it.

use std::{fmt, ops::RangeInclusive};

/// A quantity that a weather station observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Observation {
    /// Temperature, °F.
    Temp,
    /// Dew point, °F.
    DewPoint,
    /// Relative humidity, %.
    Humidity,
    /// Wind direction, from which it blows: degrees clockwise from north.
    WindDir,
    /// Wind speed, mph.
    WindSpeed,
    /// Wind gust, mph; stations report one only if the wind is gusty.
    WindGust,
    /// Precipitation, inches of water in the hour.
    Precip,
    /// Sea-level pressure, mbar.
    Pressure,
    /// Visibility, miles; many stations report at most 10.
    Visibility,
}

/// Number of observations.
const OBSERVATIONS: usize = 9;

impl Observation {
    /// All observations, in the order of [`Weather`]'s array.
    pub const ALL: [Observation; OBSERVATIONS] = [
        Observation::Temp,
        Observation::DewPoint,
        Observation::Humidity,
        Observation::WindDir,
        Observation::WindSpeed,
        Observation::WindGust,
        Observation::Precip,
        Observation::Pressure,
        Observation::Visibility,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Observation::Temp => "Temp",
            Observation::DewPoint => "DewPoint",
            Observation::Humidity => "Humidity",
            Observation::WindDir => "WindDir",
            Observation::WindSpeed => "WindSpeed",
            Observation::WindGust => "WindGust",
            Observation::Precip => "Precip",
            Observation::Pressure => "Pressure",
            Observation::Visibility => "Visibility",
        }
    }

    /// The name on the wire with that of its object in front.
    pub fn path(self) -> &'static str {
        match self {
            Observation::Temp => "Weather.Temp",
            Observation::DewPoint => "Weather.DewPoint",
            Observation::Humidity => "Weather.Humidity",
            Observation::WindDir => "Weather.WindDir",
            Observation::WindSpeed => "Weather.WindSpeed",
            Observation::WindGust => "Weather.WindGust",
            Observation::Precip => "Weather.Precip",
            Observation::Pressure => "Weather.Pressure",
            Observation::Visibility => "Weather.Visibility",
        }
    }

    /// The unit in words.
    pub fn unit(self) -> &'static str {
        match self {
            Observation::Temp | Observation::DewPoint => "°F",
            Observation::Humidity => "%",
            Observation::WindDir => "degrees",
            Observation::WindSpeed | Observation::WindGust => "mph",
            Observation::Precip => "inches",
            Observation::Pressure => "mbar",
            Observation::Visibility => "miles",
        }
    }

    /// The range of possible values: slightly beyond the records on Earth. A value outside comes from a broken
    /// instrument or another unit.
    pub fn limits(self) -> RangeInclusive<f32> {
        match self {
            Observation::Temp | Observation::DewPoint => -130.0..=140.0,
            Observation::Humidity => 0.0..=100.0,
            Observation::WindDir => 0.0..=360.0,
            Observation::WindSpeed | Observation::WindGust => 0.0..=260.0,
            Observation::Precip => 0.0..=20.0,
            Observation::Pressure => 850.0..=1100.0,
            Observation::Visibility => 0.0..=200.0,
        }
    }
}

/// The weather of an hour, 36 bytes; each observation may be missing.
#[derive(Clone, Copy)]
pub struct Weather([f32; OBSERVATIONS]);

impl Weather {
    /// No observation at all.
    pub const UNOBSERVED: Weather = Weather([f32::NAN; OBSERVATIONS]);

    /// The value of an observation, if it is not missing.
    pub fn get(&self, observation: Observation) -> Option<f32> {
        let value = self.0[observation as usize];
        (!value.is_nan()).then_some(value)
    }

    /// Returns the weather with one observation replaced. `None` and NaN make it missing.
    pub fn with(mut self, observation: Observation, value: impl Into<Option<f32>>) -> Self {
        self.0[observation as usize] = value.into().unwrap_or(f32::NAN);
        self
    }

    /// Returns whether there is any observation.
    pub fn is_observed(&self) -> bool {
        self.0.iter().any(|value| !value.is_nan())
    }

    /// The observations that are not missing.
    pub fn iter(&self) -> impl Iterator<Item = (Observation, f32)> {
        Observation::ALL.into_iter().filter_map(|observation| Some((observation, self.get(observation)?)))
    }
}

impl PartialEq for Weather {
    /// Observations that are missing in both are equal.
    fn eq(&self, other: &Self) -> bool {
        Observation::ALL.into_iter().all(|observation| self.get(observation) == other.get(observation))
    }
}

impl fmt::Debug for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_observation_is_not_observed_and_equals_another_missing_one() {
        let calm = Weather::UNOBSERVED.with(Observation::WindSpeed, 0.0);
        assert_eq!((calm.get(Observation::WindSpeed), calm.get(Observation::Temp)), (Some(0.0), None));
        assert_eq!(Weather::UNOBSERVED, Weather::UNOBSERVED);
        assert_ne!(calm, Weather::UNOBSERVED);
        assert!(calm.is_observed() && !Weather::UNOBSERVED.is_observed());
        assert_eq!(calm.with(Observation::WindSpeed, None), Weather::UNOBSERVED);
        assert_eq!(calm.iter().collect::<Vec<_>>(), [(Observation::WindSpeed, 0.0)]);
    }

    #[test]
    fn paths_end_with_names_and_the_order_is_that_of_the_array() {
        for (at, observation) in Observation::ALL.into_iter().enumerate() {
            assert_eq!(observation as usize, at);
            assert_eq!(observation.path(), format!("Weather.{}", observation.name()));
            assert!(observation.limits().start() < observation.limits().end());
        }
        assert_eq!(size_of::<Weather>(), 36);
    }
}
