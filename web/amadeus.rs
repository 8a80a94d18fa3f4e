//! The route of Amadeus' Flight Delay Prediction, which its Self-Service API no longer has: a client of it changes its
//! base URL.
//!
//! Names, results and codes of errors are those of that API's specification. The probabilities are ours: those of the
//! arrival delay of a flight that is not cancelled, by the chance that it is.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, Timelike};
use delaycast::{
    flight::Schedule,
    request::{Field, Request},
};
use engine::request::RequestId;
use serde_json::{Map, Value, json};
use warp::{
    http::{HeaderMap, StatusCode},
    reply::Response,
};

use crate::{
    asking::{publish, to_request},
    body::{SentBody, read_form, urlencoded},
    field_error::{ErrorKind, FieldError},
    flight_form::FlightForm,
    problem::{HandlerResult, Problem},
    reply::json_as,
    state::AppState,
    waiting,
};

const JSON: &str = "application/vnd.amadeus+json";
const PREDICTION: &str = "/v1/travel/predictions/flight-delay";
const RESULTS: [&str; 4] = [
    "LESS_THAN_30_MINUTES",
    "BETWEEN_30_AND_60_MINUTES",
    "BETWEEN_60_AND_120_MINUTES",
    "OVER_120_MINUTES_OR_CANCELLED",
];
/// The parameters that become fields of the form.
const PARAMETERS: [(&str, Field); 5] = [
    ("originLocationCode", Field::Origin),
    ("destinationLocationCode", Field::Dest),
    ("departureDate", Field::FlightDate),
    ("carrierCode", Field::Carrier),
    ("flightNumber", Field::FlightNum),
];
/// The parameters with the schedule.
const TIMES: [&str; 2] = ["departureTime", "arrivalTime"];

/// Returns whether a path is below that API's.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// `GET /v1/travel/predictions/flight-delay`: asks about a flight, and waits for the answer.
pub(crate) async fn flight_delay(query: String, state: Arc<AppState>) -> HandlerResult {
    let (form, schedule) = read(&query)?;
    let request = to_request(form, Vec::new(), &state).await.map_err(|problem| Box::new(in_its_words(*problem)))?;
    let permit = waiting::permit(&state)?;
    let request = Request { schedule: Some(schedule), ..request };
    publish(&request, &state).await?;
    let document = waiting::for_document(&request.id, permit, &state).await?;
    let probabilities = probabilities(&document).ok_or_else(|| Problem::without_minutes(&request.id))?;
    let (carrier, number) = (request.carrier, request.flight_num.as_deref().unwrap_or_default());
    let id = format!("{carrier}{number}{}{}{}", request.origin, request.dest, request.date.format("%Y%m%d"));
    let data: Vec<Value> = RESULTS
        .into_iter()
        .zip(probabilities)
        .map(|(result, probability)| {
            let probability = format!("{probability:.6}");
            json!({ "id": id, "probability": probability, "result": result, "subType": "flight-delay",
                "type": "prediction" })
        })
        .collect();
    let links = json!({ "self": format!("{PREDICTION}?{query}") });
    Ok(json_as(StatusCode::OK, JSON, &json!({ "meta": { "count": data.len(), "links": links }, "data": data })))
}

/// `POST /v1/security/oauth2/token`: a token that says nothing. The clients of that API ask for one first, and send it
/// back; it is not looked at, and authenticates nobody.
pub(crate) async fn token(headers: HeaderMap, body: SentBody, state: Arc<AppState>) -> HandlerResult {
    let pairs = read_form(&headers, body, state.parts.config.connections.body_within).await;
    let pairs = pairs.map_err(Problem::invalid)?;
    let grant = pairs.into_iter().find(|(name, _)| name == "grant_type").and_then(|(_, value)| value.ok());
    match grant.as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(refused(FieldError::format("grant_type", "must be client_credentials"))),
        None => return Err(refused(FieldError::missing("grant_type"))),
    }
    let body = json!({
        "type": "amadeusOAuth2Token", "username": "", "application_name": "delaycast", "client_id": "",
        "token_type": "Bearer", "access_token": "authenticates-nobody", "expires_in": 1799, "state": "approved",
        "scope": "",
    });
    Ok(json_as(StatusCode::OK, JSON, &body))
}

/// Reads the parameters. All that are wrong are named at once; those that no forest uses are not read.
fn read(query: &str) -> Result<(FlightForm, Schedule), Box<Problem>> {
    let pairs = urlencoded(query, "query").map_err(Problem::invalid)?;
    let value = |name: &str| -> Result<String, FieldError> {
        let mut sent = pairs.iter().filter(|(known, _)| known == name).filter_map(|(_, value)| value.as_ref().ok());
        match (sent.next(), sent.next()) {
            (Some(value), None) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
            (Some(_), Some(_)) => Err(FieldError::new(name.to_owned(), "stands twice")),
            _ => Err(FieldError::missing(name.to_owned())),
        }
    };
    let (mut form, mut errors) = (FlightForm::default(), Vec::new());
    for (name, field) in PARAMETERS {
        match value(name) {
            Ok(text) if field == Field::FlightDate && text.parse::<NaiveDate>().is_err() => {
                errors.push(FieldError::format(name, "must be a date, as in 2020-08-01"));
            }
            Ok(text) => form.set(field, text),
            Err(error) => errors.push(error),
        }
    }
    let [departs, arrives] = TIMES.map(|name| value(name).and_then(|text| minute_of_day(name, &text)));
    match (departs, arrives, errors.is_empty()) {
        (Ok(dep_min), Ok(arr_min), true) => Ok((form, Schedule { dep_min, arr_min })),
        (departs, arrives, _) => {
            errors.extend(departs.err().into_iter().chain(arrives.err()));
            Err(Problem::malformed(errors))
        }
    }
}

