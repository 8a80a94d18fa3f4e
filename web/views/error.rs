//! The page that shows why a request was not served.

use serde::Serialize;
use warp::http::StatusCode;

use super::words::capitalized;
use crate::{
    field_error::FieldError,
    form_page::result_url,
    problem::Problem,
    render::View,
    texts::{Texts, message},
};

/// The page.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorView {
    #[serde(skip)]
    title: Option<String>,
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
        self.title.as_deref()
    }
}

impl ErrorView {
    pub(crate) fn new(problem: &Problem, texts: Texts) -> Self {
        let status = problem.status;
        let title = match status {
            StatusCode::NOT_FOUND => Some(message!("problem-not-found")),
            StatusCode::MISDIRECTED_REQUEST => Some(message!("problem-misdirected")),
            StatusCode::METHOD_NOT_ALLOWED => Some(message!("problem-method")),
            StatusCode::UNAUTHORIZED => Some(message!("problem-login")),
            StatusCode::FORBIDDEN => Some(message!("problem-forbidden")),
            StatusCode::TOO_MANY_REQUESTS => Some(message!("problem-too-many")),
            StatusCode::SERVICE_UNAVAILABLE => Some(message!("problem-unavailable")),
            status if status.is_client_error() => Some(message!("problem-unread")),
            _ => None,
        };
        let view = |error: &FieldError| {
            let reason = error.reason.text(texts);
            match status {
                StatusCode::BAD_REQUEST => ReasonView { field: Some(error.field.to_string()), reason },
                _ => ReasonView { field: None, reason: capitalized(&reason) },
            }
        };
        ErrorView {
            title: problem.title.as_ref().or(title.as_ref()).map(|title| title.text(texts)),
            status: status.as_u16(),
            errors: problem.errors.iter().map(view).collect(),
            result_url: problem.id.as_ref().map(|id| result_url(id.as_str())),
            is_of_history: problem.is_of_history,
        }
    }
}
