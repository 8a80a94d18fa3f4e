//! A request as the wire carries it.

use std::collections::BTreeMap;

use chrono::Datelike;
use serde::Serialize;

use super::Request;
use crate::flight::time_of_day::to_hhmm;

/// The message of the wire contract, fields in the old front end's order.
///
/// `DayOfWeek` is 1–7 with Monday 1, as in the training data; the old front end sent 0–6, which was wrong.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    dep_delay: Option<f64>,
    carrier: &'a str,
    flight_date: String,
    dest: &'a str,
    flight_num: Option<&'a str>,
    origin: &'a str,
    distance: Option<f64>,
    day_of_year: u32,
    day_of_month: u32,
    day_of_week: u32,
    timestamp: Option<String>,
    // The old front end knew none of these, so they are not sent unless they are known.
    #[serde(rename = "CRSDepTime", skip_serializing_if = "Option::is_none")]
    crs_dep_time: Option<i32>,
    #[serde(rename = "CRSArrTime", skip_serializing_if = "Option::is_none")]
    crs_arr_time: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weather: Option<BTreeMap<&'static str, f32>>,
    #[serde(rename = "UUID")]
    uuid: &'a str,
}

/// Writes a request as the JSON of the wire contract, without a line break.
pub fn encode(request: &Request) -> String {
    let message = Message {
        dep_delay: request.dep_delay,
        carrier: request.carrier.as_str(),
        flight_date: request.date.format("%Y-%m-%d").to_string(),
        dest: request.dest.as_str(),
        flight_num: request.flight_num.as_deref(),
        origin: request.origin.as_str(),
        distance: request.distance,
        day_of_year: request.date.ordinal(),
        day_of_month: request.date.day(),
        day_of_week: request.date.weekday().number_from_monday(),
        timestamp: request.asked_at.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()),
        crs_dep_time: request.schedule.map(|schedule| to_hhmm(schedule.dep_min)),
        crs_arr_time: request.schedule.map(|schedule| to_hhmm(schedule.arr_min)),
        weather: request.weather.map(|weather| {
            weather.iter().map(|(observation, value)| (observation.name(), value)).collect::<BTreeMap<_, _>>()
        }),
        uuid: request.id.as_str(),
    };
    // Strings, integers and optional floats always serialize; a float that is not finite becomes null.
    serde_json::to_string(&message).unwrap_or_default()
}
