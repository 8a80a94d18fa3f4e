//! Flights of the past.

use delaycast::{
    explore::FlightFilter,
    flight::{Code, time},
    history::{Flight, FlightStatus},
};
use serde_json::{Value, json};

use super::{call::Call, reply};
use crate::problem::HandlerResult;
use crate::query::Query;

const PATH: &str = "/api/v1/flights";
const PARAMETERS: [&str; 8] = ["Carrier", "FlightNum", "FlightDate", "Origin", "Dest", "TailNum", "start", "limit"];

/// `GET /api/v1/flights`: searches the history, in the order of departure.
pub(super) async fn flights(call: Call) -> HandlerResult {
    let mut query = Query::of_client(&call.query, &PARAMETERS)?;
    let filter = FlightFilter {
        carrier: query.code("Carrier"),
        number: query.flight_number("FlightNum"),
        date: query.date("FlightDate"),
        origin: query.code("Origin"),
        dest: query.code("Dest"),
        tail: query.code("TailNum"),
    };
    let paging = query.paging();
    query.check()?;
    let asked = move |index: &delaycast::explore::Index| index.search_flights(&filter, paging.start, paging.limit);
    let page = call.state.explore(asked).await?;
    let flights = page.flights.iter().map(flight).collect();
    let next = query.next(PATH, paging, page.total);
    Ok(reply::list("flights", flights, json!({ "total": page.total }), &query.link(PATH, &[]), next))
}

/// A flight, its fields named as in the wire contract and by BTS; unknown ones are null.
fn flight(flight: &Flight) -> Value {
    let time_of_day = |minute: Option<u16>| minute.map(time::to_hhmm);
    json!({
        "FlightDate": flight.date.to_string(),
        "Carrier": flight.carrier.as_str(),
        "FlightNum": flight.flight_num,
        "TailNum": flight.tail_num.as_ref().map(Code::as_str),
        "Origin": flight.origin.as_str(),
        "Dest": flight.dest.as_str(),
        "CRSDepTime": time_of_day(flight.crs_dep_min),
        "CRSArrTime": time_of_day(flight.crs_arr_min),
        "DepDelay": flight.dep_delay,
        "ArrDelay": flight.arr_delay,
        "Distance": flight.distance,
        "Status": match flight.status {
            FlightStatus::Flown => "flown",
            FlightStatus::Cancelled => "cancelled",
            FlightStatus::Diverted => "diverted",
        },
    })
}
