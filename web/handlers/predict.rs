//! `GET /flights/delays/predict_kafka`: the form, alone or with the result of a request (`?id=`). A link can fill the
//! form: `?Flight=B6 915 tomorrow`, or `?Origin=JFK&Dest=LAX`.
//!
//! Without JavaScript the page polls by refreshing itself; `&asked=` counts the refreshes, so that they end. Of a
//! followed answer the last version is shown, or that of `&version=`.

use std::sync::Arc;

use delaycast::request::Field;
use engine::{
    delivery::Unavailable,
    request::{REQUEST_ID_BYTES_MAX, RequestId},
    store::Outcome,
};
use serde_json::Value;
use warp::http::StatusCode;

use crate::{
    body::urlencoded,
    field_error::FieldError,
    flight_form::FlightForm,
    past::{AskedFlight, PastFlights},
    problem::{HandlerResult, Problem},
    state::AppState,
    texts::{Texts, message},
    views::predict::{PredictView, ResultView},
    visit::Visit,
};

/// Pauses between refreshes, in seconds. After the last one the visitor refreshes.
const REFRESH_AFTER_S: [u32; 7] = [1, 1, 2, 3, 5, 8, 10];

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let PageQuery { id, refreshes, version, form } = read_query(&visit.query, &state).map_err(Problem::invalid)?;
    let texts = visit.texts;
    let Some(id) = id else {
        let view = match form {
            Some(form) => PredictView::prefilled(&form, &state.parts, texts),
            None => PredictView::empty(&state.parts, texts),
        };
        return Ok(visit.page(StatusCode::OK, &view, &state));
    };
    let (status, result) = match state.find(&id).await {
        Ok(Some(Outcome::Answered(document))) => {
            let is_followed = document.get(Field::Follow.name()) == Some(&Value::Bool(true));
            let versions = if is_followed { state.versions(&id, 0).await.map(Some) } else { Ok(None) };
            match versions {
                Ok(versions) => {
                    let airports = &state.parts.airports;
                    let result = ResultView::answered(&id, &document, versions.as_deref(), version, airports, texts);
                    (StatusCode::OK, with_past(result, &state, texts).await)
                }
                Err(error) => unreachable(&id, &error),
            }
        }
        Ok(Some(Outcome::Rejected(reason))) => (StatusCode::OK, ResultView::rejected(&id, reason)),
        Ok(None) => match REFRESH_AFTER_S.get(refreshes) {
            Some(&pause_s) => (StatusCode::OK, ResultView::waiting(&id, pause_s, refreshes + 1)),
            None => (StatusCode::OK, ResultView::timed_out(&id)),
        },
        Err(error) => unreachable(&id, &error),
    };
    Ok(visit.page(status, &PredictView::with_result(result, &state.parts, texts), &state))
}

/// Adds flights of the history, if it is there and answers.
async fn with_past(result: ResultView, state: &Arc<AppState>, texts: Texts) -> ResultView {
    let Some(asked) = result.asked().and_then(AskedFlight::of) else { return result };
    match state.explore(move |index| PastFlights::find(index, asked)).await {
        Ok(past) => result.with_past(&past, &state.parts.airports, texts),
        Err(_) => result,
    }
}

fn unreachable(id: &RequestId, error: &Unavailable) -> (StatusCode, ResultView) {
    tracing::warn!(?id, %error, "an answer could not be looked up");
    (StatusCode::SERVICE_UNAVAILABLE, ResultView::unreachable(id))
}

/// The parameters of the page.
#[derive(Default)]
struct PageQuery {
    id: Option<RequestId>,
    /// The number of refreshes without an answer.
    refreshes: usize,
    /// The version that is shown instead of the last one.
    version: Option<u32>,
    /// A form with the fields of a link, if it has any.
    form: Option<FlightForm>,
}

/// Reads the known parameters; others are ignored.
fn read_query(query: &str, state: &AppState) -> Result<PageQuery, FieldError> {
    let (mut asked, mut pairs) = (PageQuery::default(), Vec::new());
    for (name, value) in urlencoded(query, "query")? {
        // Percent-decoding yields text or fails as a whole.
        let value = value.unwrap_or_default();
        match name.as_str() {
            "id" => {
                let reason = message!("wrong-id", bytes = REQUEST_ID_BYTES_MAX);
                asked.id = Some(RequestId::new(value).map_err(|_| FieldError::format("id", reason))?);
            }
            "asked" => {
                let wrong = |_| FieldError::format("asked", message!("not-count"));
                asked.refreshes = value.parse().map_err(wrong)?;
            }
            "version" => {
                let wrong = |_| FieldError::format("version", message!("not-number"));
                asked.version = Some(value.parse().map_err(wrong)?);
            }
            _ => pairs.push((name, Ok(value))),
        }
    }
    let (mut form, _) = FlightForm::from_pairs(pairs);
    if form != FlightForm::default() {
        form.default_to_tomorrow(state.now().date_naive());
        asked.form = Some(form);
    }
    Ok(asked)
}
