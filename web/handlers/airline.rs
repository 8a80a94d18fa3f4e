//! `GET /airline/<code>`: an airline, its punctuality and its fleet.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    pages::Parameters,
    problem::{HandlerResult, Problem},
    query::path_code,
    state::AppState,
    texts::message,
    views::airline::AirlineView,
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let unknown = || Problem::not_in_history(message!("problem-no-airline"), message!("reason-no-airline"));
    let carrier = path_code(parameters.first())?.ok_or_else(unknown)?;
    let airline = state.explore(move |index| index.airline(carrier)).await?.ok_or_else(unknown)?;
    let view = AirlineView::new(&airline, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
