//! Questions about flights, and their answers.

use std::time::Duration;

use delaycast::request::{Request, encode};
use engine::{request::RequestId, store::Outcome};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use warp::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    reply::Response,
};

use super::{call::Call, fields::SentQuestion, idempotency::KeyedQuestion, reply};
use crate::{
    asking::{publish, to_request},
    body::{json_object, percent_decoded, read_text},
    field_error::FieldError,
    form_page::result_url,
    problem::{HandlerResult, Problem},
    waiting,
};

/// Upper bound on the seconds that a client can wait.
const WAIT_S_MAX: u64 = 10;
/// Upper bound on the length of an id.
const ID_BYTES_MAX: usize = 128;
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `POST /api/v1/questions`: publishes a question to the log.
///
/// Responds with 202 and the question's address, or with 200 and the answer, if the client prefers to wait and it comes
/// in time. Where too many wait, the preference is not applied.
pub(super) async fn ask(call: Call) -> HandlerResult {
    let Call { headers, body, state, .. } = call;
    check_content_type(&headers)?;
    let malformed = Problem::invalid::<FieldError>;
    let text = read_text(body, state.parts.config.connections.body_within).await.map_err(malformed)?;
    let mut members = json_object(&text).map_err(malformed)?;
    // The order of the members means nothing.
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    let keyed = KeyedQuestion::read(&headers, &json!(members).to_string())?;
    let sent = SentQuestion::read(&members).map_err(Problem::unprocessable)?;
    let known = match &keyed {
        // It may have been asked before a restart, or elsewhere; else nothing is known of it.
        Some(keyed) => state.find(&keyed.id()).await.ok().flatten(),
        None => None,
    };
    if let (Some(keyed), Some(outcome)) = (&keyed, known) {
        state.asked.remember(keyed)?;
        return Ok(settled(&keyed.id(), outcome));
    }
    let request = to_request(sent.form.clone(), Vec::new(), &state).await;
    let mut request = request.map_err(|problem| match problem.status {
        StatusCode::BAD_REQUEST => Problem::unprocessable(problem.errors),
        _ => problem,
    })?;
    sent.complete(&mut request);
    if let Some(keyed) = &keyed {
        state.asked.remember(keyed)?;
        request.id = keyed.id();
    }
    let wait_s = wait_s(&headers).filter(|seconds| *seconds > 0);
    let waits = wait_s.and_then(|seconds| Some((seconds, state.wait_permit()?)));
    publish(&request, &state).await?;
    let id = &request.id;
    let Some((seconds, permit)) = waits else { return Ok(accepted(&request)) };
    let mut response = match waiting::for_outcome(id, Duration::from_secs(seconds), permit, &state).await? {
        Some(outcome) => settled(id, outcome),
        None => accepted(&request),
    };
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={seconds}")) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// `GET /api/v1/questions/{id}`: looks an answer up. An unknown id waits, too: its question may be on its way.
pub(super) async fn find(call: Call) -> HandlerResult {
    let id = read_id(&call)?;
    Ok(match waiting::look(&id, &call.state).await? {
        None => reply::json(StatusCode::OK, &body_of(&id, "waiting", Map::new())),
        Some(Outcome::Answered(document)) => reply::immutable(&answered(&id, document), &call.headers),
        Some(outcome) => settled(&id, outcome),
    })
}

/// Reads the id in a path.
pub(super) fn read_id(call: &Call) -> Result<RequestId, Box<Problem>> {
    let id = percent_decoded(call.parameter(), "id").and_then(|text| {
        let is_visible = text.len() <= ID_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        let reason = format!("must have 1 to {ID_BYTES_MAX} visible characters of ASCII");
        if is_visible { Ok(RequestId::new(text)?) } else { Err(FieldError::new("id", reason)) }
    });
    id.map_err(Problem::invalid)
}

/// The address of a question.
pub(super) fn path_of(id: &RequestId) -> String {
    format!("/api/v1/questions/{}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC).to_string().replace("%2D", "-"))
}

/// Scripts of other sites can send other types without asking first.
fn check_content_type(headers: &HeaderMap) -> Result<(), Box<Problem>> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json");
    if is_json { Ok(()) } else { Err(Problem::wrong_content_type("must be application/json")) }
}

/// The seconds of the preference `wait` (RFC 7240); the first one counts, and one that cannot be read is ignored.
fn wait_s(headers: &HeaderMap) -> Option<u64> {
    let sent = headers.get_all(&PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = sent.flat_map(|value| value.split(',')).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse::<u64>())
    });
    preferences.next()?.ok().map(|seconds| seconds.min(WAIT_S_MAX))
}

/// The body of a question in a state, with links.
fn body_of(id: &RequestId, status: &str, more: Map<String, Value>) -> Value {
    let path = path_of(id);
    let mut body = json!({ "id": id.as_str(), "status": status });
    if let Value::Object(body) = &mut body {
        body.extend(more);
    }
    body["links"] = json!({
        "self": path,
        "versions": format!("{path}/versions"),
        "events": format!("{path}/events"),
        "page": result_url(id.as_str()),
    });
    body
}

/// A question that was published, with the flight that it is about, as it was completed.
fn accepted(request: &Request) -> Response {
    let mut asked: Map<String, Value> = serde_json::from_str(&encode(request)).unwrap_or_default();
    asked.remove("UUID");
    let more = Map::from_iter([("question".to_owned(), Value::Object(asked))]);
    let mut response = reply::json(StatusCode::ACCEPTED, &body_of(&request.id, "waiting", more));
    set_location(&mut response, &request.id);
    response
}

fn answered(id: &RequestId, document: Map<String, Value>) -> Value {
    body_of(id, "answered", Map::from_iter([("answer".to_owned(), Value::Object(document))]))
}

/// A question with its outcome.
fn settled(id: &RequestId, outcome: Outcome) -> Response {
    let body = match outcome {
        Outcome::Answered(document) => answered(id, document),
        Outcome::Rejected(reason) => {
            body_of(id, "rejected", Map::from_iter([("reason".to_owned(), Value::String(reason))]))
        }
    };
    let mut response = reply::json(StatusCode::OK, &body);
    if let Ok(path) = HeaderValue::from_str(&path_of(id)) {
        response.headers_mut().insert(header::CONTENT_LOCATION, path);
    }
    response
}

fn set_location(response: &mut Response, id: &RequestId) {
    // An encoded id is visible ASCII.
    if let Ok(path) = HeaderValue::from_str(&path_of(id)) {
        response.headers_mut().insert(header::LOCATION, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_preference_to_wait_counts_up_to_the_bound() {
        let wait = |values: &[&'static str]| {
            wait_s(&HeaderMap::from_iter(values.iter().map(|value| (PREFER, HeaderValue::from_static(value)))))
        };
        assert_eq!(wait(&["wait=3"]), Some(3));
        assert_eq!(wait(&["respond-async, Wait = \"7\"; x=y, wait=2"]), Some(7));
        assert_eq!(wait(&["respond-async", "wait=99"]), Some(10));
        for ignored in ["wait", "wait=", "wait=-1", "wait=soon", "waiting=3"] {
            assert_eq!(wait(&[ignored]), None, "{ignored}");
        }
        assert_eq!(wait(&[]), None);
    }
}
