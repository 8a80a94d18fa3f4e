//! Rows as JSON objects, with MongoDB's extended JSON.

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

use super::{
    fields::{FIELD_COUNT, Field, RowKind, row_kind},
    row::{Cells, Dialect, Row},
};

/// Upper bound on cached names; tables have about a hundred.
const NAMES_MAX: usize = 1024;

/// A JSON object.
pub(super) struct Object(Map<String, Value>);

/// A cache of the fields by name.
#[derive(Default)]
pub(super) struct FieldCache(HashMap<String, Option<(Field, usize)>, foldhash::fast::RandomState>);

impl FieldCache {
    fn get(&mut self, name: &str) -> Option<(Field, usize)> {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        let field = Field::by_name(name);
        if self.0.len() < NAMES_MAX {
            self.0.insert(name.to_owned(), field);
        }
        field
    }
}

/// The fields of several objects. Writers omit fields without a value, so that one object is not enough.
#[derive(Default)]
pub(super) struct FieldSet([bool; FIELD_COUNT]);

impl FieldSet {
    pub(super) fn add(&mut self, object: &Object, fields: &mut FieldCache) {
        for name in object.0.keys() {
            if let Some((field, _)) = fields.get(name) {
                self.0[field as usize] = true;
            }
        }
    }

    /// Returns the kind of rows with these fields, or the fields that they lack.
    pub(super) fn kind(&self) -> Result<RowKind, Vec<&'static str>> {
        row_kind(|field| self.0[field as usize])
    }

    /// Returns the kind of rows at the end of a text. Flights without any delay are accepted if they have a status.
    pub(super) fn kind_at_end(&self) -> Result<RowKind, Vec<&'static str>> {
        let unflown = self.0[Field::Cancelled as usize] || self.0[Field::Diverted as usize];
        row_kind(|field| self.0[field as usize] || (field == Field::ArrDelay && unflown))
    }
}

impl Object {
    /// Parses an object. NaN and Infinity, which are no JSON, become no value and a number out of range.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let parse = |text: &[u8]| serde_json::from_slice(text).map(Object);
        let no_object = |error| format!("no JSON object: {error}");
        parse(text).or_else(|error| match with_nan_replaced(text) {
            Some(text) => parse(&text).map_err(no_object),
            None => Err(no_object(error)),
        })
    }

    /// Iterates over the names of its fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Parses the object as a row of this kind.
    pub(super) fn row(&self, kind: RowKind, fields: &mut FieldCache, dialect: &mut Dialect) -> Result<Row, String> {
        let mut cells = Cells::default();
        let mut ranks = [usize::MAX; FIELD_COUNT];
        for (name, value) in &self.0 {
            if let Some((field, rank)) = fields.get(name)
                && rank < ranks[field as usize]
            {
                cells.0[field as usize] = cell(value).ok_or_else(|| format!("{field:?} is nested"))?;
                ranks[field as usize] = rank;
            }
        }
        cells.row(kind, dialect)
    }
}

/// Converts a scalar to the text that a CSV would have; `None` if it is no scalar.
fn cell(value: &Value) -> Option<Option<Cow<'_, str>>> {
    match value {
        Value::Null => Some(None),
        Value::Bool(flag) => Some(Some(if *flag { "1" } else { "0" }.into())),
        Value::Number(number) => Some(Some(number.to_string().into())),
        Value::String(text) => Some(Some(text.as_str().into())),
        Value::Object(object) => extended(object),
        Value::Array(_) => None,
    }
}

/// Converts a scalar of MongoDB's extended JSON, canonical or relaxed: `{"$numberInt": "5"}`, `{"$date": …}`.
fn extended(object: &Map<String, Value>) -> Option<Option<Cow<'_, str>>> {
    let (name, value) = object.iter().next().filter(|_| object.len() == 1)?;
    match name.as_str() {
        "$numberInt" | "$numberLong" | "$numberDouble" | "$numberDecimal" | "$oid" | "$symbol" => match value {
            Value::Object(_) | Value::Array(_) => None,
            scalar => cell(scalar),
        },
        "$date" => match value {
            Value::String(text) => Some(Some(text.as_str().into())),
            Value::Number(number) => Some(Some(date(number.as_i64()?)?.into())),
            Value::Object(millis) => Some(Some(date(millis.get("$numberLong")?.as_str()?.parse().ok()?)?.into())),
            _ => None,
        },
        "$undefined" => Some(None),
        _ => None,
    }
}

