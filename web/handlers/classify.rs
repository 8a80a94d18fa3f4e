//! `POST /flights/delays/predict/classify_realtime`: a form becomes a request in the log.

use std::sync::Arc;

use bytes::Buf;
use delaycast::clock;
use futures_util::Stream;
use serde_json::json;
use warp::http::{HeaderMap, StatusCode};

use super::{json_text, redirect};
use crate::{
    accept::Accepts,
    body,
    models::{FlightForm, result_url},
    problem::{Handled, Problem},
    site::Site,
};

/// Answers once the log has acknowledged the request: a browser's plain form with the page of its result, anyone else
/// with the request's id.
pub(crate) async fn classify<B: Buf>(
    headers: HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
    site: Arc<Site>,
) -> Handled {
    let accepts = Accepts::of(&headers);
    let pairs = body::read_form(&headers, body, site.parts.config.body_within).await;
    let pairs = pairs.map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let (form, unclear) = FlightForm::from_pairs(pairs);
    let request = form.to_request(unclear, &site.parts.atlas, clock::now().naive_utc());
    let request = request.map_err(|faults| Problem::invalid(faults, Some(form)))?;
    let id = request.id.as_str();
    if let Err(error) = site.publish(&request).await {
        tracing::warn!(%id, %error, "a request was not acknowledged");
        // What the log says is for its operator; it may name hosts and files.
        let reason = "the request log does not answer. The request may still land; \
                      to be sure, look for its answer or ask again";
        return Err(Problem::unavailable("log", reason.to_owned(), Some(request.id)));
    }
    if accepts.page {
        return Ok(redirect(StatusCode::SEE_OTHER, &format!("{}#result", result_url(id))));
    }
    Ok(json_text(StatusCode::OK, &json!({ "status": "OK", "id": id }), accepts))
}
