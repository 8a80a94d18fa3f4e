//! `GET /on_time_performance?Carrier&FlightDate&FlightNum`: the record of a flight, one for each of its legs.

use std::sync::Arc;

use warp::http::StatusCode;

use crate::{
    history_query::HistoryQuery,
    problem::{HandlerResult, Problem},
    reply,
    state::AppState,
    views::{flight_record::FlightRecordView, history::day_in_words},
};

/// Renders the page.
pub(crate) async fn handle(query: String, state: Arc<AppState>) -> HandlerResult {
    let mut query = HistoryQuery::read(&query)?;
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
        let [day, first, last] = [date, facts.first_day, facts.last_day].map(day_in_words);
        let reason = format!("no flight {carrier} {number} on {day} in the history, which is from {first} to {last}");
        return Err(Problem::not_in_history("No such flight", reason));
    }
    let view = FlightRecordView::new(carrier, number, date, &legs, &state.parts.airports);
    Ok(reply::page(StatusCode::OK, state.renderer.render(&view)))
}
