//! From the bytes of a message to a request, or to a reason why not.
//!
//! The rules, each with a test of its number:
//!
//! 1. A message is one JSON object in UTF-8, at most [`MESSAGE_BYTES_MAX`] long; nothing may follow it.
//! 2. Unknown fields are ignored, but nothing may nest deeper than 127 levels.
//! 3. A field that we read appears once: of two values nobody can say which was meant.
//! 4. `null` is the same as absent.
//! 5. The days of year, month and week are derived from `FlightDate`; what the message says of them is not read.
//! 6. The reason names the field. Whatever is wrong, the `UUID` is recovered if it stands before the damage.
//! 7. `CRSDepTime` and `CRSArrTime` come together or not at all: half a schedule is of no use, and whoever sends it should know.
//! 8. In the object `Weather`, which may hold any of its fields or none, rules 2 to 4 hold again.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::{
    Invalid, MESSAGE_BYTES_MAX, Request, RequestId,
    json::{self, Fields, Scalar},
    object::Object,
};
use crate::{
    code::{Code, NotACode},
    features::Schedule,
    history::time_of_day::from_hhmm,
    weather::Weather,
};

/// A message that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// Whom to tell, if that much could be read.
    pub id: Option<RequestId>,
    /// What is wrong; a field is named as the wire names it.
    pub reason: String,
    /// The same as one of few words.
    pub kind: MalformedKind,
}

/// What is wrong with a message, for counting: there are no more of these than fields and a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MalformedKind {
    /// It has no bytes.
    Empty,
    /// It has more than [`MESSAGE_BYTES_MAX`].
    TooLong,
    /// It is no text.
    NotUtf8,
    /// It is not the JSON of one object that has each field once.
    NotJson,
    /// This field, as the wire names it.
    Field(&'static str),
}

impl MalformedKind {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            MalformedKind::Empty => "empty",
            MalformedKind::TooLong => "too_long",
            MalformedKind::NotUtf8 => "not_utf8",
            MalformedKind::NotJson => "not_json",
            MalformedKind::Field(field) => field,
        }
    }
}

/// Reads a message of the wire contract.
pub fn decode(bytes: &[u8]) -> Result<Request, Malformed> {
    if bytes.is_empty() {
        let reason = "the message is empty".into();
        return Err(Malformed { id: None, reason, kind: MalformedKind::Empty });
    }
    let (text, damage) = text(bytes);
    let mut fields = Fields::default();
    let parsed = json::read(text, &mut fields);
    let id = fields.id();
    let request = match (damage, parsed) {
        (Some(damage), _) => Err(damage),
        (None, Err(error)) => Err((MalformedKind::NotJson, error.to_string())),
        (None, Ok(())) => {
            fields.into_request().map_err(|invalid| (MalformedKind::Field(invalid.field), invalid.to_string()))
        }
    };
    request.map_err(|(kind, reason)| Malformed { id, reason, kind })
}

/// The text of a message, or as much of it as may be read, and what is wrong with the rest.
fn text(bytes: &[u8]) -> (&str, Option<(MalformedKind, String)>) {
    let head = &bytes[..bytes.len().min(MESSAGE_BYTES_MAX)];
    let too_long = || format!("the message has {} bytes, more than {MESSAGE_BYTES_MAX}", bytes.len());
    let too_long = (head.len() < bytes.len()).then(|| (MalformedKind::TooLong, too_long()));
    match std::str::from_utf8(head) {
        Ok(text) => (text, too_long),
        Err(error) => {
            let valid = std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default();
            let not_utf8 = || (MalformedKind::NotUtf8, format!("not UTF-8 at byte {}", error.valid_up_to()));
            (valid, too_long.or_else(|| Some(not_utf8())))
        }
    }
}

/// Reads `2016-12-25`, or an ISO timestamp, whose day is taken as it is written: a zone never shifts it.
pub fn parse_flight_date(text: &str) -> Result<NaiveDate, Invalid> {
    let wrong = || Invalid::new("FlightDate", "must be a date of the calendar, as in 2016-12-25");
    let (day, rest) = text.split_at_checked(10).ok_or_else(wrong)?;
    let strict = day.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let time_follows = rest.is_empty() || rest.starts_with(['T', ' ']) && parse_timestamp(text).is_some();
    if !strict || !time_follows {
        return Err(wrong());
    }
    NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| wrong())
}

/// Reads an ISO time with or without a zone; the clock's reading is kept, the zone dropped.
fn parse_timestamp(text: &str) -> Option<NaiveDateTime> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.naive_local());
    let naive = || NaiveDateTime::parse_from_str(&text.replacen(' ', "T", 1), "%Y-%m-%dT%H:%M:%S%.f");
    zoned.or_else(|_| naive()).ok()
}

