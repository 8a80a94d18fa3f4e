//! The response to a request that is not served: a page, or JSON where the client does not accept pages. The APIs have
//! forms of their own.

use serde_json::json;
use server::Accepts;
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::{
    amadeus,
    field_error::FieldError,
    form_page::FormPage,
    problem::Problem,
    reply,
    state::AppState,
    texts::{Language, Texts},
    v1,
    views::{batch::BatchView, error::ErrorView, predict::PredictView, regress::RegressView},
    visit::Visit,
};

/// Seconds after which a client may retry when the log or the store was unavailable.
const RETRY_AFTER_S: &str = "2";
/// The login of the operations: Basic authentication (RFC 7617).
const CHALLENGE: &str = "Basic realm=\"operations\", charset=\"UTF-8\"";

/// Renders a problem of a path. A form that was refused is shown again.
pub(crate) fn respond(problem: &Problem, path: &str, visit: &Visit, sent: &HeaderMap, state: &AppState) -> Response {
    let accepts = Accepts::of(sent);
    let mut response = if v1::is_below(path) {
        v1::problem(problem)
    } else if amadeus::is_below(path) {
        amadeus::problem(problem)
    } else if accepts.page {
        page(problem, visit, state)
    } else {
        json(problem, accepts, Language::of_script(sent))
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

/// The script of a page shows the texts of its language; other clients get English.
fn json(problem: &Problem, accepts: Accepts, language: Language) -> Response {
    let texts = Texts::of(language);
    let errors: Vec<FieldError> = problem.errors.iter().map(|error| error.in_language(texts)).collect();
    let mut body = json!({ "status": "ERROR", "errors": errors });
    if let Some(id) = &problem.id {
        body["id"] = json!(id.as_str());
    }
    reply::json_text(problem.status, &body, accepts)
}

fn page(problem: &Problem, visit: &Visit, state: &AppState) -> Response {
    let Problem { status, errors, form, page, .. } = problem;
    let Some(form) = form else { return visit.page(*status, &ErrorView::new(problem, visit.texts), state) };
    let (visit, parts) = (visit.clone().of_form(*page, form), &state.parts);
    let refused = PredictView::refused(form, errors, parts, visit.texts);
    match page {
        FormPage::Answer => visit.page(*status, &refused, state),
        FormPage::Minutes => visit.page(*status, &RegressView::new(refused, visit.texts), state),
        FormPage::Batch => visit.page(*status, &BatchView::refused(form, errors, parts, visit.texts), state),
    }
}
