//! The form of a flight: the same on each page that asks.

use std::collections::BTreeMap;

use delaycast::{flight::Observation, request::Field};
use serde::Serialize;

use super::words::{airline_name, airport_name, capitalized};
use crate::{
    field_error::{Choice, FieldError},
    flight_form::{FlightForm, PHRASE},
    form_page::FormPage,
    state::Parts,
    texts::{Texts, say},
    units::Units,
};

/// The fields that say which flight it is.
const IDENTITY: [Field; 4] = [Field::Carrier, Field::FlightNum, Field::Origin, Field::Dest];

/// A field of the form: its text, its error, and the name that belongs to its code.
#[derive(Debug, Default, Serialize)]
struct FieldView {
    value: String,
    error: Option<String>,
    /// The meanings, if the text has several.
    choices: Vec<Choice>,
    name: Option<String>,
}

fn weather_label(observation: Observation, texts: Texts) -> String {
    match observation {
        Observation::Temp => say!(texts, "weather-temp"),
        Observation::WindSpeed => say!(texts, "weather-wind"),
        Observation::Precip => say!(texts, "weather-rain"),
        Observation::Visibility => say!(texts, "weather-visibility"),
        // The form asks for no other.
        other => other.name().to_owned(),
    }
}

/// The form with its fields by their names on the wire.
#[derive(Debug, Serialize)]
pub(super) struct FormView {
    #[serde(flatten)]
    fields: BTreeMap<&'static str, FieldView>,
    /// The address to which it is sent.
    action: &'static str,
    /// It has a switch to follow the flight.
    can_follow: bool,
    /// The number of wrong fields.
    errors: usize,
    /// The single fields are shown, not the phrase alone.
    has_fields: bool,
    /// The weather at the departure, if the model takes it.
    weather: Vec<WeatherField>,
    /// The units of the weather, if they are not those of the wire.
    units: Option<&'static str>,
}

/// A field of the weather.
#[derive(Debug, Serialize)]
struct WeatherField {
    name: &'static str,
    label: String,
    unit: String,
    value: String,
    error: Option<String>,
}

impl FormView {
    /// `is_open` shows the single fields of a flight that they name.
    pub(super) fn new(form: &FlightForm, errors: &[FieldError], is_open: bool, parts: &Parts, texts: Texts) -> Self {
        let airports = &parts.airports;
        let errors: Vec<FieldError> = errors.iter().map(|error| error.in_language(texts)).collect();
        let error_of = |field: &str| errors.iter().find(|error| error.field == field);
        let error = |field: &str| error_of(field).map(|error| format!("{}.", capitalized(&error.reason.text(texts))));
        let choices = |field: &str| error_of(field).map(|error| error.choices.clone()).unwrap_or_default();
        let view = |(field, text): (Field, &str)| {
            let name = match field {
                Field::Carrier => airline_name(text, airports),
                Field::Origin | Field::Dest => airport_name(text, airports),
                _ => None,
            };
            let (value, name) = (text.to_owned(), name.map(str::to_owned));
            let (error, choices) = (error(field.name()), choices(field.name()));
            (field.name(), FieldView { value, error, choices, name })
        };
        let phrase = FieldView {
            value: form.phrase.clone(),
            error: error(PHRASE),
            choices: choices(PHRASE),
            ..FieldView::default()
        };
        // The errors of a form are in the units in which it was typed.
        let is_wrong = errors.iter().any(|error| form.weather.texts().any(|(known, _)| error.field == known.path()));
        let units = if is_wrong { form.weather.units() } else { Units::of(texts.language) };
        FormView {
            units: (units != Units::default()).then(|| units.name()),
            fields: [(PHRASE, phrase)].into_iter().chain(form.texts().map(view)).collect(),
            action: FormPage::Answer.action(),
            can_follow: true,
            errors: errors.len(),
            has_fields: (is_open && IDENTITY.iter().any(|field| !form.text(*field).is_empty()))
                || form.weather.is_filled()
                || errors.iter().any(|error| error.field != PHRASE),
            weather: form
                .weather
                .texts_in(units)
                .filter(|_| parts.config.asks_weather)
                .map(|(observation, text)| WeatherField {
                    name: observation.path(),
                    label: weather_label(observation, texts),
                    unit: units.unit(observation, texts),
                    value: text,
                    error: error(observation.path()),
                })
                .collect(),
        }
    }

    /// The same form on another page. The answers of the batch are not followed.
    pub(super) fn on(self, page: FormPage) -> Self {
        FormView { action: page.action(), can_follow: page != FormPage::Batch, ..self }
    }
}
