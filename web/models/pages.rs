//! What the templates show.

use delaycast::{
    atlas::Atlas,
    classes::{CLASSES, DelayClass},
    code::Code,
    request::RequestId,
};
use serde::Serialize;
use warp::http::StatusCode;

use super::{FlightForm, ResultView, capitalized, flight_form::codes_in, result_url};
use crate::{problem::Fault, site::Parts};

/// A field of the form: its text, what is wrong with it, and the name that goes with its code.
#[derive(Debug, Default, Serialize)]
struct FieldView {
    value: String,
    error: Option<String>,
    name: Option<String>,
}

/// The form's fields.
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
    fn new(form: &FlightForm, faults: &[Fault], atlas: &Atlas) -> Self {
        let error = |field: &str| {
            let fault = faults.iter().find(|fault| fault.field == field);
            fault.map(|fault| format!("{}.", capitalized(&fault.reason)))
        };
        let plain = |field: &str, text: &str| FieldView { value: text.to_owned(), error: error(field), name: None };
        let code = |field: &str, text: &str, name: Option<&str>| FieldView {
            name: name.map(str::to_owned),
            ..plain(field, text)
        };
        FormView {
            dep_delay: plain("DepDelay", &form.dep_delay),
            carrier: code("Carrier", &form.carrier, airline_name(&form.carrier, atlas)),
            flight_date: plain("FlightDate", &form.flight_date),
            origin: code("Origin", &form.origin, airport_name(&form.origin, atlas)),
            dest: code("Dest", &form.dest, airport_name(&form.dest, atlas)),
            flight_num: plain("FlightNum", &form.flight_num),
        }
    }
}

/// The name of the airline that a text means, where it has one besides its code.
pub(super) fn airline_name<'a>(text: &str, atlas: &'a Atlas) -> Option<&'a str> {
    let named = |code: Code| atlas.airlines().find(|(known, name)| *known == code && *name != code.as_str());
    codes_in(text).find_map(named).map(|(_, name)| name)
}

/// The name of the airport that a text means, where it is known.
pub(super) fn airport_name<'a>(text: &str, atlas: &'a Atlas) -> Option<&'a str> {
    let named = |code: Code| atlas.airports().find(|(known, _)| *known == code)?.1;
    codes_in(text).find_map(named)
}

/// The page with the form.
#[derive(Debug, Serialize)]
pub(crate) struct PredictPage {
    title: String,
    form: FormView,
    result: ResultView,
    /// The four answers that there can be.
    classes: [String; CLASSES],
    /// How many fields are wrong.
    faults: usize,
    give_up_after_ms: u128,
}

impl PredictPage {
    /// The form alone.
    pub(crate) fn empty(parts: &Parts) -> Self {
        Self::new(&FlightForm::initial(), &[], ResultView::none(), parts)
    }

    /// The form as it was sent, each wrong field with its reason.
    pub(crate) fn refused(form: &FlightForm, faults: &[Fault], parts: &Parts) -> Self {
        Self::new(form, faults, ResultView::none(), parts)
    }

    /// The form and what has come of a request. Of an answered one the form shows what was asked.
    pub(crate) fn with_result(result: ResultView, parts: &Parts) -> Self {
        let form = result.asked().cloned().unwrap_or_else(FlightForm::initial);
        Self::new(&form, &[], result, parts)
    }

    fn new(form: &FlightForm, faults: &[Fault], result: ResultView, parts: &Parts) -> Self {
        PredictPage {
            title: result.title().to_owned(),
            form: FormView::new(form, faults, &parts.atlas),
            result,
            classes: DelayClass::ALL.map(|class| capitalized(class.label())),
            faults: faults.len(),
            give_up_after_ms: parts.config.give_up_after.as_millis(),
        }
    }
}

/// A page that says what is wrong, and no more.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorPage {
    title: &'static str,
    status: u16,
    faults: Vec<FaultView>,
    /// Where the answer to a request that may have landed would appear.
    result_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct FaultView {
    /// What the client can correct; where it can correct nothing, the reason speaks for itself.
    field: Option<String>,
    reason: String,
}

impl ErrorPage {
    /// Puts a problem into words.
    pub(crate) fn new(status: StatusCode, faults: &[Fault], id: Option<&RequestId>) -> Self {
        let title = match status {
            StatusCode::NOT_FOUND => "There is no such page",
            StatusCode::MISDIRECTED_REQUEST => "This page is not here under that name",
            StatusCode::METHOD_NOT_ALLOWED => "This page cannot be asked that way",
            StatusCode::SERVICE_UNAVAILABLE => "We cannot answer right now",
            status if status.is_client_error() => "We could not read this",
            _ => "Something broke on our side",
        };
        let view = |fault: &Fault| match status {
            StatusCode::BAD_REQUEST => FaultView { field: Some(fault.field.to_string()), reason: fault.reason.clone() },
            _ => FaultView { field: None, reason: capitalized(&fault.reason) },
        };
        let faults = faults.iter().map(view).collect();
        ErrorPage { title, status: status.as_u16(), faults, result_url: id.map(|id| result_url(id.as_str())) }
    }
}
