//! `GET /flights/delays/predict_kafka`: the form, alone or with the result of a request (`?id=`).
//!
//! Without JavaScript the page polls by refreshing itself; `&asked=` counts the refreshes, so that they end.

use std::sync::Arc;

use engine::{
    request::{Invalid, RequestId},
    store::Outcome,
};
use warp::http::StatusCode;

use crate::{
    body::urlencoded,
    problem::{HandlerResult, Problem},
    reply,
    state::AppState,
    views::predict::{PredictView, ResultView},
};

/// Pauses between refreshes, in seconds. After the last one the visitor refreshes.
const REFRESH_AFTER_S: [u32; 7] = [1, 1, 2, 3, 5, 8, 10];

/// Renders the page.
pub(crate) async fn handle(query: String, state: Arc<AppState>) -> HandlerResult {
    let (id, asked) = read_query(&query).map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let Some(id) = id else {
        return Ok(reply::page(StatusCode::OK, state.renderer.render(&PredictView::empty(&state.parts))));
    };
    let (status, result) = match state.find(&id).await {
        Ok(Some(Outcome::Answered(document))) => {
            (StatusCode::OK, ResultView::answered(&id, &document, &state.parts.airports))
        }
        Ok(Some(Outcome::Rejected(reason))) => (StatusCode::OK, ResultView::rejected(&id, reason)),
        Ok(None) => match REFRESH_AFTER_S.get(asked) {
            Some(&pause_s) => (StatusCode::OK, ResultView::waiting(&id, pause_s, asked + 1)),
            None => (StatusCode::OK, ResultView::timed_out(&id)),
        },
        Err(error) => {
            tracing::warn!(?id, %error, "an answer could not be looked up");
            (StatusCode::SERVICE_UNAVAILABLE, ResultView::unreachable(&id))
        }
    };
    Ok(reply::page(status, state.renderer.render(&PredictView::with_result(result, &state.parts))))
}

/// Returns the request's id and the number of refreshes; other parameters are ignored.
fn read_query(query: &str) -> Result<(Option<RequestId>, usize), Invalid> {
    let (mut id, mut asked) = (None, 0);
    for (name, value) in urlencoded(query, "query")? {
        // Percent-decoding yields text or fails as a whole.
        let value = value.unwrap_or_default();
        match name.as_str() {
            "id" => id = Some(RequestId::new(value).map_err(|invalid| Invalid::new("id", invalid.reason))?),
            "asked" => asked = value.parse().map_err(|_| Invalid::new("asked", "must be a count"))?,
            _ => {}
        }
    }
    Ok((id, asked))
}
