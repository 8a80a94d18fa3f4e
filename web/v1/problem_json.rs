//! Problem details (RFC 9457) of a request that is not served.

use serde_json::json;
use warp::{http::StatusCode, reply::Response};

use super::questions::path_of;
use crate::{problem::Problem, reply::json_as};

/// Returns the name of the response in the OpenAPI document that describes a status; `None` for what the status says by
/// itself.
fn description(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST => Some("Malformed"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some("WrongContentType"),
        StatusCode::UNPROCESSABLE_ENTITY => Some("Unprocessable"),
        StatusCode::SERVICE_UNAVAILABLE => Some("Unavailable"),
        _ => None,
    }
}

/// Makes the response. Its `type` leads to the description in the OpenAPI document, and `instance` to the question that
/// it is about.
pub(crate) fn respond(problem: &Problem) -> Response {
    let kind = match description(problem.status) {
        Some(name) => format!("/api/v1/openapi.json#/components/responses/{name}"),
        None => "about:blank".to_owned(),
    };
    let title = problem.title.as_ref().map(ToString::to_string);
    let title = title.as_deref().or(problem.status.canonical_reason()).unwrap_or_default();
    let reasons = problem.errors.iter().map(|error| format!("{}: {}", error.field, error.reason));
    let mut body = json!({
        "type": kind,
        "title": title,
        "status": problem.status.as_u16(),
        "detail": reasons.collect::<Vec<_>>().join("; "),
        "errors": problem.errors,
    });
    if let Some(id) = &problem.id {
        body["instance"] = path_of(id).into();
    }
    json_as(problem.status, "application/problem+json", &body)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::v1::reply::OPENAPI;

    #[test]
    fn each_type_is_described_in_the_openapi_document() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let named: Vec<&str> =
            (100..600).filter_map(|status| description(StatusCode::from_u16(status).unwrap())).collect();
        assert!(named.len() > 3);
        for name in named {
            assert!(document["components"]["responses"][name]["description"].is_string(), "{name}");
        }
    }
}
