//! `GET /flights/search`: the search for flights.

use std::sync::Arc;

use delaycast::explore::FlightFilter;
use warp::http::StatusCode;

use crate::{
    problem::HandlerResult,
    query::Query,
    state::AppState,
    views::flight_search::{FlightSearchView, PER_PAGE},
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let mut query = Query::of_page(&visit.query)?;
    let filter = FlightFilter {
        carrier: query.code("Carrier"),
        date: query.date("FlightDate"),
        number: query.flight_number("FlightNum"),
        origin: query.code("Origin"),
        dest: query.code("Dest"),
        tail: query.code("TailNum"),
    };
    let start = query.start();
    let view = FlightSearchView::asked(&query, &filter, start, visit.texts);
    query.check()?;
    let asked = move |index: &delaycast::explore::Index| {
        Ok((index.search_flights(&filter, start, PER_PAGE)?, index.facts().clone()))
    };
    let (page, facts) = state.explore(asked).await?;
    let view = view.with_results(&page, &facts, &state.parts.airports);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
