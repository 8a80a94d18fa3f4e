//! Responses: JSON, pages of lists, the OpenAPI document.

use engine::runtime::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use warp::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    reply::Response,
};

use crate::{assets, reply::json_as};

/// The OpenAPI document.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

const JSON: &str = "application/json";
/// An answer is never changed. It is the client's own.
const FOREVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
/// The document changes with the program.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// JSON that no cache keeps.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    json_as(status, JSON, body)
}

/// JSON that never changes; a 304 if the client has it.
pub(super) fn immutable(body: &Value, headers: &HeaderMap) -> Response {
    let text = body.to_string();
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
    let is_known = assets::is_known(headers, &etag);
    let mut response = if is_known { Response::default() } else { Response::new(text.into()) };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, FOREVER);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
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
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.headers_mut().insert(header::CACHE_CONTROL, REVALIDATE);
    response
}
