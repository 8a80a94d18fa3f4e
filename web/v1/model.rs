//! The models that answer, as far as this process can know: it has none itself, and counts answers in the store.

use serde_json::{Value, json};
use warp::http::StatusCode;

use super::{call::Call, reply};
use crate::problem::HandlerResult;
use crate::query::Query;

/// The dimension of `/ops.json` with the versions.
const DIMENSION: &str = "model";
/// The reason why it is not told what a model has learned from.
const UNKNOWN: &str =
    "no answer says what its model has learned from; `delaycast models show` does, where the models are";

/// `GET /api/v1/model`: the versions that have answered lately, and their shares of the answers.
pub(super) async fn model(call: Call) -> HandlerResult {
    Query::of_client(&call.query, &[])?.check()?;
    let status = call.state.parts.operations.now();
    let total = status.answers.total;
    let versions: Vec<Value> = status
        .answers
        .by(DIMENSION)
        .iter()
        .map(|version| {
            let share = if total > 0 { version.count as f64 / total as f64 } else { 0.0 };
            json!({ "version": version.name, "answers": version.count, "share": (share * 1e4).round() / 1e4 })
        })
        .collect();
    let body = json!({
        "at": status.at,
        "window_s": status.window_s,
        "behind_s": status.behind_s,
        "answers": total,
        "versions": versions,
        "learned_from": null,
        "unknown": { "learned_from": UNKNOWN },
        "links": { "self": "/api/v1/model" },
    });
    Ok(reply::json(StatusCode::OK, &body))
}
