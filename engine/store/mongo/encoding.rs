//! Encodes documents as BSON, and BSON as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use mongodb::bson::{self, Bson};
use serde_json::{Map, Value, json};

use crate::document;

/// The types of BSON elements (bsonspec.org, version 1.1).
mod element {
    pub(super) const DOUBLE: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const DOCUMENT: u8 = 0x03;
    pub(super) const ARRAY: u8 = 0x04;
    pub(super) const BOOLEAN: u8 = 0x08;
    pub(super) const DATE: u8 = 0x09;
    pub(super) const NULL: u8 = 0x0a;
    pub(super) const INT32: u8 = 0x10;
}

/// Returns the BSON of a document, in the types of the wire contract. It is written once, without a tree of values in
/// between: that took the most of an insert. Names have no zero byte.
pub fn to_bson(document: &document::Document<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    write_document(&mut out, document);
    out
}

fn write_document(out: &mut Vec<u8>, document: &document::Document<'_>) {
    with_length(out, |out| {
        for (name, value) in document {
            write_element(out, name, value);
        }
        out.push(0);
    });
}

/// Writes the length of what `write` writes, itself included, in front of it.
fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - start) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn begin(out: &mut Vec<u8>, element: u8, name: &str) {
    out.push(element);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

fn write_element(out: &mut Vec<u8>, name: &str, value: &document::Value<'_>) {
    match value {
        document::Value::Null => begin(out, element::NULL, name),
        document::Value::Bool(truth) => {
            begin(out, element::BOOLEAN, name);
            out.push((*truth).into());
        }
        document::Value::Text(text) => {
            begin(out, element::STRING, name);
            out.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
        document::Value::Int32(number) => {
            begin(out, element::INT32, name);
            out.extend_from_slice(&number.to_le_bytes());
        }
        document::Value::Double(number) => write_double(out, name, *number),
        document::Value::Date(at) => {
            begin(out, element::DATE, name);
            out.extend_from_slice(&at.timestamp_millis().to_le_bytes());
        }
        document::Value::Doubles(numbers) => {
            begin(out, element::ARRAY, name);
            with_length(out, |out| {
                for (index, number) in numbers.iter().enumerate() {
                    match INDEXES.get(index) {
                        Some(name) => write_double(out, name, *number),
                        None => write_double(out, &index.to_string(), *number),
                    }
                }
                out.push(0);
            });
        }
        document::Value::Document(document) => {
            begin(out, element::DOCUMENT, name);
            write_document(out, document);
        }
    }
}

/// The names of the first elements of an array.
const INDEXES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn write_double(out: &mut Vec<u8>, name: &str, number: f64) {
    begin(out, element::DOUBLE, name);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Returns the JSON of a document, as [`document::to_json`] does; a document of the old job, which may hold other
/// types, as `bson.json_util.dumps` did: MongoDB's relaxed extended JSON.
pub(super) fn to_json(document: bson::Document) -> Map<String, Value> {
    document.into_iter().map(|(name, value)| (name, value_to_json(value))).collect()
}

fn value_to_json(value: Bson) -> Value {
    match value {
        Bson::Document(document) => Value::Object(to_json(document)),
        Bson::Array(values) => values.into_iter().map(value_to_json).collect(),
        Bson::DateTime(at) => json!({ "$date": date_to_json(at) }),
        other => other.into_relaxed_extjson(),
    }
}

/// Returns the JSON of a date: with three digits of milliseconds unless they are 0; a number if ISO 8601 has no such
/// year.
fn date_to_json(at: bson::DateTime) -> Value {
    let millis = at.timestamp_millis();
    match DateTime::<Utc>::from_timestamp_millis(millis).filter(|at| (0..=9999).contains(&chrono::Datelike::year(at))) {
        None => json!({ "$numberLong": millis.to_string() }),
        Some(at) if at.timestamp_subsec_millis() == 0 => json!(at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        Some(at) => json!(at.to_rfc3339_opts(SecondsFormat::Millis, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{RawDocumentBuf, doc, oid::ObjectId};
    use proptest::prelude::*;

    fn read(document: &document::Document<'_>) -> bson::Document {
        RawDocumentBuf::from_bytes(to_bson(document)).unwrap().try_into().unwrap()
    }

    #[test]
    fn types_are_those_of_the_contract() {
        let midnight = DateTime::from_timestamp(1_482_624_000, 0).unwrap();
        let document = vec![
            ("_id", document::Value::Text("6c03".into())),
            ("DayOfWeek", document::Value::Int32(7)),
            ("Prediction", document::Value::Double(2.0)),
            ("FlightDate", document::Value::Date(midnight)),
            ("DepDelay", document::Value::Null),
            ("Probabilities", document::Value::Doubles(vec![0.25, 1.0].into())),
            ("Contributions", document::Value::Document(vec![("Route", document::Value::Doubles(vec![0.5].into()))])),
        ];
        let expected = doc! {
            "_id": "6c03", "DayOfWeek": 7_i32, "Prediction": 2.0, "FlightDate": bson::DateTime::from_millis(1_482_624_000_000),
            "DepDelay": Bson::Null, "Probabilities": [0.25, 1.0], "Contributions": { "Route": [0.5] },
        };
        assert_eq!(read(&document), expected);
    }

    #[test]
    fn a_document_of_the_old_job_renders_as_its_front_end_did() {
        let old = doc! {
            "_id": ObjectId::parse_str("6b04f9a1c0ffee0123456789").unwrap(),
            "DayOfYear": 360_i64, "Late": true, "Prediction": 2.0, "Route": { "From": "ATL", "Hops": [1_i32, Bson::Null] },
            "FlightDate": bson::DateTime::from_millis(1_482_624_000_100), "Odd": f64::NAN,
            "Far": bson::DateTime::from_millis(i64::MAX),
        };
        let expected = concat!(
            r#"{"_id":{"$oid":"6b04f9a1c0ffee0123456789"},"DayOfYear":360,"Late":true,"Prediction":2.0,"#,
            r#""Route":{"From":"ATL","Hops":[1,null]},"FlightDate":{"$date":"2016-12-25T00:00:00.100Z"},"#,
            r#""Odd":{"$numberDouble":"NaN"},"Far":{"$date":{"$numberLong":"9223372036854775807"}}}"#
        );
        assert_eq!(serde_json::to_string(&to_json(old)).unwrap(), expected);
    }

    fn plain() -> impl Strategy<Value = document::Value<'static>> {
        let finite = -1e300..1e300f64;
        prop_oneof![
            Just(document::Value::Null),
            "\\PC{0,12}".prop_map(|text| document::Value::Text(text.into())),
            any::<bool>().prop_map(document::Value::Bool),
            any::<i32>().prop_map(document::Value::Int32),
            finite.clone().prop_map(document::Value::Double),
            proptest::collection::vec(finite, 0..13).prop_map(|numbers| document::Value::Doubles(numbers.into())),
            (0..253_402_300_800_000_000i64)
                .prop_map(|micros| document::Value::Date(DateTime::from_timestamp_micros(micros).unwrap())),
        ]
    }

    fn value() -> impl Strategy<Value = document::Value<'static>> {
        let document = proptest::collection::vec(plain(), 0..3)
            .prop_map(|values| document::Value::Document(["a", "b"].into_iter().zip(values).collect()));
        prop_oneof![4 => plain(), 1 => document]
    }

    proptest! {
        #[test]
        fn stored_documents_have_the_json_of_the_contract(values in proptest::collection::vec(value(), 0..4)) {
            let names = ["a", "b", "c", "d"];
            let document: document::Document<'_> = names.into_iter().zip(values).collect();
            prop_assert_eq!(to_json(read(&document)), document::to_json(&document));
        }
    }
}
