//! The JSON routes: publish a request to the log, look its answer up in the store, `/ops.json`.

use std::sync::Arc;

use engine::{request::RequestId, store::Outcome};
use serde_json::json;
use server::{Accepts, operations_json};
use warp::{
    http::{HeaderMap, StatusCode},
    reply::Response,
};

use crate::{
    asking::{publish, read_request},
    body::{SentBody, percent_decoded},
    field_error::FieldError,
    form_page::result_url,
    problem::{HandlerResult, Problem},
    reply::{json_text, redirect},
    state::AppState,
    waiting,
};

/// `POST /flights/delays/predict/classify_realtime`: publishes the form's request to the log.
///
/// Responds once the log has acknowledged the request: to a browser's form with a redirect to the result's page, to
/// other clients with the request's id.
pub(crate) async fn classify(headers: HeaderMap, body: SentBody, state: Arc<AppState>) -> HandlerResult {
    let accepts = Accepts::of(&headers);
    let request = read_request(&headers, body, &state).await?;
    let id = request.id.as_str();
    publish(&request, &state).await?;
    if accepts.page {
        return Ok(redirect(StatusCode::SEE_OTHER, &format!("{}#result", result_url(id))));
    }
    Ok(json_text(StatusCode::OK, &json!({ "status": "OK", "id": id }), accepts))
}

/// `GET /flights/delays/predict/classify_realtime/response/<uuid>`: looks an answer up.
///
/// Responds `WAIT`, `OK` with the prediction, or `REJECTED` with the reason. An unknown id waits, too: its request may
/// be on its way.
pub(crate) async fn response(id: String, headers: HeaderMap, state: Arc<AppState>) -> HandlerResult {
    let id = read_id(&id).map_err(Problem::invalid)?;
    let body = match waiting::look(&id, &state).await? {
        None => json!({ "status": "WAIT", "id": id.as_str() }),
        Some(Outcome::Answered(document)) => json!({ "status": "OK", "id": id.as_str(), "prediction": document }),
        Some(Outcome::Rejected(reason)) => json!({ "status": "REJECTED", "id": id.as_str(), "reason": reason }),
    };
    Ok(json_text(StatusCode::OK, &body, Accepts::of(&headers)))
}

/// warp passes path segments on percent-encoded.
pub(crate) fn read_id(segment: &str) -> Result<RequestId, FieldError> {
    Ok(RequestId::new(percent_decoded(segment, "UUID")?)?)
}

/// `GET /ops.json`.
pub(crate) fn operations(state: Arc<AppState>) -> Response {
    operations_json(&*state.parts.operations)
}
