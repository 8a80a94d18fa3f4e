//! `GET /flights/delays/predict_kafka`: the page, alone or with what has come of a request (`?id=`).
//!
//! Without JavaScript the page asks again by refreshing itself; `&asked=` counts, so that it does not go on for ever.

use std::sync::Arc;

use delaycast::{
    request::{Invalid, RequestId},
    store::Outcome,
};
use warp::http::StatusCode;

use super::page;
use crate::{
    body::urlencoded,
    models::{PredictPage, ResultView},
    problem::{Handled, Problem},
    site::Site,
};

/// Pauses between refreshes, in seconds: 30 s in all, then the page leaves it to the visitor.
const REFRESH_AFTER_S: [u32; 7] = [1, 1, 2, 3, 5, 8, 10];

/// Shows the page.
pub(crate) async fn predict(query: String, site: Arc<Site>) -> Handled {
    let (id, asked) = read_query(&query).map_err(|invalid| Problem::invalid(vec![invalid], None))?;
    let Some(id) = id else {
        return Ok(page(StatusCode::OK, site.pages.predict(&PredictPage::empty(&site.parts))));
    };
    let (status, result) = match site.find(&id).await {
        Ok(Some(Outcome::Answered(document))) => {
            (StatusCode::OK, ResultView::answered(&id, &document, &site.parts.atlas))
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
    Ok(page(status, site.pages.predict(&PredictPage::with_result(result, &site.parts))))
}

/// The request asked about, and how often the page has asked; other parameters are not ours.
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
