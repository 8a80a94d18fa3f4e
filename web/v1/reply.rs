//! Responses: JSON, pages of lists, the OpenAPI document.

use engine::runtime::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

/// The OpenAPI document.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// An answer is never changed. It is the client's own.
const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// The document changes with the program.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// JSON that no cache keeps.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// JSON that never changes; a 304 if the client has it.
pub(super) fn immutable(body: &Value, headers: &HeaderMap) -> Response {
    let text = body.to_string();
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
    let is_known = has(headers, &etag);
    let mut response = if is_known { Response::default() } else { Response::new(text.into()) };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, FOREVER);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// Returns whether the client's cache has what the tag names.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|value| value.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// A list under its name, with the fields of `more`, a link to itself and, if there is one, to its next page.
pub(super) fn list(name: &str, items: Vec<Value>, more: Value, this: &str, next: Option<String>) -> Response {
    let mut body = json!({ name: items });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body["links"] = json!({ "self": this, "next": next });
    let mut response = json(StatusCode::OK, &body);
    if let Some(link) = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// `GET /api/v1/openapi.json`.
pub(super) fn openapi() -> Response {
    let mut response = Response::new(OPENAPI.into());
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response.headers_mut().insert(header::CACHE_CONTROL, REVALIDATE);
    response
}
