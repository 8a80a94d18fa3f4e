//! `GET /total_flights` and `GET /total_flights_chart`: the number of flights in each month, as a chart and a table.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    pages::Parameters, problem::HandlerResult, state::AppState, views::total_flights::TotalFlightsView, visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(_parameters: Parameters, visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let months = state.explore(|index| index.months()).await?;
    Ok(visit.page(StatusCode::OK, &TotalFlightsView::new(&months, visit.texts), &state))
}
