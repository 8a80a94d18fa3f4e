//! Rows that are JSON objects, those of extended JSON included.

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value};

use super::{
    fields::{FIELDS, Field, Kind, kind},
    row::{Cells, Dialect, Row},
};

/// Names that are remembered; tables have about a hundred.
const NAMES_MAX: usize = 1024;

/// An object.
pub(super) struct Object(Map<String, Value>);

/// The fields that names stand for: found out once for each name.
#[derive(Default)]
pub(super) struct Names(HashMap<String, Option<(Field, usize)>, foldhash::fast::RandomState>);

impl Names {
    fn of(&mut self, name: &str) -> Option<(Field, usize)> {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        let field = Field::of(name);
        if self.0.len() < NAMES_MAX {
            self.0.insert(name.to_owned(), field);
        }
        field
    }
}

/// The fields that the objects of a text have: writers leave out those without a value, so one object is not enough.
#[derive(Default)]
pub(super) struct Shape([bool; FIELDS]);

impl Shape {
    pub(super) fn add(&mut self, object: &Object, names: &mut Names) {
        for name in object.0.keys() {
            if let Some((field, _)) = names.of(name) {
                self.0[field as usize] = true;
            }
        }
    }

    /// Returns the kind of rows that objects with these fields are, or the fields that they lack.
    pub(super) fn kind(&self) -> Result<Kind, Vec<&'static str>> {
        kind(|field| self.0[field as usize])
    }

    /// The same of a text that is at its end: flights of which none has a delay were not flown, if they say so.
    pub(super) fn kind_at_end(&self) -> Result<Kind, Vec<&'static str>> {
        let unflown = self.0[Field::Cancelled as usize] || self.0[Field::Diverted as usize];
        kind(|field| self.0[field as usize] || (field == Field::ArrDelay && unflown))
    }
}

impl Object {
    /// Reads an object. NaN and Infinity, which are no JSON, are read as no value and as a number out of range.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let parse = |text: &[u8]| serde_json::from_slice(text).map(Object);
        let no_object = |error| format!("no JSON object: {error}");
        parse(text).or_else(|error| match with_words_for_numbers(text) {
            Some(text) => parse(&text).map_err(no_object),
            None => Err(no_object(error)),
        })
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads the object as a row, in a text of that kind.
    pub(super) fn row(&self, kind: Kind, names: &mut Names, dialect: &mut Dialect) -> Result<Row, String> {
        let mut cells = Cells::default();
        let mut ranks = [usize::MAX; FIELDS];
        for (name, value) in &self.0 {
            if let Some((field, rank)) = names.of(name)
                && rank < ranks[field as usize]
            {
                cells.0[field as usize] = cell(value).ok_or_else(|| format!("{field:?} is nested"))?;
                ranks[field as usize] = rank;
            }
        }
        cells.row(kind, dialect)
    }
}

/// A scalar as the text that a CSV would have; `None` for what is no scalar.
fn cell(value: &Value) -> Option<Option<Cow<'_, str>>> {
    match value {
        Value::Null => Some(None),
        Value::Bool(so) => Some(Some(if *so { "1" } else { "0" }.into())),
        Value::Number(number) => Some(Some(number.to_string().into())),
        Value::String(text) => Some(Some(text.as_str().into())),
        Value::Object(object) => extended(object),
        Value::Array(_) => None,
    }
}

/// A scalar of MongoDB's extended JSON, canonical or relaxed: `{"$numberInt": "5"}`, `{"$date": …}`.
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

/// The text with `null` for each `NaN` and a text for each `Infinity` that stand outside of texts; `None` if there is
/// none.
fn with_words_for_numbers(text: &[u8]) -> Option<Vec<u8>> {
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
    fn scalars_and_those_of_extended_json_are_the_text_that_a_csv_would_have() {
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
    fn words_in_texts_stay_as_they_are() {
        let object = Object::parse(br#"{"a":NaN,"NaN":"NaN \" NaN","b":"\\","c":Infinity}"#).unwrap();
        assert_eq!(object.0["NaN"], "NaN \" NaN");
        assert_eq!((&object.0["a"], &object.0["b"], &object.0["c"]), (&Value::Null, &"\\".into(), &"inf".into()));
        for text in ["{\"a\":nothing}", "{\"a\":NaN", "{\"a\":\"NaN", "{\"a\":NaN\\"] {
            assert!(Object::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
