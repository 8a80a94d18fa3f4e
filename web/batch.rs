//! `POST /flights/delays/predict/classify`: keeps a request for the batch of the day.

use std::sync::Arc;

use chrono::NaiveDate;
use delaycast::request::{Field, Request, encode};
use engine::{batch::Task, clock};
use serde_json::{Map, Value};
use server::Accepts;
use warp::http::{HeaderMap, StatusCode};

use crate::{
    asking::read_request,
    body::SentBody,
    form_page::FormPage,
    problem::{HandlerResult, Problem},
    reply::{json_text, redirect},
    state::AppState,
};

/// Returns the address of the page with the answers to the questions of a day.
pub(crate) fn results_url(day: NaiveDate) -> String {
    format!("/flights/delays/predict_batch/results/{day}")
}

/// Keeps the form's request in the store.
///
/// Responds once it is durable: to a browser's form with a redirect to the page of its day, to other clients with the
/// task, as the old system did.
pub(crate) async fn classify(headers: HeaderMap, body: SentBody, state: Arc<AppState>) -> HandlerResult {
    let accepts = Accepts::of(&headers);
    let request = read_request(&headers, body, &state).await.map_err(|problem| problem.of_page(FormPage::Batch))?;
    let (day, task) = to_task(request);
    let (id, mut document) = (task.id.clone(), task.message.clone());
    let refused = state.batches(move |batches| batches.add(&[task])).await?;
    if let Some(refusal) = refused.into_iter().next() {
        tracing::error!(%id, "the store refuses a task: {}", refusal.reason);
        return Err(Box::new(Problem::defect()));
    }
    if accepts.page {
        return Ok(redirect(StatusCode::SEE_OTHER, &results_url(day)));
    }
    document.insert("_id".to_owned(), id.into());
    Ok(json_text(StatusCode::OK, &Value::Object(document), accepts))
}

/// Returns the task of a request, and its day. A batch follows no flight.
fn to_task(mut request: Request) -> (NaiveDate, Task) {
    request.follow = false;
    let asked_at = request.asked_at.unwrap_or_else(|| clock::now().naive_utc());
    request.asked_at = Some(asked_at);
    // A request always has the JSON of an object.
    let message: Map<String, Value> = serde_json::from_str(&encode(&request)).unwrap_or_default();
    let stamp = message.get(Field::Timestamp.name()).and_then(Value::as_str).unwrap_or_default().to_owned();
    (asked_at.date(), Task { id: request.id.as_str().to_owned(), stamp, message })
}
