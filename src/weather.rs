//! What a weather station observed in an hour.

use std::{fmt, ops::RangeInclusive};

/// Something that a station observes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Observation {
    /// Temperature, °F.
    Temp,
    /// Dew point, °F.
    DewPoint,
    /// Relative humidity, %.
    Humidity,
    /// Where the wind comes from: degrees clockwise from north.
    WindDir,
    /// Wind, mph.
    WindSpeed,
    /// The strongest gust, mph; stations report one only if the wind is gusty.
    WindGust,
    /// Rain, or melted snow: inches in the hour.
    Precip,
    /// At sea level, mbar.
    Pressure,
    /// How far one sees, miles; many stations report no more than 10.
    Visibility,
}

const OBSERVATIONS: usize = 9;

impl Observation {
    /// All of them.
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

    /// The name on the wire, after the object that it stands in.
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

    /// What it is counted in, in a person's words.
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

    /// What can be: a little beyond what was ever observed on Earth. Anything else is a fault of an instrument or of a unit.
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

/// The weather of an hour; each observation may be missing. 36 bytes.
#[derive(Clone, Copy)]
pub struct Weather([f32; OBSERVATIONS]);

impl Weather {
    /// Nothing was observed.
    pub const UNOBSERVED: Weather = Weather([f32::NAN; OBSERVATIONS]);

    /// What was observed, if it was.
    pub fn get(&self, observation: Observation) -> Option<f32> {
        let value = self.0[observation as usize];
        (!value.is_nan()).then_some(value)
    }

    /// The same with another observation; without one, and if the value is not a number, it counts as missing.
    pub fn with(mut self, observation: Observation, value: impl Into<Option<f32>>) -> Self {
        self.0[observation as usize] = value.into().unwrap_or(f32::NAN);
        self
    }

    /// Whether anything was observed.
    pub fn is_observed(&self) -> bool {
        self.0.iter().any(|value| !value.is_nan())
    }

    /// All observations that there are.
    pub fn iter(&self) -> impl Iterator<Item = (Observation, f32)> {
        Observation::ALL.into_iter().filter_map(|observation| Some((observation, self.get(observation)?)))
    }
}

impl PartialEq for Weather {
    /// What is missing in both is equal.
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
    fn what_is_missing_is_neither_observed_nor_different() {
        let calm = Weather::UNOBSERVED.with(Observation::WindSpeed, 0.0);
        assert_eq!((calm.get(Observation::WindSpeed), calm.get(Observation::Temp)), (Some(0.0), None));
        assert_eq!(Weather::UNOBSERVED, Weather::UNOBSERVED);
        assert_ne!(calm, Weather::UNOBSERVED);
        assert!(calm.is_observed() && !Weather::UNOBSERVED.is_observed());
        assert_eq!(calm.with(Observation::WindSpeed, None), Weather::UNOBSERVED);
        assert_eq!(calm.iter().collect::<Vec<_>>(), [(Observation::WindSpeed, 0.0)]);
    }

    #[test]
    fn a_name_is_the_end_of_its_path_and_the_order_is_that_of_the_array() {
        for (at, observation) in Observation::ALL.into_iter().enumerate() {
            assert_eq!(observation as usize, at);
            assert_eq!(observation.path(), format!("Weather.{}", observation.name()));
            assert!(observation.limits().start() < observation.limits().end());
        }
        assert_eq!(size_of::<Weather>(), 36);
    }
}
