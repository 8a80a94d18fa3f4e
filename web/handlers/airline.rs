//! `GET /airline/<code>`: an airline, its punctuality and its fleet.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    history_query::path_code,
    pages::Parameters,
    problem::{HandlerResult, Problem},
    reply,
    state::AppState,
    views::airline::AirlineView,
};

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, _query: String, state: Arc<AppState>) -> HandlerResult {
    let unknown = || Problem::not_in_history("No such airline", "the history has no flight of this airline".to_owned());
    let carrier = path_code(parameters.first())?.ok_or_else(unknown)?;
    let airline = state.explore(move |index| index.airline(carrier)).await?.ok_or_else(unknown)?;
    let view = AirlineView::new(&airline, &state.parts.airports);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
