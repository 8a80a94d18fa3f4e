//! Encodes documents as BSON, and BSON as JSON.

use chrono::{DateTime, SecondsFormat, Utc};
use mongodb::bson::{self, Bson};
use serde_json::{Map, Value, json};

use crate::document;

/// Returns a document in the types of the wire contract.
pub fn to_bson(document: &document::Document) -> bson::Document {
    document.iter().map(|(name, value)| ((*name).to_owned(), value_to_bson(value))).collect()
}

fn value_to_bson(value: &document::Value) -> Bson {
    match value {
        document::Value::Null => Bson::Null,
        document::Value::Bool(truth) => Bson::Boolean(*truth),
        document::Value::Text(text) => Bson::String(text.clone()),
        document::Value::Int32(number) => Bson::Int32(*number),
        document::Value::Double(number) => Bson::Double(*number),
        document::Value::Date(at) => Bson::DateTime(bson::DateTime::from_millis(at.timestamp_millis())),
        document::Value::Doubles(numbers) => Bson::Array(numbers.iter().copied().map(Bson::Double).collect()),
        document::Value::Document(document) => Bson::Document(to_bson(document)),
    }
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
    use mongodb::bson::{doc, oid::ObjectId};
    use proptest::prelude::*;

    #[test]
    fn types_are_those_of_the_contract() {
        let midnight = DateTime::from_timestamp(1_482_624_000, 0).unwrap();
        let document = vec![
            ("_id", document::Value::Text("6c03".into())),
            ("DayOfWeek", document::Value::Int32(7)),
            ("Prediction", document::Value::Double(2.0)),
            ("FlightDate", document::Value::Date(midnight)),
            ("DepDelay", document::Value::Null),
            ("Probabilities", document::Value::Doubles(vec![0.25, 1.0])),
            ("Contributions", document::Value::Document(vec![("Route", document::Value::Doubles(vec![0.5]))])),
        ];
        let expected = doc! {
            "_id": "6c03", "DayOfWeek": 7_i32, "Prediction": 2.0, "FlightDate": bson::DateTime::from_millis(1_482_624_000_000),
            "DepDelay": Bson::Null, "Probabilities": [0.25, 1.0], "Contributions": { "Route": [0.5] },
        };
        assert_eq!(to_bson(&document), expected);
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

    fn plain() -> impl Strategy<Value = document::Value> {
        let finite = -1e300..1e300f64;
        prop_oneof![
            Just(document::Value::Null),
            "\\PC{0,12}".prop_map(document::Value::Text),
            any::<bool>().prop_map(document::Value::Bool),
            any::<i32>().prop_map(document::Value::Int32),
            finite.clone().prop_map(document::Value::Double),
            proptest::collection::vec(finite, 0..5).prop_map(document::Value::Doubles),
            (0..253_402_300_800_000_000i64)
                .prop_map(|micros| document::Value::Date(DateTime::from_timestamp_micros(micros).unwrap())),
        ]
    }

    fn value() -> impl Strategy<Value = document::Value> {
        let document = proptest::collection::vec(plain(), 0..3)
            .prop_map(|values| document::Value::Document(["a", "b"].into_iter().zip(values).collect()));
        prop_oneof![4 => plain(), 1 => document]
    }

    proptest! {
        #[test]
        fn stored_documents_have_the_json_of_the_contract(values in proptest::collection::vec(value(), 0..4)) {
            let names = ["a", "b", "c", "d"];
            let document: document::Document = names.into_iter().zip(values).collect();
            prop_assert_eq!(to_json(to_bson(&document)), document::to_json(&document));
        }
    }
}
