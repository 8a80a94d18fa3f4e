//! `POST /flights/delays/predict/regress`: an answer in minutes, at once.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use server::Accepts;
use warp::http::{HeaderMap, StatusCode};

use crate::{
    asking::{publish, read_request},
    body::SentBody,
    form_page::{FormPage, result_url},
    problem::{HandlerResult, Problem},
    reply::{json_text, redirect},
    state::AppState,
    waiting,
};

/// The fields of the forecast that the response has beside `Delay`.
const FIELDS: [&str; 7] = ["P10", "P50", "P90", "Late15", "Late30", "Late60", "Late120"];

/// Publishes the form's request and waits for its answer.
///
/// Responds to a browser's form with a redirect to the result's page, which waits itself; to other clients with
/// `Delay`, the expected arrival delay in minutes, as the old system did, and more of the forecast. An answer without
/// minutes is a 501.
pub(crate) async fn regress(headers: HeaderMap, body: SentBody, state: Arc<AppState>) -> HandlerResult {
    let accepts = Accepts::of(&headers);
    let request = read_request(&headers, body, &state).await.map_err(|problem| problem.of_page(FormPage::Minutes))?;
    let id = &request.id;
    if accepts.page {
        publish(&request, &state).await?;
        return Ok(redirect(StatusCode::SEE_OTHER, &format!("{}#result", result_url(id.as_str()))));
    }
    let permit = waiting::permit(&state)?;
    publish(&request, &state).await?;
    let document = waiting::for_document(id, permit, &state).await?;
    let body = in_minutes(id.as_str(), &document).ok_or_else(|| Problem::without_minutes(id))?;
    Ok(json_text(StatusCode::OK, &body, accepts))
}

/// The response of an answer's document; `None` if it has no minutes.
fn in_minutes(id: &str, document: &Map<String, Value>) -> Option<Value> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let mut body = json!({ "status": "OK", "id": id, "Delay": forecast.get("Mean").filter(|mean| mean.is_number())? });
    for field in FIELDS {
        // Answers of earlier versions lack some.
        if let Some(value) = forecast.get(field) {
            body[field] = value.clone();
        }
    }
    if let Some(cancelled) = document.get("Cancelled") {
        body["Cancelled"] = cancelled.clone();
    }
    Some(body)
}
