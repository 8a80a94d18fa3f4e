//! The units in which a page shows and asks. The wire, and with it the model, has those of the United States; a page in
//! Spanish has metric ones.

use std::ops::RangeInclusive;

use delaycast::flight::Observation;

use crate::texts::{Language, Texts, say};

/// Kilometres of an international mile, which is exact.
const KM_PER_MILE: f64 = 1.609_344;
/// Millimetres of an inch, which is exact.
const MM_PER_INCH: f64 = 25.4;
/// Upper bound on the decimals that a converted value needs to be the same value again.
const DECIMALS_MAX: usize = 12;

/// A system of units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Units {
    /// °F, mph, inches, miles: those of the wire.
    #[default]
    Imperial,
    /// °C, km/h, mm, km.
    Metric,
}

impl Units {
    /// Returns the units of the readers of a language.
    pub(crate) fn of(language: Language) -> Self {
        match language {
            Language::English => Units::Imperial,
            Language::Spanish => Units::Metric,
        }
    }

    /// Returns the name in forms and addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Units::Imperial => "imperial",
            Units::Metric => "metric",
        }
    }

    /// Returns the units of a name; those of the wire without one.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name.trim() {
            "" | "imperial" => Some(Units::Imperial),
            "metric" => Some(Units::Metric),
            _ => None,
        }
    }

    /// Converts a value of the wire.
    fn converted(self, observation: Observation, value: f64) -> f64 {
        if self == Units::Imperial {
            return value;
        }
        match observation {
            Observation::Temp | Observation::DewPoint => (value - 32.0) * 5.0 / 9.0,
            Observation::WindSpeed | Observation::WindGust | Observation::Visibility => value * KM_PER_MILE,
            Observation::Precip => value * MM_PER_INCH,
            // Percent, degrees, and millibars, which are hectopascals.
            Observation::Humidity | Observation::WindDir | Observation::Pressure => value,
        }
    }

    /// Returns a value as the wire has it.
    pub(crate) fn to_wire(self, observation: Observation, value: f64) -> f32 {
        let converted = match (self, observation) {
            (Units::Imperial, _) => value,
            (_, Observation::Temp | Observation::DewPoint) => value * 9.0 / 5.0 + 32.0,
            (_, Observation::WindSpeed | Observation::WindGust | Observation::Visibility) => value / KM_PER_MILE,
            (_, Observation::Precip) => value / MM_PER_INCH,
            (_, Observation::Humidity | Observation::WindDir | Observation::Pressure) => value,
        };
        converted as f32
    }

    /// Writes a value of the wire with as many decimals as it needs to be that value again.
    pub(crate) fn write(self, observation: Observation, value: f32) -> String {
        let converted = self.converted(observation, f64::from(value));
        let texts = (0..DECIMALS_MAX).map(|decimals| format!("{converted:.decimals$}"));
        let is_same = |text: &String| text.parse().is_ok_and(|shown| self.to_wire(observation, shown) == value);
        texts.into_iter().find(is_same).unwrap_or_else(|| converted.to_string())
    }

    /// Returns the whole numbers between which a value may be.
    pub(crate) fn limits(self, observation: Observation) -> RangeInclusive<f64> {
        let limits = observation.limits();
        let [least, most] = [limits.start(), limits.end()].map(|limit| self.converted(observation, f64::from(*limit)));
        least.ceil()..=most.floor()
    }

    /// Returns the unit of an observation, as a page shows it.
    pub(crate) fn unit(self, observation: Observation, texts: Texts) -> String {
        match (self, observation) {
            (Units::Imperial, Observation::Precip) => say!(texts, "weather-inches"),
            (Units::Imperial, Observation::Visibility) => say!(texts, "weather-miles"),
            (Units::Metric, Observation::Temp | Observation::DewPoint) => "°C".to_owned(),
            (Units::Metric, Observation::WindSpeed | Observation::WindGust) => "km/h".to_owned(),
            (Units::Metric, Observation::Precip) => "mm".to_owned(),
            (Units::Metric, Observation::Visibility) => "km".to_owned(),
            (_, other) => other.unit().to_owned(),
        }
    }
}

/// Writes a distance in the units of a language, rounded.
pub(crate) fn distance(miles: f64, texts: Texts) -> String {
    match Units::of(texts.language) {
        Units::Imperial => say!(texts, "distance-miles", number = miles.round()),
        Units::Metric => say!(texts, "distance-km", number = (miles * KM_PER_MILE).round()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_of_the_wire() -> impl Strategy<Value = (Observation, f32)> {
        prop::sample::select(&Observation::ALL[..]).prop_flat_map(|observation| {
            (Just(observation), observation.limits()).prop_map(|(observation, value)| (observation, value))
        })
    }

    proptest! {
        #[test]
        fn a_value_in_other_units_is_the_same_value_when_it_is_sent((observation, value) in value_of_the_wire()) {
            for units in [Units::Imperial, Units::Metric] {
                let shown = units.write(observation, value);
                prop_assert_eq!(units.to_wire(observation, shown.parse().unwrap()), value, "{}", shown);
            }
        }

        #[test]
        fn a_value_that_is_typed_is_shown_again_as_it_was(
            observation in prop::sample::select(&Observation::ALL[..]), share in 0.0..1.0_f64,
        ) {
            let limits = Units::Metric.limits(observation);
            // One decimal, as people type.
            let typed = ((limits.start() + share * (limits.end() - limits.start())) * 10.0).round() / 10.0;
            let wire = Units::Metric.to_wire(observation, typed);
            prop_assert!(observation.limits().contains(&wire), "{typed} is {wire}");
            let shown: f64 = Units::Metric.write(observation, wire).parse().unwrap();
            prop_assert_eq!(shown, typed);
        }
    }

    #[test]
    fn known_values_are_converted_exactly() {
        for (observation, metric, wire) in [
            (Observation::Temp, -40.0, -40.0),
            (Observation::Temp, 37.0, 98.6),
            (Observation::WindSpeed, 160.934_4, 100.0),
            (Observation::Precip, 25.4, 1.0),
            (Observation::Visibility, 16.093_44, 10.0),
            (Observation::Pressure, 1013.0, 1013.0),
        ] {
            assert_eq!(Units::Metric.to_wire(observation, metric), wire);
        }
        assert_eq!(Units::Metric.write(Observation::Temp, 41.0), "5");
        assert_eq!(Units::Metric.write(Observation::WindSpeed, 23.5), "37.819584");
        assert_eq!(Units::Imperial.write(Observation::Precip, 0.2), "0.2");
        let limits =
            [Observation::Temp, Observation::WindSpeed, Observation::Precip].map(|it| Units::Metric.limits(it));
        assert_eq!(limits, [-90.0..=60.0, 0.0..=418.0, 0.0..=508.0]);
    }

    #[test]
    fn a_distance_has_the_unit_of_its_readers() {
        let in_words = |language| distance(2586.0, Texts::of(language)).replace('\u{a0}', " ");
        assert_eq!(Language::ALL.map(in_words), ["2,586 miles", "4162 km"]);
    }
}
