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

use std::{borrow::Cow, fmt};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{
    Deserializer,
    de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Invalid, MESSAGE_BYTES_MAX, Request, RequestId};

/// A message that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// Whom to tell, if that much could be read.
    pub id: Option<RequestId>,
    /// What is wrong; a field is named as the wire names it.
    pub reason: String,
}

/// Reads a message of the wire contract.
pub fn decode(bytes: &[u8]) -> Result<Request, Malformed> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        let reason = format!("the message has {} bytes, more than {MESSAGE_BYTES_MAX}", bytes.len());
        return Err(Malformed { id: None, reason });
    }
    if bytes.is_empty() {
        return Err(Malformed { id: None, reason: "the message is empty".into() });
    }
    let mut fields = Fields::default();
    let (text, damage) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            (valid, Some(format!("not UTF-8 at byte {}", error.valid_up_to())))
        }
    };
    let parsed = parse(text, &mut fields);
    let id = fields.id();
    let request = match (damage, parsed) {
        (Some(damage), _) => Err(damage),
        (None, Err(error)) => Err(error.to_string()),
        (None, Ok(())) => fields.into_request().map_err(|invalid| invalid.to_string()),
    };
    request.map_err(|reason| Malformed { id, reason })
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

fn parse<'de>(text: &'de str, fields: &mut Fields<'de>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    FieldsSeed(fields).deserialize(&mut json)?;
    json.end()
}

/// The value of a field that we read, before it is held against what the field must be.
enum Scalar<'de> {
    Number(f64),
    Text(Cow<'de, str>),
    Other(&'static str),
}

impl Scalar<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Scalar::Number(_) => "a number",
            Scalar::Text(_) => "a string",
            Scalar::Other(kind) => kind,
        }
    }
}

/// What has been read so far. It outlives the parser's failure, so that rule 6 can be kept.
#[derive(Default)]
struct Fields<'de> {
    uuid: Option<Scalar<'de>>,
    carrier: Option<Scalar<'de>>,
    origin: Option<Scalar<'de>>,
    dest: Option<Scalar<'de>>,
    flight_date: Option<Scalar<'de>>,
    dep_delay: Option<Scalar<'de>>,
    distance: Option<Scalar<'de>>,
    flight_num: Option<Scalar<'de>>,
    timestamp: Option<Scalar<'de>>,
}

impl<'de> Fields<'de> {
    fn slot(&mut self, name: &str) -> Option<&mut Option<Scalar<'de>>> {
        Some(match name {
            "UUID" => &mut self.uuid,
            "Carrier" => &mut self.carrier,
            "Origin" => &mut self.origin,
            "Dest" => &mut self.dest,
            "FlightDate" => &mut self.flight_date,
            "DepDelay" => &mut self.dep_delay,
            "Distance" => &mut self.distance,
            "FlightNum" => &mut self.flight_num,
            "Timestamp" => &mut self.timestamp,
            _ => return None,
        })
    }

    fn id(&self) -> Option<RequestId> {
        match &self.uuid {
            Some(Scalar::Text(text)) => RequestId::new(text.as_ref()).ok(),
            _ => None,
        }
    }

    fn into_request(self) -> Result<Request, Invalid> {
        let date = required("FlightDate", text("FlightDate", self.flight_date)?)?;
        let request = Request {
            id: RequestId::new(required("UUID", text("UUID", self.uuid)?)?)?,
            carrier: code("Carrier", self.carrier)?,
            origin: code("Origin", self.origin)?,
            dest: code("Dest", self.dest)?,
            date: parse_flight_date(&date)?,
            dep_delay: number("DepDelay", self.dep_delay)?,
            distance: number("Distance", self.distance)?,
            flight_num: flight_num(self.flight_num)?,
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

fn text<'de>(field: &'static str, value: Option<Scalar<'de>>) -> Result<Option<Cow<'de, str>>, Invalid> {
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

fn code(field: &'static str, value: Option<Scalar<'_>>) -> Result<crate::code::Code, Invalid> {
    let text = required(field, text(field, value)?)?;
    text.parse().map_err(|error: crate::code::NotACode| Invalid::new(field, error.to_string()))
}

/// Old data has flight numbers as numbers, too.
fn flight_num(value: Option<Scalar<'_>>) -> Result<Option<String>, Invalid> {
    match value {
        Some(Scalar::Number(number)) if number.fract() == 0.0 && (0.0..1e9).contains(&number) => {
            Ok(Some(format!("{number:.0}")))
        }
        other => Ok(text("FlightNum", other)?.map(Cow::into_owned)),
    }
}

fn timestamp(value: Option<Scalar<'_>>) -> Result<Option<NaiveDateTime>, Invalid> {
    let wrong = || Invalid::new("Timestamp", "must be an ISO time, as in 2026-11-23T13:41:32.246003");
    text("Timestamp", value)?.map(|text| parse_timestamp(&text).ok_or_else(wrong)).transpose()
}

/// Reads the object into [`Fields`] from outside, so that they survive an error half-way.
struct FieldsSeed<'a, 'de>(&'a mut Fields<'de>);

impl<'de> DeserializeSeed<'de> for FieldsSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FieldsSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen_null: Vec<String> = Vec::new();
        while let Some(Key(name)) = map.next_key()? {
            let Some(slot) = self.0.slot(&name) else {
                map.next_value::<Bounded>()?;
                continue;
            };
            if slot.is_some() || seen_null.iter().any(|seen| *seen == name) {
                return Err(de::Error::custom(format_args!("{name}: stands twice")));
            }
            *slot = map.next_value::<MaybeScalar<'de>>()?.0;
            if slot.is_none() {
                seen_null.push(name.into_owned());
            }
        }
        Ok(())
    }
}

/// An object's key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ScalarVisitor)?.0 {
            Some(Scalar::Text(text)) => Ok(Key(text)),
            _ => Err(de::Error::custom("a key must be a string")),
        }
    }
}

/// `None` where the value is null.
struct MaybeScalar<'de>(Option<Scalar<'de>>);

impl<'de> Deserialize<'de> for MaybeScalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = MaybeScalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(MaybeScalar(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Other("a boolean"))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Number(value as f64))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Number(value as f64))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Number(value))))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Text(Cow::Borrowed(value)))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(MaybeScalar(Some(Scalar::Text(Cow::Owned(value.to_owned())))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Bounded::drain_seq(seq)?;
        Ok(MaybeScalar(Some(Scalar::Other("an array"))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Bounded::drain_map(map)?;
        Ok(MaybeScalar(Some(Scalar::Other("an object"))))
    }
}

/// A value that is read and forgotten. Unlike serde's `IgnoredAny` it goes through the parser's recursion limit,
/// which is what keeps rule 2, and has every number and string checked.
struct Bounded;

impl Bounded {
    fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<Bounded>()?.is_some() {}
        Ok(())
    }

    fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, Bounded>()?.is_some() {}
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)?;
        Ok(Bounded)
    }
}
