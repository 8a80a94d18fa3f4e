//! Reads the fields of a message from its JSON (rules 1 to 4 and 8 of [`crate::request::decode()`]).

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    plain,
    raw::{RawFields, Value},
    table::Table,
};
use crate::flight::Observation;

/// A text that is not the JSON of one object that has each field once.
pub(super) enum NotJson {
    /// It does not begin with an object.
    NoObject,
    /// The parser's error, and the field that it had reached. The error repeats nothing of the text: the parser quotes
    /// only what stands in place of an object, and then it is not called.
    Broken { reached: Option<Reached>, error: serde_json::Error },
}

/// The last known field before an error, unless an unknown one follows it.
#[derive(Clone, Copy)]
pub(super) enum Reached {
    /// The parser is within its value.
    Within(&'static str),
    /// The parser is behind its value.
    Behind(&'static str),
}

/// Reads one JSON object, and nothing after it.
pub(super) fn read<F: Table<N>, const N: usize>(text: &str) -> Result<RawFields<'_, F, N>, NotJson> {
    plain::read(text).map_or_else(|| parse(text), Ok)
}

/// Reads one JSON object of any form.
pub(super) fn parse<F: Table<N>, const N: usize>(text: &str) -> Result<RawFields<'_, F, N>, NotJson> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(NotJson::NoObject);
    }
    let mut fields = RawFields::none();
    let mut reached = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = FieldsSeed { fields: &mut fields, reached: &mut reached };
    let result = seed.deserialize(&mut json).and_then(|()| json.end());
    result.map(|()| fields).map_err(|error| NotJson::Broken { reached, error })
}

/// Reads the object into [`RawFields`], and records where it is, so that an error can name the field.
struct FieldsSeed<'a, 'de, F, const N: usize> {
    fields: &'a mut RawFields<'de, F, N>,
    reached: &'a mut Option<Reached>,
}

impl<'de, F: Table<N>, const N: usize> DeserializeSeed<'de> for FieldsSeed<'_, 'de, F, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Table<N>, const N: usize> Visitor<'de> for FieldsSeed<'_, 'de, F, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = [false; N];
        while let Some(Key(name)) = map.next_key()? {
            let Some(field) = F::of_name(&name) else {
                *self.reached = None;
                map.next_value::<Skipped>()?;
                continue;
            };
            let name = field.name();
            if std::mem::replace(&mut seen[field.index()], true) {
                *self.reached = None;
                return Err(de::Error::custom(format_args!("{name}: stands twice")));
            }
            *self.reached = Some(Reached::Within(name));
            let value = map.next_value_seed(ValueVisitor { in_weather: field.is_observed() })?;
            self.fields.set(field, value);
            *self.reached = Some(Reached::Behind(name));
        }
        *self.reached = None;
        Ok(())
    }
}

/// An object's key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ValueVisitor { in_weather: false })? {
            Some(Value::Text(text)) => Ok(Key(text)),
            _ => Err(de::Error::custom("a key must be a string")),
        }
    }
}

/// Reads a value; `None` where it is null.
#[derive(Clone, Copy)]
struct ValueVisitor {
    /// An object's observations are kept. Every other object, and every array, is read and dropped.
    in_weather: bool,
}

impl<'de> DeserializeSeed<'de> for ValueVisitor {
    type Value = Option<Value<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Option<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Truth(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(value)))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Borrowed(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Owned(value.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<Skipped>()?.is_some() {}
        Ok(Some(Value::Other("an array")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if self.in_weather {
            return observations(map).map(|observed| Some(Value::Observations(observed)));
        }
        while map.next_entry::<IgnoredAny, Skipped>()?.is_some() {}
        Ok(Some(Value::Other("an object")))
    }
}

fn observations<'de, A: MapAccess<'de>>(mut map: A) -> Result<Vec<(Observation, Value<'de>)>, A::Error> {
    let mut seen = [false; Observation::ALL.len()];
    let mut observed = Vec::new();
    while let Some(Key(name)) = map.next_key()? {
        let Some(observation) = Observation::ALL.into_iter().find(|observation| observation.name() == name) else {
            map.next_value::<Skipped>()?;
            continue;
        };
        if std::mem::replace(&mut seen[observation as usize], true) {
            return Err(de::Error::custom(format_args!("{}: stands twice", observation.path())));
        }
        let value = map.next_value_seed(ValueVisitor { in_weather: false })?;
        observed.extend(value.map(|value| (observation, value)));
    }
    Ok(observed)
}

/// A value that is read and dropped. Unlike serde's `IgnoredAny` it is under the parser's recursion limit, which keeps
/// rule 2, and has every number and string checked.
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor { in_weather: false })?;
        Ok(Skipped)
    }
}
