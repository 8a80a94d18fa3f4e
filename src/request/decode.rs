//! From the bytes of a message to a request, or to a reason why not.
//!
//! The rules, each with a test of its number:
//!
//! 1. A message is one JSON object in UTF-8, at most [`MESSAGE_BYTES_MAX`] long; nothing may follow it. A byte order
//!    mark before it is passed over.
//! 2. Unknown fields are ignored, but nothing may nest deeper than 127 levels.
//! 3. A field that we read appears once: of two values it is unknown which was meant.
//! 4. `null` is the same as absent, and so is a number that is none: a bare `NaN`, which is no JSON, and the string
//!    `"NaN"`. A bare `Infinity` is a number beyond all limits.
//! 5. The days of year, month and week are derived from `FlightDate`; what the message says of them is not read.
//! 6. The reason names the field and repeats nothing of the message. Whatever is wrong, the `UUID` is found where it
//!    can be told without doubt ([`super::find_id`]); another encoding or format is named ([`super::foreign`]).
//! 7. `CRSDepTime` and `CRSArrTime` come together or not at all: half a schedule is of no use, and its producer
//!    should know.
//! 8. In the object `Weather`, which may hold any of its fields or none, rules 2 to 4 and 9 hold again.
//! 9. Texts are taken as the page takes them: blanks around them do not count, an empty one is absent, codes may be in
//!    lower case, a number may stand in a string.
//! 10. `FlightDate` has any form of ISO 8601 ([`super::iso`]); its day is taken as it is written.
//! 11. Nothing rests on `Timestamp`: what is no ISO time of the years 1 to 9999 is absent, whatever its type.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};

use super::{
    Invalid, MESSAGE_BYTES_MAX, Malformed, MalformedKind, Request, RequestId,
    damaged::{self, Damage},
    iso::IsoTime,
    json::{self, Fields, Scalar},
    non_finite::replace_non_finite,
    object::Object,
};
use crate::flight::{Code, NotACode, Schedule, Weather, time_of_day::from_hhmm};

/// The byte order mark that some programs on Windows write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a message of the wire contract.
pub fn decode(bytes: &[u8]) -> Result<Request, Malformed> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // What is JSON is parsed once; all that follows costs broken messages alone.
    let damage = match text(bytes) {
        Err(damage) => damage,
        Ok(text) => match json::read(text) {
            Ok(fields) => return fields.into_result(),
            Err(not_json) => {
                let replaced = replace_non_finite(text);
                match replaced.as_deref().map(json::read) {
                    Some(Ok(fields)) => return fields.into_result(),
                    Some(Err(not_json)) => Damage::NotJson { not_json, has_place: false },
                    None => Damage::NotJson { not_json, has_place: true },
                }
            }
        },
    };
    Err(damaged::explain(bytes, &damage))
}

/// The text of a message.
fn text(bytes: &[u8]) -> Result<&str, Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Damage::TooLong);
    }
    str::from_utf8(bytes).map_err(|error| Damage::NotUtf8 { valid_up_to: error.valid_up_to() })
}

/// Reads `2016-12-25`, or any other ISO date or time, whose day is taken as it is written: a zone never shifts it.
pub fn parse_flight_date(text: &str) -> Result<NaiveDate, Invalid> {
    let wrong = || Invalid::new("FlightDate", "must be a date of the calendar, as in 2016-12-25");
    IsoTime::parse(text.trim()).map(|time| time.date).ok_or_else(wrong)
}

impl Fields<'_> {
    fn id(&self) -> Option<RequestId> {
        match &self.uuid {
            Some(Scalar::Text(text)) => RequestId::new(text.as_ref()).ok(),
            _ => None,
        }
    }

    fn into_result(self) -> Result<Request, Malformed> {
        let id = self.id();
        self.into_request().map_err(|invalid| {
            let (reason, kind) = (invalid.to_string(), MalformedKind::Field(invalid.field));
            Malformed { id, reason, kind }
        })
    }

    fn into_request(self) -> Result<Request, Invalid> {
        let date = required("FlightDate", trimmed("FlightDate", self.flight_date)?)?;
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
            asked_at: timestamp(self.timestamp),
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

/// A string without blanks around it; an empty one is absent.
fn trimmed<'de>(field: &'static str, value: Option<Scalar<'de>>) -> Result<Option<Cow<'de, str>>, Invalid> {
    let trim = |text: Cow<'de, str>| match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    Ok(string(field, value)?.map(trim).filter(|text| !text.is_empty()))
}

/// Jackson writes a number that is none as a string.
fn is_nan(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("nan")
}

fn number(field: &'static str, value: Option<Scalar<'_>>) -> Result<Option<f64>, Invalid> {
    match value {
        None => Ok(None),
        Some(Scalar::Number(number)) => Ok(Some(number)),
        Some(Scalar::Text(text)) if text.trim().is_empty() || is_nan(&text) => Ok(None),
        Some(Scalar::Text(text)) => {
            let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| wrong_type(field, &Scalar::Text(text), "a number")).map(Some)
        }
        Some(other) => Err(wrong_type(field, &other, "a number")),
    }
}

fn code(field: &'static str, value: Option<Scalar<'_>>) -> Result<Code, Invalid> {
    let mut text = required(field, trimmed(field, value)?)?;
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        text = Cow::Owned(text.to_uppercase());
    }
    text.parse().map_err(|error: NotACode| Invalid::new(field, error.to_string()))
}

/// Old data has flight numbers as numbers, too.
fn flight_num(value: Option<Scalar<'_>>) -> Result<Option<String>, Invalid> {
    match value {
        Some(Scalar::Number(number)) if number.fract() == 0.0 && (0.0..1e9).contains(&number) => {
            Ok(Some(format!("{number:.0}")))
        }
        other => Ok(trimmed("FlightNum", other)?.map(Cow::into_owned)),
    }
}

/// Times of day as BTS has them, in numbers or in digits: 5 and `0005` are five past midnight.
fn time_of_day(field: &'static str, value: Option<Scalar<'_>>) -> Result<Option<u16>, Invalid> {
    let hhmm = match value {
        None => return Ok(None),
        // A float beyond i32 becomes its end, which is no time of day.
        Some(Scalar::Number(number)) if number.fract() == 0.0 => Some(number as i32),
        Some(Scalar::Number(_)) => None,
        Some(Scalar::Text(text)) if text.trim().is_empty() || is_nan(&text) => return Ok(None),
        Some(Scalar::Text(text)) => {
            let text = text.trim();
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        }
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

/// The clock's reading, the zone dropped. What cannot be read is absent: no answer rests on it.
fn timestamp(value: Option<Scalar<'_>>) -> Option<NaiveDateTime> {
    let Some(Scalar::Text(text)) = value else { return None };
    let IsoTime { date, time } = IsoTime::parse(text.trim())?;
    // A client in Python cannot read a date of the year 0.
    (date.year() > 0).then(|| date.and_time(time.unwrap_or(NaiveTime::MIN)))
}
