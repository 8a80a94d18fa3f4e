//! The response to a request that is not served: a page, or JSON where the client does not accept pages. The APIs have
//! forms of their own.

use serde_json::json;
use server::Accepts;
use warp::{
    http::{HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::{
    amadeus,
    problem::Problem,
    reply,
    state::AppState,
    v1,
    views::{batch::BatchView, error::ErrorView, predict::PredictView},
};

/// Seconds after which a client may retry when the log or the store was unavailable.
const RETRY_AFTER_S: &str = "2";
/// The login of the operations: Basic authentication (RFC 7617).
const CHALLENGE: &str = "Basic realm=\"operations\", charset=\"UTF-8\"";

/// Renders a problem of a path. A form that was refused is shown again.
pub(crate) fn respond(problem: &Problem, path: &str, accepts: Accepts, state: &AppState) -> Response {
    let mut response = if v1::is_below(path) {
        v1::problem(problem)
    } else if amadeus::is_below(path) {
        amadeus::problem(problem)
    } else if accepts.page {
        page(problem, state)
    } else {
        json(problem, accepts)
    };
    let headers = response.headers_mut();
    if let Some(allow) = problem.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = problem.refresh_s {
        headers.insert(header::REFRESH, HeaderValue::from(seconds));
    }
    if problem.needs_login {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    }
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
    }
    response
}

fn json(problem: &Problem, accepts: Accepts) -> Response {
    let mut body = json!({ "status": "ERROR", "errors": problem.errors });
    if let Some(id) = &problem.id {
        body["id"] = json!(id.as_str());
    }
    reply::json_text(problem.status, &body, accepts)
}

fn page(problem: &Problem, state: &AppState) -> Response {
    let html = match &problem.form {
        Some(form) if problem.is_of_batch => {
            state.renderer.render(&BatchView::refused(form, &problem.errors, &state.parts))
        }
        Some(form) => state.renderer.render(&PredictView::refused(form, &problem.errors, &state.parts)),
        None => state.renderer.render(&ErrorView::new(problem)),
    };
    reply::page(problem.status, html)
}
