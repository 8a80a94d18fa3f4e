//! The JSON routes of the history, in the shapes of the old system.

use std::sync::Arc;

use serde_json::{Value, json};
use server::Accepts;
use warp::{http::StatusCode, reply::Response};

use crate::{problem::HandlerResult, reply::json_text, state::AppState, views::words::share_of};

/// Manufacturers in the chart; as many as the old one has.
const MANUFACTURERS_MAX: usize = 10;

/// `GET /total_flights.json`: the number of flights in each month.
pub(crate) async fn months(state: Arc<AppState>) -> HandlerResult {
    let months = state.explore(|index| index.months()).await?;
    let months = months
        .into_iter()
        .map(|month| json!({ "Month": month.month, "Year": month.year, "total_flights": month.figures.flights }));
    Ok(as_json(&Value::Array(months.collect())))
}

/// `GET /airplanes/chart/manufacturers.json`: the manufacturers of most aircraft, with their shares in percent of all
/// aircraft that the registry knows.
pub(crate) async fn manufacturers(state: Arc<AppState>) -> HandlerResult {
    let totals = state.explore(|index| index.manufacturers()).await?;
    let known: Vec<(String, u64)> =
        totals.into_iter().filter_map(|total| Some((total.manufacturer?, total.aircraft))).collect();
    let all: u64 = known.iter().map(|(_, aircraft)| aircraft).sum();
    let data = known.iter().take(MANUFACTURERS_MAX).map(|(name, aircraft)| {
        let percent = (share_of(*aircraft, all) * 10_000.0).round() / 100.0;
        json!({ "Manufacturer": name, "Total": aircraft, "PercentageTotal": percent })
    });
    Ok(as_json(&json!({ "data": data.collect::<Vec<_>>() })))
}

/// A response to a program: these addresses name JSON.
fn as_json(body: &Value) -> Response {
    json_text(StatusCode::OK, body, Accepts { page: false, json_alone: true })
}
