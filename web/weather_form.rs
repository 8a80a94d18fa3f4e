//! The weather in the form: observations at the airport of departure in the hour of the scheduled departure, as texts.

use delaycast::flight::{Observation, Weather};

use crate::{
    field_error::{FieldError, quoted},
    texts::message,
};

/// The observations that the form asks for: those that people know of a place. The API takes all.
const ASKED: [Observation; 4] =
    [Observation::Temp, Observation::WindSpeed, Observation::Precip, Observation::Visibility];

/// The observations as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WeatherForm([String; ASKED.len()]);

impl WeatherForm {
    /// The observations and their texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Observation, &str)> {
        ASKED.into_iter().zip(self.0.iter().map(String::as_str))
    }

    /// The text of the field of this name, and the name.
    pub(crate) fn field(&mut self, name: &str) -> Option<(&'static str, &mut String)> {
        let (observation, text) = ASKED.into_iter().zip(&mut self.0).find(|(known, _)| known.path() == name)?;
        Some((observation.path(), text))
    }

    /// Returns whether something was typed.
    pub(crate) fn is_filled(&self) -> bool {
        self.0.iter().any(|text| !text.trim().is_empty())
    }

    /// Returns the weather; `None` if nothing was typed. All wrong fields are named.
    pub(crate) fn to_weather(&self) -> Result<Option<Weather>, Vec<FieldError>> {
        let (mut weather, mut errors) = (Weather::UNOBSERVED, Vec::new());
        for (observation, text) in self.texts().filter(|(_, text)| !text.trim().is_empty()) {
            match value(observation, text.trim()) {
                Ok(value) => weather = weather.with(observation, value),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(weather.is_observed().then_some(weather)) } else { Err(errors) }
    }
}

fn value(observation: Observation, typed: &str) -> Result<f32, FieldError> {
    let field = observation.path();
    let limits = observation.limits();
    match typed.parse::<f32>() {
        Ok(value) if limits.contains(&value) => Ok(value),
        Ok(value) if value.is_finite() => {
            let (least, most) = (limits.start().to_string(), limits.end().to_string());
            Err(FieldError::new(field, message!("wrong-range", least = least, most = most)))
        }
        _ => Err(FieldError::format(field, message!("not-decimal", typed = quoted(typed)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: [&str; 4]) -> Result<Option<Weather>, Vec<String>> {
        let weather = WeatherForm(texts.map(str::to_owned)).to_weather();
        weather.map_err(|errors| errors.into_iter().map(|error| error.field.into_owned()).collect())
    }

    #[test]
    fn what_is_typed_is_observed_and_the_rest_is_missing() {
        assert!(typed(["", " ", "", ""]).unwrap().is_none());
        let weather = typed(["41", " 23.5 ", "", "10"]).unwrap().unwrap();
        let found: Vec<_> = weather.iter().map(|(observation, value)| (observation.name(), value)).collect();
        assert_eq!(found, [("Temp", 41.0), ("WindSpeed", 23.5), ("Visibility", 10.0)]);
    }

    #[test]
    fn all_wrong_values_are_named() {
        let wrong = typed(["200", "strong", "NaN", "10"]).map(|_| ());
        assert_eq!(wrong, Err(["Weather.Temp", "Weather.WindSpeed", "Weather.Precip"].map(str::to_owned).to_vec()));
    }
}
