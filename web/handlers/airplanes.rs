//! `GET /airplanes`: the search for aircraft, with the chart of manufacturers.

use std::sync::Arc;

use delaycast::explore::AircraftFilter;
use warp::http::StatusCode;

use crate::{
    history_query::HistoryQuery,
    problem::HandlerResult,
    reply,
    state::AppState,
    views::airplanes::{AirplanesView, PER_PAGE},
};

/// Renders the page.
pub(crate) async fn handle(query: String, state: Arc<AppState>) -> HandlerResult {
    let mut query = HistoryQuery::read(&query)?;
    let filter = AircraftFilter {
        tail: query.text("TailNum"),
        manufacturer: query.text("Manufacturer"),
        model: query.text("Model"),
        year: query.year("ManufacturerYear"),
        engine: query.text("Engine"),
        carrier: query.code("Carrier"),
    };
    let start = query.start();
    let view = AirplanesView::asked(&query, &filter, start);
    query.check()?;
    let asked = move |index: &delaycast::explore::Index| {
        Ok((index.search_aircraft(&filter, start, PER_PAGE)?, index.manufacturers()?))
    };
    let (page, manufacturers) = state.explore(asked).await?;
    let view = view.with_results(&page, &manufacturers);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
