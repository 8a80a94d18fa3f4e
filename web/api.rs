//! The JSON routes: publish a request to the log, look its answer up in the store, `/ops.json`.

use std::sync::Arc;

use bytes::Buf;
use delaycast::request::Field;
use engine::{
    clock,
    request::{Invalid, RequestId},
    store::Outcome,
};
use futures_util::Stream;
use serde_json::json;
use server::{Accepts, operations_json};
use warp::{
    http::{HeaderMap, StatusCode},
    reply::Response,
};

use crate::{
    body::{percent_decoded, read_form},
    completion::{Completed, complete},
    flight_form::{FlightForm, MISSING, result_url},
    problem::{FieldError, HandlerResult, Problem},
    reply::{json_text, redirect},
    state::AppState,
};

/// `POST /flights/delays/predict/classify_realtime`: publishes the form's request to the log.
///
/// Responds once the log has acknowledged the request: to a browser's form with a redirect to the result's page, to
/// other clients with the request's id.
pub(crate) async fn classify<B: Buf>(
    headers: HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
    state: Arc<AppState>,
) -> HandlerResult {
    let accepts = Accepts::of(&headers);
    let pairs = read_form(&headers, body, state.parts.config.connections.body_within).await;
    let pairs = pairs.map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let (form, malformed) = FlightForm::from_pairs(pairs);
    let now = state.now();
    let Completed { form, schedule, errors } = complete(form, &state, now).await;
    let request = form.to_request(malformed, &state.parts.airports, clock::now().naive_utc());
    let mut request = match request {
        Ok(request) if errors.is_empty() => request,
        others => return Err(Problem::refused(first_of_each_field(errors, others.err()), form)),
    };
    request.schedule = schedule;
    request.as_of = state.parts.config.replay.is_some().then_some(now);
    let id = request.id.as_str();
    if let Err(error) = state.publish(&request).await {
        tracing::warn!(%id, %error, "a request was not acknowledged");
        // The log's own error is for its operator: it may name hosts and files.
        let reason = "the request log does not answer. The request may still land; \
                      to be sure, look for its answer or ask again";
        return Err(Problem::unavailable("log", reason.to_owned(), Some(request.id)));
    }
    if accepts.page {
        return Ok(redirect(StatusCode::SEE_OTHER, &format!("{}#result", result_url(id))));
    }
    Ok(json_text(StatusCode::OK, &json!({ "status": "OK", "id": id }), accepts))
}

/// The errors of the completion, then those of the fields that it does not speak of.
fn first_of_each_field(mut errors: Vec<FieldError>, others: Option<Vec<Invalid>>) -> Vec<FieldError> {
    // A phrase or a flight number that is not understood is the reason why the fields are empty that follow from it.
    let explains = errors.iter().any(|error| error.field != Field::CrsDepTime.name());
    for invalid in others.into_iter().flatten() {
        let follows = explains && invalid.reason == MISSING;
        if !follows && !errors.iter().any(|error| error.field == invalid.field) {
            errors.push(invalid.into());
        }
    }
    errors
}

/// `GET /flights/delays/predict/classify_realtime/response/<uuid>`: looks an answer up.
///
/// Responds `WAIT`, `OK` with the prediction, or `REJECTED` with the reason. An unknown id waits, too: its request may
/// be on its way.
pub(crate) async fn response(id: String, headers: HeaderMap, state: Arc<AppState>) -> HandlerResult {
    let id = read_id(&id).map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let found = state.find(&id).await.map_err(|error| {
        tracing::warn!(?id, %error, "an answer could not be looked up");
        Problem::unavailable("store", "the store does not answer. Ask again".to_owned(), None)
    })?;
    let body = match found {
        None => json!({ "status": "WAIT", "id": id.as_str() }),
        Some(Outcome::Answered(document)) => json!({ "status": "OK", "id": id.as_str(), "prediction": document }),
        Some(Outcome::Rejected(reason)) => json!({ "status": "REJECTED", "id": id.as_str(), "reason": reason }),
    };
    Ok(json_text(StatusCode::OK, &body, Accepts::of(&headers)))
}

/// warp passes path segments on percent-encoded.
pub(crate) fn read_id(segment: &str) -> Result<RequestId, Invalid> {
    RequestId::new(percent_decoded(segment, "UUID")?)
}

/// `GET /ops.json`.
pub(crate) fn operations(state: Arc<AppState>) -> Response {
    operations_json(&*state.parts.operations)
}