impl Fields<'_> {
    fn id(&self) -> Option<RequestId> {
        match &self.uuid {
            Some(Scalar::Text(text)) => RequestId::new(text.as_ref()).ok(),
            _ => None,
        }
    }

    fn into_request(self) -> Result<Request, Invalid> {
        let date = required("FlightDate", string("FlightDate", self.flight_date)?)?;
        let request = Request {
            id: RequestId::new(required("UUID", string("UUID", self.uuid)?)?)?,
            carrier: code("Carrier", self.carrier)?,
            origin: code("Origin", self.origin)?,
            dest: code("Dest", self.dest)?,
            date: parse_flight_date(&date)?,
            dep_delay: number("DepDelay", self.dep_delay)?,
            distance: number("Distance", self.distance)?,
            flight_num: flight_num(self.flight_num)?,
            schedule: schedule(self.crs_dep_time, self.crs_arr_time)?,
            weather: weather(self.weather)?,
            asked_at: timestamp(self.timestamp)?,
        };
        request.check()?;
        Ok(request)
    }
}

fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(field, "is missing"))
}

fn wrong_type(field: &'static str, found: &Scalar<'_>, wanted: &str) -> Invalid {
    Invalid::new(field, format!("must be {wanted}, not {}", found.kind()))
}

fn string<'de>(field: &'static str, value: Option<Scalar<'de>>) -> Result<Option<Cow<'de, str>>, Invalid> {
    match value {
        None => Ok(None),
        Some(Scalar::Text(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(field, &other, "a string")),
    }
}

fn number(field: &'static str, value: Option<Scalar<'_>>) -> Result<Option<f64>, Invalid> {
    match value {
        None => Ok(None),
        Some(Scalar::Number(number)) => Ok(Some(number)),
        Some(other) => Err(wrong_type(field, &other, "a number")),
    }
}

fn code(field: &'static str, value: Option<Scalar<'_>>) -> Result<Code, Invalid> {
    let text = required(field, string(field, value)?)?;
    text.parse().map_err(|error: NotACode| Invalid::new(field, error.to_string()))
}

/// Old data has flight numbers as numbers, too.
fn flight_num(value: Option<Scalar<'_>>) -> Result<Option<String>, Invalid> {
    match value {
        Some(Scalar::Number(number)) if number.fract() == 0.0 && (0.0..1e9).contains(&number) => {
            Ok(Some(format!("{number:.0}")))
        }
        other => Ok(string("FlightNum", other)?.map(Cow::into_owned)),
    }
}

/// Times of day as BTS has them, in numbers or in digits: 5 and `0005` are five past midnight.
fn time_of_day(field: &'static str, value: Option<Scalar<'_>>) -> Result<Option<u16>, Invalid> {
    let hhmm = match value {
        None => return Ok(None),
        // A float beyond i32 becomes its end, which is no time of day.
        Some(Scalar::Number(number)) if number.fract() == 0.0 => Some(number as i32),
        Some(Scalar::Number(_)) => None,
        Some(Scalar::Text(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(Scalar::Text(_)) => None,
        Some(other) => return Err(wrong_type(field, &other, "a number or a string")),
    };
    let wrong = || Invalid::new(field, "must be a local time of day as hhmm, as in 1745");
    hhmm.and_then(from_hhmm).ok_or_else(wrong).map(Some)
}

fn schedule(dep: Option<Scalar<'_>>, arr: Option<Scalar<'_>>) -> Result<Option<Schedule>, Invalid> {
    match (time_of_day("CRSDepTime", dep)?, time_of_day("CRSArrTime", arr)?) {
        (Some(dep_min), Some(arr_min)) => Ok(Some(Schedule { dep_min, arr_min })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(Invalid::new("CRSArrTime", "is missing: a schedule has both, CRSDepTime and CRSArrTime"))
        }
        (None, Some(_)) => {
            Err(Invalid::new("CRSDepTime", "is missing: a schedule has both, CRSDepTime and CRSArrTime"))
        }
    }
}

/// An object without an observation says nothing of the weather.
fn weather(value: Option<Object<'_>>) -> Result<Option<Weather>, Invalid> {
    let observed = match value {
        None => return Ok(None),
        Some(Object::Weather(observed)) => observed,
        Some(Object::Other(kind)) => return Err(Invalid::new("Weather", format!("must be an object, not {kind}"))),
    };
    let mut weather = Weather::UNOBSERVED;
    for (observation, scalar) in observed {
        // What is beyond a float's range is infinite, and so beyond every limit.
        weather = weather.with(observation, number(observation.path(), Some(scalar))?.map(|value| value as f32));
    }
    Ok(Some(weather).filter(Weather::is_observed))
}

fn timestamp(value: Option<Scalar<'_>>) -> Result<Option<NaiveDateTime>, Invalid> {
    let wrong = || Invalid::new("Timestamp", "must be an ISO time, as in 2026-11-23T13:41:32.246003");
    string("Timestamp", value)?.map(|text| parse_timestamp(&text).ok_or_else(wrong)).transpose()
}
