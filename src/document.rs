//! Documents: what a store keeps, in the few types that the wire contract uses.
//!
//! An answer is described once, as a [`Document`]; each store renders it its own way (JSON text here, BSON in MongoDB).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, json};

/// A field's value, typed as the document store types it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A string.
    Text(String),
    /// A 32-bit integer.
    Int32(i32),
    /// A 64-bit float.
    Double(f64),
    /// A moment, kept to the millisecond.
    Date(DateTime<Utc>),
    /// An array of 64-bit floats.
    Doubles(Vec<f64>),
}

/// Named values, in order.
pub type Document = Vec<(&'static str, Value)>;

/// Renders a document as the old front end's `bson.json_util.dumps` did: doubles keep their point (`2.0`),
/// dates are `{"$date": "2016-12-25T00:00:00Z"}` with milliseconds only where there are any.
pub fn to_json(document: &Document) -> Map<String, serde_json::Value> {
    document.iter().map(|(name, value)| ((*name).to_owned(), value_to_json(value))).collect()
}

fn value_to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Text(text) => json!(text),
        Value::Int32(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Date(at) => json!({ "$date": date_to_json(at) }),
        Value::Doubles(numbers) => json!(numbers),
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
            ("Probabilities", Value::Doubles(vec![0.25, 1.0])),
        ];
        assert_eq!(
            serde_json::to_string(&to_json(&document)).unwrap(),
            r#"{"Origin":"ATL","DayOfWeek":7,"Prediction":2.0,"FlightDate":{"$date":"2016-12-25T00:00:00Z"},"Timestamp":{"$date":"2026-11-23T13:41:32.246Z"},"DepDelay":null,"Probabilities":[0.25,1.0]}"#
        );
    }
}
