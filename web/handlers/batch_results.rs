//! `GET /flights/delays/predict_batch/results/<date>`: the answers of a batch, `?start=` after so many.

use std::sync::Arc;

use chrono::NaiveDate;
use engine::batch::Place;
use warp::http::StatusCode;

use crate::{
    pages::Parameters,
    problem::{HandlerResult, Problem},
    query::{Query, path_date},
    state::AppState,
    views::batch_results::{BatchResultsView, RESULTS_PER_PAGE},
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let (day, start) =
        read(&parameters, &visit.query).map_err(|problem| Problem { is_of_history: false, ..*problem })?;
    let found = state.batches(move |batches| {
        let counts = batches.counts(day)?;
        let from = Place { stamp: String::new(), seen: start };
        Ok((counts, batches.results(day, &from, RESULTS_PER_PAGE as usize)?.rows))
    });
    let (counts, results) = found.await?;
    let view = BatchResultsView::new(day, counts, &results, start, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}

fn read(parameters: &Parameters, query: &str) -> Result<(NaiveDate, u32), Box<Problem>> {
    let day = path_date(parameters.first())?;
    let mut query = Query::of_page(query)?;
    let start = query.start();
    query.check()?;
    Ok((day, start))
}
