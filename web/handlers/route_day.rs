//! `GET /flights/<origin>/<dest>/<date>`: the flights on a route on a day.

use std::sync::Arc;

use delaycast::explore::{FigureSubject, FlightFilter, Index};
use warp::http::StatusCode;

use crate::{
    pages::Parameters,
    problem::{HandlerResult, Problem},
    query::{path_code, path_date},
    state::AppState,
    texts::message,
    views::route_day::RouteDayView,
    visit::Visit,
};

/// Upper bound on the flights of a route in a day. The busiest routes have some 50.
const FLIGHTS_MAX: u32 = 500;

/// Renders the page.
pub(crate) async fn handle(parameters: Parameters, visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let date = path_date(parameters.get(2))?;
    let (origin, dest) = (path_code(parameters.first())?, path_code(parameters.get(1))?);
    let (Some(origin), Some(dest)) = (origin, dest) else { return Err(unknown_route()) };
    let filter = FlightFilter { origin: Some(origin), dest: Some(dest), date: Some(date), ..FlightFilter::default() };
    let asked = move |index: &Index| {
        let figures = index.figures(FigureSubject::Route { origin, dest, carrier: None })?;
        Ok((index.search_flights(&filter, 0, FLIGHTS_MAX)?, figures, index.facts().clone()))
    };
    let (page, figures, facts) = state.explore(asked).await?;
    if figures.flights == 0 {
        return Err(unknown_route());
    }
    if page.flights.is_empty() {
        let [day, first, last] = [date, facts.first_day, facts.last_day].map(|day| visit.texts.day(day));
        let reason = message!("reason-no-flights", origin = origin, dest = dest, day = day, first = first, last = last);
        return Err(Problem::not_in_history(message!("problem-no-flights"), reason));
    }
    let view =
        RouteDayView::new((origin, dest, date), &page.flights, &figures, &facts, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}

fn unknown_route() -> Box<Problem> {
    Problem::not_in_history(message!("problem-no-route"), message!("reason-no-route"))
}
