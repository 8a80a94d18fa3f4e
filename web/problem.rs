//! A reason why a request is not served. `handlers/error.rs` makes it a response.

use std::borrow::Cow;

use engine::request::{Invalid, RequestId};
use serde::Serialize;
use server::HostError;
use warp::{http::StatusCode, reject::Reject, reply::Response};

use crate::flight_form::FlightForm;

/// The outcome of a handler.
pub(crate) type HandlerResult = Result<Response, Box<Problem>>;

/// A part of the request that is wrong, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    pub(crate) field: Cow<'static, str>,
    pub(crate) reason: String,
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        FieldError { field: invalid.field.into(), reason: invalid.reason }
    }
}

/// The reason why a request is not served.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) errors: Vec<FieldError>,
    /// The methods that the path takes, if that is the problem.
    pub(crate) allow: Option<&'static str>,
    /// The id of the request that may still land.
    pub(crate) id: Option<RequestId>,
    /// The form as it was sent, to be shown again.
    pub(crate) form: Option<FlightForm>,
}

impl Reject for Problem {}

impl Problem {
    fn new(status: StatusCode, field: &'static str, reason: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), reason: reason.into() };
        Problem { status, errors: vec![error], allow: None, id: None, form: None }
    }

    /// The input is wrong; `form` is what was sent, if it could be read.
    pub(crate) fn invalid(errors: Vec<Invalid>, form: Option<FlightForm>) -> Box<Self> {
        let errors = errors.into_iter().map(FieldError::from).collect();
        Box::new(Problem { status: StatusCode::BAD_REQUEST, errors, allow: None, id: None, form })
    }

    /// There is no such page.
    pub(crate) fn not_found() -> Self {
        Problem::new(StatusCode::NOT_FOUND, "path", "there is nothing at this address")
    }

    /// The path takes other methods.
    pub(crate) fn not_allowed(allow: &'static str) -> Self {
        let reason = format!("this address takes {allow} only");
        Problem { allow: Some(allow), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", reason) }
    }

    /// The request's host is not allowed.
    pub(crate) fn wrong_host(error: &HostError) -> Self {
        match error {
            HostError::Malformed => {
                Problem::new(StatusCode::BAD_REQUEST, "Host", "one Host is wanted, as in Host: localhost:5001")
            }
            HostError::NotAllowed(known) => {
                let reason = format!(
                    "this page answers to {known}; for another name, start delaycast with --host and that name"
                );
                Problem::new(StatusCode::MISDIRECTED_REQUEST, "Host", reason)
            }
        }
    }

    /// The log or the store (`part`) is unavailable. `id` is a request that may still land.
    pub(crate) fn unavailable(part: &'static str, reason: String, id: Option<RequestId>) -> Box<Self> {
        Box::new(Problem { id, ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, part, reason) })
    }

    /// A defect of this program.
    pub(crate) fn defect() -> Self {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "server", "an error on our side; it has been logged")
    }

    /// Attaches the problem to a response, for the outermost filter, which knows the client's `Accept`.
    pub(crate) fn into_response(self: Box<Self>) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
