//! Documents of a store, in the few types that the wire contract uses.
//!
//! An answer is one [`Document`], and each store renders it: as JSON text in the embedded file, as BSON in MongoDB.

mod text;

pub use text::to_text;

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Map;
use smallvec::SmallVec;

/// A field's value. The types are those of the document store. Texts are borrowed from what the document is of, where
/// it has them: a copy of each took a tenth of rendering an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(Cow<'a, str>),
    /// A 32-bit integer.
    Int32(i32),
    /// A 64-bit float.
    Double(f64),
    /// A time, to the millisecond.
    Date(DateTime<Utc>),
    /// An array of 64-bit floats.
    Doubles(Doubles),
    /// An embedded document.
    Document(Document<'a>),
}

impl<'a> Value<'a> {
    /// Returns a borrowed string.
    pub fn text(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

/// The numbers of an array. Up to four are kept in place.
pub type Doubles = SmallVec<[f64; 4]>;

/// Named values, in order. Names are written as they are: without quotes, backslashes and control characters.
pub type Document<'a> = Vec<(&'static str, Value<'a>)>;

/// A document that serializes as JSON like `bson.json_util.dumps` of the old front end: doubles keep their point
/// (`2.0`), dates are `{"$date": "2016-12-25T00:00:00Z"}`, with milliseconds unless they are 0.
///
/// It serializes into its target without a [`Map`] in between, which would take longer.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(pub &'a Document<'a>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, JsonValue(value))))
    }
}

struct JsonValue<'a>(&'a Value<'a>);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Int32(number) => serializer.serialize_i32(*number),
            Value::Double(number) => serializer.serialize_f64(*number),
            Value::Date(at) => serializer.collect_map([("$date", date_to_json(at))]),
            Value::Doubles(numbers) => numbers.as_slice().serialize(serializer),
            Value::Document(document) => Json(document).serialize(serializer),
        }
    }
}

/// Returns the JSON of a document as a map, for access to its fields.
pub fn to_json(document: &Document<'_>) -> Map<String, serde_json::Value> {
    match serde_json::to_value(Json(document)) {
        Ok(serde_json::Value::Object(map)) => map,
        // A document is a map of values that all have a JSON form.
        _ => Map::new(),
    }
}

fn date_to_json(at: &DateTime<Utc>) -> String {
    let precision = if at.timestamp_subsec_millis() == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
    at.to_rfc3339_opts(precision, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_as_bson_json_util_did() {
        let midnight = DateTime::parse_from_rfc3339("2016-12-25T00:00:00Z").unwrap().to_utc();
        let later = DateTime::parse_from_rfc3339("2026-11-23T13:41:32.246003Z").unwrap().to_utc();
        let document = vec![
            ("Origin", Value::Text("ATL".into())),
            ("DayOfWeek", Value::Int32(7)),
            ("Prediction", Value::Double(2.0)),
            ("FlightDate", Value::Date(midnight)),
            ("Timestamp", Value::Date(later)),
            ("DepDelay", Value::Null),
            ("Follow", Value::Bool(true)),
            ("Probabilities", Value::Doubles([0.25, 1.0].into_iter().collect())),
            ("Contributions", Value::Document(vec![("Route", Value::Doubles([0.0].into_iter().collect()))])),
        ];
        assert_eq!(
            serde_json::to_string(&Json(&document)).unwrap(),
            r#"{"Origin":"ATL","DayOfWeek":7,"Prediction":2.0,"FlightDate":{"$date":"2016-12-25T00:00:00Z"},"Timestamp":{"$date":"2026-11-23T13:41:32.246Z"},"DepDelay":null,"Follow":true,"Probabilities":[0.25,1.0],"Contributions":{"Route":[0.0]}}"#
        );
        assert_eq!(
            serde_json::to_string(&to_json(&document)).unwrap(),
            serde_json::to_string(&Json(&document)).unwrap()
        );
    }
}