/// Reads `18:20:00` or `18:20`; a clock has no second beyond the minute here.
fn minute_of_day(name: &'static str, text: &str) -> Result<u16, FieldError> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M"));
    let minute = time.ok().and_then(|time| u16::try_from(time.hour() * 60 + time.minute()).ok());
    minute.ok_or_else(|| FieldError::format(name, "must be a local time of day, as in 18:20:00"))
}

/// Names the parameters in place of the form's fields.
fn in_its_words(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        if let Some((name, _)) = PARAMETERS.iter().find(|(_, field)| field.name() == error.field) {
            error.field = (*name).into();
            error.reason = error.reason.to_string().replace("; choose one of the list", "").into();
        }
    }
    problem
}

/// The probabilities of [`RESULTS`]; `None` if the document has no forecast in minutes.
fn probabilities(document: &Map<String, Value>) -> Option<[f64; RESULTS.len()]> {
    let forecast = document.get("ArrDelay")?.as_object()?;
    let late = |name: &str| forecast.get(name)?.as_f64().filter(|p| (0.0..=1.0).contains(p));
    let [late30, late60, late120] = [late("Late30")?, late("Late60")?, late("Late120")?];
    let cancelled = document.get("Cancelled").and_then(Value::as_f64).unwrap_or(0.0).clamp(0.0, 1.0);
    let flown = 1.0 - cancelled;
    let within = |from: f64, to: f64| flown * (from - to).max(0.0);
    Some([within(1.0, late30), within(late30, late60), within(late60, late120), flown * late120 + cancelled])
}

fn refused(error: FieldError) -> Box<Problem> {
    Problem::malformed(vec![error])
}

/// Makes the response to a request that is not served.
pub(crate) fn problem(problem: &Problem) -> Response {
    let status = problem.status;
    let errors: Vec<Value> = problem
        .errors
        .iter()
        .map(|error| {
            let (code, title) = code(status, error.kind);
            let mut entry = json!({
                "status": status.as_u16(),
                "code": code,
                "title": title,
                "detail": format!("{}: {}{}", error.field, error.reason, later(problem.id.as_ref())),
            });
            if status == StatusCode::BAD_REQUEST {
                entry["source"] = json!({ "parameter": error.field });
            }
            entry
        })
        .collect();
    json_as(status, JSON, &json!({ "errors": errors }))
}

/// The code of that API for an error, and its title.
fn code(status: StatusCode, kind: ErrorKind) -> (u32, &'static str) {
    match (status, kind) {
        (StatusCode::BAD_REQUEST, ErrorKind::Missing) => (32171, "MANDATORY DATA MISSING"),
        (StatusCode::BAD_REQUEST, ErrorKind::Format) => (477, "INVALID FORMAT"),
        (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY, _) => (4926, "INVALID DATA RECEIVED"),
        (StatusCode::NOT_FOUND, _) => (38196, "Resource not found"),
        (StatusCode::METHOD_NOT_ALLOWED, _) => (572, "INVALID OPTION"),
        _ => (141, "SYSTEM ERROR HAS OCCURRED"),
    }
}

/// The place where an answer can be looked up that has not come in time.
fn later(id: Option<&RequestId>) -> String {
    id.map(|id| format!(": /api/v1/questions/{id}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_four_results_are_all_that_can_happen(
            late in prop::array::uniform3(0.0..=1.0f64), cancelled in prop::option::of(0.0..=1.0f64),
        ) {
            let mut late = late;
            late.sort_by(|a, b| b.total_cmp(a));
            let document = json!({
                "ArrDelay": { "Late30": late[0], "Late60": late[1], "Late120": late[2] }, "Cancelled": cancelled,
            });
            let found = probabilities(document.as_object().unwrap()).unwrap();
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(found.iter().all(|p| (0.0..=1.0 + 1e-9).contains(p)));
            prop_assert!(found[3] >= cancelled.unwrap_or(0.0) - 1e-9);
        }
    }

    #[test]
    fn the_code_of_an_error_is_that_of_its_kind_and_not_of_its_words() {
        for (error, expected) in [
            (FieldError::missing("carrierCode"), 32171),
            (FieldError::format("departureDate", "is wrong"), 477),
            (FieldError::new("carrierCode", "is missing"), 4926),
        ] {
            assert_eq!(code(StatusCode::BAD_REQUEST, error.kind).0, expected);
        }
        assert_eq!(code(StatusCode::UNPROCESSABLE_ENTITY, ErrorKind::Missing).0, 4926);
    }

    #[test]
    fn an_earlier_answer_has_no_chance_of_two_hours() {
        let document = json!({ "ArrDelay": { "Late30": 0.2, "Late60": 0.1 } });
        assert_eq!(probabilities(document.as_object().unwrap()), None);
    }
}
