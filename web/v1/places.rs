//! The airports and airlines that can be asked about.

use delaycast::{airports::Airports, flight::Code, history::city};
use serde_json::{Value, json};

use super::{call::Call, reply};
use crate::query::Query;
use crate::{
    body::percent_decoded,
    problem::{HandlerResult, Problem},
};

const AIRPORTS: &str = "/api/v1/airports";
const AIRLINES: &str = "/api/v1/airlines";

/// `GET /api/v1/airports`: the airports by code; with `q` those with the text in code, name or city.
pub(super) async fn airports(call: Call) -> HandlerResult {
    let airports = &*call.state.parts.airports;
    let all = airports.all().map(|(code, name)| (code, [name, city(code)]));
    found(&call.query, AIRPORTS, "airports", all, |code| airport_of(code, airports))
}

/// `GET /api/v1/airlines`: the airlines by code; with `q` those with the text in code or name.
pub(super) async fn airlines(call: Call) -> HandlerResult {
    let airports = &call.state.parts.airports;
    let all = airports.airlines().map(|(code, name)| (code, [Some(name), None]));
    let airline = |code: Code| {
        let name = airports.airlines().find(|(known, _)| *known == code).map(|(_, name)| name);
        json!({ "code": code.as_str(), "name": name })
    };
    found(&call.query, AIRLINES, "airlines", all, airline)
}

/// `GET /api/v1/airports/{code}`: an airport, with the number of its flights in the history, if that is there.
pub(super) async fn airport(call: Call) -> HandlerResult {
    Query::of_client(&call.query, &[])?.check()?;
    let text = percent_decoded(call.parameter(), "code").map_err(Problem::invalid)?;
    let airports = &call.state.parts.airports;
    let code: Option<Code> = text.to_uppercase().parse().ok().filter(|code| airports.knows_airport(*code));
    let code = code.ok_or_else(|| Box::new(Problem::not_found()))?;
    let mut body = airport_of(code, airports);
    let flights = call.state.explore(move |index| index.airport_flights()).await.ok();
    body["flights"] =
        flights.map(|all| all.into_iter().find(|(known, _)| *known == code).map_or(0, |(_, flights)| flights)).into();
    body["links"] = json!({ "self": format!("{AIRPORTS}/{}", code.as_str()) });
    Ok(reply::json(warp::http::StatusCode::OK, &body))
}

/// An airport; what no table has of it is null.
fn airport_of(code: Code, airports: &Airports) -> Value {
    let airport = airports.airport(code);
    json!({
        "code": code.as_str(),
        "name": airport.map(|airport| &airport.name),
        "city": city(code),
        "latitude": airport.map(|airport| airport.latitude),
        "longitude": airport.map(|airport| airport.longitude),
    })
}

/// A page of the entries that a query finds by their codes and texts.
fn found<'a>(
    query: &str,
    path: &str,
    name: &str,
    all: impl Iterator<Item = (Code, [Option<&'a str>; 2])>,
    entry: impl Fn(Code) -> Value,
) -> HandlerResult {
    let mut query = Query::of_client(query, &["q", "start", "limit"])?;
    let wanted = query.text("q").map(|text| text.to_lowercase());
    let paging = query.paging();
    query.check()?;
    let fits = |(code, texts): &(Code, [Option<&str>; 2])| {
        let has = |text: &str, wanted: &str| text.to_lowercase().contains(wanted);
        let any = |wanted: &String| has(code.as_str(), wanted) || texts.iter().flatten().any(|text| has(text, wanted));
        wanted.as_ref().is_none_or(any)
    };
    let codes: Vec<Code> = all.filter(fits).map(|(code, _)| code).collect();
    let page = codes.iter().skip(paging.start as usize).take(paging.limit as usize);
    let items = page.map(|code| entry(*code)).collect();
    let next = query.next(path, paging, codes.len() as u64);
    Ok(reply::list(name, items, json!({ "total": codes.len() }), &query.link(path, &[]), next))
}
