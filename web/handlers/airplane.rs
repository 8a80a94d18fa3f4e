//! `GET /airplane/<tail>` and `GET /airplane/flights/<tail>`: an aircraft with its flights.

use std::sync::Arc;

use delaycast::explore::Index;
use warp::http::StatusCode;

use crate::{
    history_query::{HistoryQuery, path_code},
    pages::Parameters,
    problem::{HandlerResult, Problem},
    reply,
    state::AppState,
    views::airplane::{AirplaneView, PER_PAGE},
};

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, query: String, state: Arc<AppState>) -> HandlerResult {
    let unknown =
        || Problem::not_in_history("No such aircraft", "the history has no flight of this aircraft".to_owned());
    let tail = path_code(parameters.first())?.ok_or_else(unknown)?;
    let mut query = HistoryQuery::read(&query)?;
    let start = query.start();
    query.check()?;
    let asked = move |index: &Index| Ok((index.aircraft(tail)?, index.aircraft_flights(tail, start, PER_PAGE)?));
    let (aircraft, flights) = state.explore(asked).await?;
    let (aircraft, airlines) = aircraft.ok_or_else(unknown)?;
    let view = AirplaneView::new(&aircraft, &airlines, &flights, start, &state.parts.airports);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
