//! The page that shows why a request was not served.

use serde::Serialize;
use warp::http::StatusCode;

use super::words::capitalized;
use crate::{
    flight_form::result_url,
    problem::{FieldError, Problem},
    render::View,
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorView {
    #[serde(skip)]
    title: Option<&'static str>,
    status: u16,
    errors: Vec<ReasonView>,
    /// The address of the answer to a request that may have landed.
    result_url: Option<String>,
    is_of_history: bool,
}

#[derive(Debug, Serialize)]
struct ReasonView {
    /// The field that the client can correct; `None` if it can correct nothing.
    field: Option<String>,
    reason: String,
}

impl View for ErrorView {
    const PAGE: &'static str = "error";

    fn title(&self) -> Option<&str> {
        self.title
    }
}

impl ErrorView {
    pub(crate) fn new(problem: &Problem) -> Self {
        let status = problem.status;
        let title = match status {
            StatusCode::NOT_FOUND => Some("There is no such page"),
            StatusCode::MISDIRECTED_REQUEST => Some("This page is not here under that name"),
            StatusCode::METHOD_NOT_ALLOWED => Some("This page cannot be asked that way"),
            StatusCode::UNAUTHORIZED => Some("A login is wanted"),
            StatusCode::FORBIDDEN => Some("This is not shown here"),
            StatusCode::TOO_MANY_REQUESTS => Some("Too many questions"),
            StatusCode::SERVICE_UNAVAILABLE => Some("We cannot answer right now"),
            status if status.is_client_error() => Some("We could not read this"),
            _ => None,
        };
        let view = |error: &FieldError| match status {
            StatusCode::BAD_REQUEST => {
                ReasonView { field: Some(error.field.to_string()), reason: error.reason.clone() }
            }
            _ => ReasonView { field: None, reason: capitalized(&error.reason) },
        };
        ErrorView {
            title: problem.title.or(title),
            status: status.as_u16(),
            errors: problem.errors.iter().map(view).collect(),
            result_url: problem.id.as_ref().map(|id| result_url(id.as_str())),
            is_of_history: problem.is_of_history,
        }
    }
}
