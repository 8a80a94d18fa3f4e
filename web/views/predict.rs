//! The page with the form and the result of a request.

use delaycast::{
    airports::Airports,
    flight::{CLASSES, DelayClass},
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

#[derive(Debug, Serialize)]
struct FormView {
    dep_delay: FieldView,
    carrier: FieldView,
    flight_date: FieldView,
    origin: FieldView,
    dest: FieldView,
    flight_num: FieldView,
}

impl FormView {
    fn new(form: &FlightForm, errors: &[FieldError], airports: &Airports) -> Self {
        let error = |field: &str| {
            let error = errors.iter().find(|error| error.field == field);
            error.map(|error| format!("{}.", capitalized(&error.reason)))
        };
        let plain = |field: &str, text: &str| FieldView { value: text.to_owned(), error: error(field), name: None };
        let code = |field: &str, text: &str, name: Option<&str>| FieldView {
            name: name.map(str::to_owned),
            ..plain(field, text)
        };
        FormView {
            dep_delay: plain("DepDelay", &form.dep_delay),
            carrier: code("Carrier", &form.carrier, airline_name(&form.carrier, airports)),
            flight_date: plain("FlightDate", &form.flight_date),
            origin: code("Origin", &form.origin, airport_name(&form.origin, airports)),
            dest: code("Dest", &form.dest, airport_name(&form.dest, airports)),
            flight_num: plain("FlightNum", &form.flight_num),
        }
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
