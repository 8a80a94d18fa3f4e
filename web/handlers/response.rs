//! `GET /flights/delays/predict/classify_realtime/response/<uuid>`: is there an answer yet?

use std::sync::Arc;

use delaycast::{
    request::{Invalid, RequestId},
    store::Outcome,
};
use serde_json::json;
use warp::http::{HeaderMap, StatusCode};

use super::json_text;
use crate::{
    accept::Accepts,
    body::percent_decoded,
    problem::{Handled, Problem},
    site::Site,
};

/// Says `WAIT`, `OK` with the prediction, or `REJECTED` with the reason. An id that nobody has asked about waits, too:
/// its request may be on its way.
pub(crate) async fn response(id: String, headers: HeaderMap, site: Arc<Site>) -> Handled {
    let id = read_id(&id).map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let found = site.find(&id).await.map_err(|error| {
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

/// warp hands path segments out as they stand, percent-encoded.
fn read_id(segment: &str) -> Result<RequestId, Invalid> {
    RequestId::new(percent_decoded(segment, "UUID")?)
}
