//! `GET /airplanes`: the search for aircraft, with the chart of manufacturers.

use std::sync::Arc;

use delaycast::explore::AircraftFilter;
use warp::http::StatusCode;

use crate::{
    problem::HandlerResult,
    query::Query,
    state::AppState,
    views::airplanes::{AirplanesView, PER_PAGE},
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let mut query = Query::of_page(&visit.query)?;
    let filter = AircraftFilter {
        tail: query.text("TailNum"),
        manufacturer: query.text("Manufacturer"),
        model: query.text("Model"),
        year: query.year("ManufacturerYear"),
        engine: query.text("Engine"),
        carrier: query.code("Carrier"),
    };
    let start = query.start();
    let view = AirplanesView::asked(&query, &filter, start, visit.texts);
    query.check()?;
    let asked = move |index: &delaycast::explore::Index| {
        Ok((index.search_aircraft(&filter, start, PER_PAGE)?, index.manufacturers()?))
    };
    let (page, manufacturers) = state.explore(asked).await?;
    let view = view.with_results(&page, &manufacturers);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
