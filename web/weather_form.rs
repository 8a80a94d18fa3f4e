//! The weather in the form: observations at the airport of departure in the hour of the scheduled departure, as texts.
//!
//! The form says in which units it is: a link or a form that was made in one language means the same in another.
//! Without a word they are those of the wire.

use delaycast::flight::{Observation, Weather};

use crate::{
    field_error::{FieldError, quoted},
    texts::message,
    units::Units,
};

/// The observations that the form asks for: those that people know of a place. The API takes all.
const ASKED: [Observation; 4] =
    [Observation::Temp, Observation::WindSpeed, Observation::Precip, Observation::Visibility];

/// The field of the units.
pub(crate) const UNITS: &str = "Weather.Units";

/// The observations as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WeatherForm {
    typed: [String; ASKED.len()],
    /// The name of their units.
    units: String,
}

impl WeatherForm {
    /// The observations and their texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Observation, &str)> {
        ASKED.into_iter().zip(self.typed.iter().map(String::as_str))
    }

    /// The units of what was typed.
    pub(crate) fn units(&self) -> Units {
        Units::of_name(&self.units).unwrap_or_default()
    }

    /// The observations and their texts in other units. What is no number stays as it is.
    pub(crate) fn texts_in(&self, units: Units) -> impl Iterator<Item = (Observation, String)> {
        let typed_in = self.units();
        self.texts().map(move |(observation, text)| match text.trim().parse::<f64>() {
            Ok(value) if typed_in != units && value.is_finite() => {
                (observation, units.write(observation, typed_in.to_wire(observation, value)))
            }
            _ => (observation, text.to_owned()),
        })
    }

    /// The fields that are filled, by their names; with those of the weather that of its units, if it is needed.
    pub(crate) fn filled(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let units = (UNITS, self.units.as_str());
        let texts = self.texts().map(|(observation, text)| (observation.path(), text));
        texts.chain([units].into_iter().filter(|_| self.is_filled())).filter(|(_, text)| !text.is_empty())
    }

    /// The text of the field of this name, and the name.
    pub(crate) fn field(&mut self, name: &str) -> Option<(&'static str, &mut String)> {
        if name == UNITS {
            return Some((UNITS, &mut self.units));
        }
        let (observation, text) = ASKED.into_iter().zip(&mut self.typed).find(|(known, _)| known.path() == name)?;
        Some((observation.path(), text))
    }

    /// Returns whether something was typed.
    pub(crate) fn is_filled(&self) -> bool {
        self.typed.iter().any(|text| !text.trim().is_empty())
    }

    /// Returns the weather; `None` if nothing was typed. All wrong fields are named.
    pub(crate) fn to_weather(&self) -> Result<Option<Weather>, Vec<FieldError>> {
        let (mut weather, mut errors) = (Weather::UNOBSERVED, Vec::new());
        let Some(units) = Units::of_name(&self.units) else {
            return Err(vec![FieldError::new(UNITS, message!("wrong-units"))]);
        };
        for (observation, text) in self.texts().filter(|(_, text)| !text.trim().is_empty()) {
            match value(observation, text.trim(), units) {
                Ok(value) => weather = weather.with(observation, value),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(weather.is_observed().then_some(weather)) } else { Err(errors) }
    }
}

fn value(observation: Observation, typed: &str, units: Units) -> Result<f32, FieldError> {
    let field = observation.path();
    let Some(value) = typed.parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return Err(FieldError::format(field, message!("not-decimal", typed = quoted(typed))));
    };
    let converted = units.to_wire(observation, value);
    if !observation.limits().contains(&converted) {
        let limits = units.limits(observation);
        let (least, most) = (limits.start().to_string(), limits.end().to_string());
        return Err(FieldError::new(field, message!("wrong-range", least = least, most = most)));
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: [&str; 4]) -> Result<Option<Weather>, Vec<String>> {
        typed_in("", texts)
    }

    fn typed_in(units: &str, texts: [&str; 4]) -> Result<Option<Weather>, Vec<String>> {
        let weather = WeatherForm { typed: texts.map(str::to_owned), units: units.to_owned() }.to_weather();
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
    fn metric_values_are_what_the_model_takes() {
        let weather = typed_in("metric", ["5", "160.9344", "25.4", "16.09344"]).unwrap().unwrap();
        let found: Vec<_> = weather.iter().map(|(_, value)| value).collect();
        assert_eq!(found, [41.0, 100.0, 1.0, 10.0]);
        assert_eq!(typed_in("metric", ["61", "419", "", ""]).map(|_| ()).unwrap_err().len(), 2);
        assert_eq!(typed_in("nautical", ["5", "", "", ""]).map(|_| ()), Err(vec![UNITS.to_owned()]));
    }

    #[test]
    fn what_was_typed_in_one_unit_is_shown_in_another() {
        let form = WeatherForm { typed: ["41", "", "much", "10"].map(str::to_owned), units: String::new() };
        let shown = |units| form.texts_in(units).map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(shown(Units::Metric), ["5", "", "much", "16.09344"]);
        assert_eq!(shown(Units::Imperial), ["41", "", "much", "10"]);
        assert_eq!(form.filled().count(), 3);
    }

    #[test]
    fn all_wrong_values_are_named() {
        let wrong = typed(["200", "strong", "NaN", "10"]).map(|_| ());
        assert_eq!(wrong, Err(["Weather.Temp", "Weather.WindSpeed", "Weather.Precip"].map(str::to_owned).to_vec()));
    }
}
