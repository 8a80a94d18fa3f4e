//! `GET /airplane/<tail>` and `GET /airplane/flights/<tail>`: an aircraft with its flights.

use std::sync::Arc;

use delaycast::explore::Index;
use warp::http::StatusCode;

use crate::{
    pages::Parameters,
    problem::{HandlerResult, Problem},
    query::{Query, path_code},
    state::AppState,
    texts::message,
    views::airplane::{AirplaneView, PER_PAGE},
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let unknown = || Problem::not_in_history(message!("problem-no-aircraft"), message!("reason-no-aircraft"));
    let tail = path_code(parameters.first())?.ok_or_else(unknown)?;
    let mut query = Query::of_page(&visit.query)?;
    let start = query.start();
    query.check()?;
    let asked = move |index: &Index| Ok((index.aircraft(tail)?, index.aircraft_flights(tail, start, PER_PAGE)?));
    let (aircraft, flights) = state.explore(asked).await?;
    let (aircraft, airlines) = aircraft.ok_or_else(unknown)?;
    let view = AirplaneView::new(&aircraft, &airlines, &flights, start, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
