//! Rows of JSON lines.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    fields::{FIELDS, Field, Kind, kind},
    row::{Cells, Row},
};

/// The object of a line.
pub(super) struct Object(Map<String, Value>);

impl Object {
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map(Object).map_err(|error| format!("no JSON object: {error}"))
    }

    /// What an object with these fields says, or what it lacks to be a flight.
    pub(super) fn kind(&self) -> Result<Kind, Vec<String>> {
        kind(|wanted| self.0.keys().any(|name| Field::of(name).is_some_and(|(field, _)| field == wanted)))
    }

    /// What the object says, in a text of that kind.
    pub(super) fn row(&self, kind: Kind) -> Result<Row, String> {
        let mut cells = Cells::default();
        let mut ranks = [usize::MAX; FIELDS];
        for (name, value) in &self.0 {
            if let Some((field, rank)) = Field::of(name)
                && rank < ranks[field as usize]
            {
                cells.0[field as usize] = cell(value).ok_or_else(|| format!("{field:?} is nested"))?;
                ranks[field as usize] = rank;
            }
        }
        cells.row(kind)
    }
}

/// A scalar as the text that a CSV would have; `None` for what is no scalar.
fn cell(value: &Value) -> Option<Option<Cow<'_, str>>> {
    match value {
        Value::Null => Some(None),
        Value::Bool(so) => Some(Some(if *so { "1" } else { "0" }.into())),
        Value::Number(number) => Some(Some(number.to_string().into())),
        Value::String(text) => Some(Some(text.as_str().into())),
        Value::Array(_) | Value::Object(_) => None,
    }
}
