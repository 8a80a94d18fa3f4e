//! `GET /total_flights` and `GET /total_flights_chart`: the number of flights in each month, as a chart and a table.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    pages::Parameters, problem::HandlerResult, reply, state::AppState, views::total_flights::TotalFlightsView,
};

/// Renders the page.
pub(crate) async fn handle(_parameters: Parameters, _query: String, state: Arc<AppState>) -> HandlerResult {
    let months = state.explore(|index| index.months()).await?;
    Ok(reply::page(StatusCode::OK, state.renderer.render(&TotalFlightsView::new(&months))))
}
