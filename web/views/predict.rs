//! The page with the form and the result of a request.

use std::collections::BTreeMap;

use delaycast::{
    airports::Airports,
    flight::{CLASSES, DelayClass},
    request::Field,
};
use serde::Serialize;

use super::{
    result::ResultView,
    words::{airline_name, airport_name, capitalized},
};
use crate::{flight_form::FlightForm, problem::FieldError, render::View, state::Parts};

/// A field of the form: its text, its error, and the name that belongs to its code.
#[derive(Debug, Default, Serialize)]
struct FieldView {
    value: String,
    error: Option<String>,
    name: Option<String>,
}

/// The fields of the form by their names on the wire.
#[derive(Debug, Serialize)]
struct FormView(BTreeMap<&'static str, FieldView>);

impl FormView {
    fn new(form: &FlightForm, errors: &[FieldError], airports: &Airports) -> Self {
        let error = |field: &str| {
            let error = errors.iter().find(|error| error.field == field);
            error.map(|error| format!("{}.", capitalized(&error.reason)))
        };
        let view = |(field, text): (Field, &str)| {
            let name = match field {
                Field::Carrier => airline_name(text, airports),
                Field::Origin | Field::Dest => airport_name(text, airports),
                _ => None,
            };
            let (value, name) = (text.to_owned(), name.map(str::to_owned));
            (field.name(), FieldView { value, error: error(field.name()), name })
        };
        FormView(form.texts().map(view).collect())
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct PredictView {
    form: FormView,
    result: ResultView,
    classes: [String; CLASSES],
    /// The number of wrong fields.
    errors: usize,
    give_up_after_ms: u128,
}

impl View for PredictView {
    const PAGE: &'static str = "predict";

    fn title(&self) -> Option<&str> {
        self.result.title()
    }
}

impl PredictView {
    /// The form alone.
    pub(crate) fn empty(parts: &Parts) -> Self {
        Self::new(&FlightForm::initial(), &[], ResultView::none(), parts)
    }

    /// The form as it was sent, each wrong field with its reason.
    pub(crate) fn refused(form: &FlightForm, errors: &[FieldError], parts: &Parts) -> Self {
        Self::new(form, errors, ResultView::none(), parts)
    }

    /// The form and the result of a request. If it is answered, the form shows the request.
    pub(crate) fn with_result(result: ResultView, parts: &Parts) -> Self {
        let form = result.asked().cloned().unwrap_or_else(FlightForm::initial);
        Self::new(&form, &[], result, parts)
    }

    fn new(form: &FlightForm, errors: &[FieldError], result: ResultView, parts: &Parts) -> Self {
        PredictView {
            form: FormView::new(form, errors, &parts.airports),
            result,
            classes: DelayClass::ALL.map(|class| capitalized(class.label())),
            errors: errors.len(),
            give_up_after_ms: parts.config.give_up_after.as_millis(),
        }
    }
}