fn date(millis: i64) -> Option<String> {
    Some(DateTime::from_timestamp_millis(millis)?.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Replaces each `NaN` outside of strings by `null`, and each `Infinity` by a string; `None` if there is neither.
fn with_nan_replaced(text: &[u8]) -> Option<Vec<u8>> {
    let words: [(&[u8], &[u8]); 4] =
        [(b"NaN", b"null"), (b"nan", b"null"), (b"-Infinity", b"\"-inf\""), (b"Infinity", b"\"inf\"")];
    let (mut out, mut found, mut quoted, mut at) = (Vec::with_capacity(text.len()), false, false, 0);
    while at < text.len() {
        let word = if quoted { None } else { words.iter().find(|(word, _)| text[at..].starts_with(word)) };
        if let Some((word, instead)) = word {
            out.extend_from_slice(instead);
            at += word.len();
            found = true;
            continue;
        }
        match text[at] {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                out.push(text[at]);
                at += 1;
            }
            _ => {}
        }
        out.extend(text.get(at));
        at += 1;
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        let object = Object::parse(format!("{{\"a\":{text}}}").as_bytes()).unwrap();
        cell(&object.0["a"]).unwrap().map(Cow::into_owned)
    }

    #[test]
    fn scalars_also_of_extended_json_become_the_text_of_a_csv() {
        for (text, expected) in [
            ("5", "5"),
            ("-3.0", "-3.0"),
            ("true", "1"),
            ("\"AA\"", "AA"),
            (r#"{"$numberInt":"5"}"#, "5"),
            (r#"{"$numberLong":"5"}"#, "5"),
            (r#"{"$numberDouble":"-3.0"}"#, "-3.0"),
            (r#"{"$numberDouble":"NaN"}"#, "NaN"),
            (r#"{"$numberDecimal":"2.5"}"#, "2.5"),
            (r#"{"$oid":"5f"}"#, "5f"),
            (r#"{"$date":"2015-07-04T00:00:00Z"}"#, "2015-07-04T00:00:00Z"),
            (r#"{"$date":1435968000000}"#, "2015-07-04T00:00:00.000Z"),
            (r#"{"$date":{"$numberLong":"1435968000000"}}"#, "2015-07-04T00:00:00.000Z"),
            (r#"{"$date":{"$numberLong":"-1000"}}"#, "1969-12-31T23:59:59.000Z"),
            ("Infinity", "inf"),
            ("-Infinity", "-inf"),
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["null", "NaN", "nan", r#"{"$undefined":true}"#] {
            assert_eq!(value(text), None, "{text}");
        }
        for text in
            ["[1]", "{}", r#"{"$date":[]}"#, r#"{"b":1}"#, r#"{"$numberInt":"5","b":1}"#, r#"{"$numberInt":{}}"#]
        {
            let object = Object::parse(format!("{{\"a\":{text}}}").as_bytes()).unwrap();
            assert_eq!(cell(&object.0["a"]), None, "{text}");
        }
    }

    #[test]
    fn words_inside_strings_are_unchanged() {
        let object = Object::parse(br#"{"a":NaN,"NaN":"NaN \" NaN","b":"\\","c":Infinity}"#).unwrap();
        assert_eq!(object.0["NaN"], "NaN \" NaN");
        assert_eq!((&object.0["a"], &object.0["b"], &object.0["c"]), (&Value::Null, &"\\".into(), &"inf".into()));
        for text in ["{\"a\":nothing}", "{\"a\":NaN", "{\"a\":\"NaN", "{\"a\":NaN\\"] {
            assert!(Object::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
