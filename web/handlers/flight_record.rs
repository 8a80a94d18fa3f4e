//! `GET /on_time_performance?Carrier&FlightDate&FlightNum`: the record of a flight, one for each of its legs.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    problem::{HandlerResult, Problem},
    query::Query,
    state::AppState,
    texts::message,
    views::flight_record::FlightRecordView,
    visit::Visit,
};

/// Renders the page.
pub(crate) async fn handle(visit: Visit, state: Arc<AppState>) -> HandlerResult {
    let mut query = Query::of_page(&visit.query)?;
    let (carrier, date) = (query.code("Carrier"), query.date("FlightDate"));
    let number = query.flight_number("FlightNum");
    let (carrier, date) = (query.require("Carrier", carrier), query.require("FlightDate", date));
    let number = query.require("FlightNum", number);
    query.check()?;
    // All are there: an absent one is an error.
    let Some(((carrier, date), number)) = carrier.zip(date).zip(number) else {
        return Err(Box::new(Problem::defect()));
    };
    let asked = move |index: &delaycast::explore::Index| {
        Ok((index.flight_records(carrier, number, date)?, index.facts().clone()))
    };
    let (legs, facts) = state.explore(asked).await?;
    if legs.is_empty() {
        let [day, first, last] = [date, facts.first_day, facts.last_day].map(|day| visit.texts.day(day));
        let flight = format!("{carrier} {number}");
        let reason = message!("reason-no-flight", flight = flight, day = day, first = first, last = last);
        return Err(Problem::not_in_history(message!("problem-no-flight"), reason));
    }
    let view = FlightRecordView::new((carrier, number, date), &legs, &state.parts.airports, visit.texts);
    Ok(visit.page(StatusCode::OK, &view, &state))
}
