//! Reading the fields of a message out of its JSON (rules 1 to 4 of [`super::decode`]).

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::object::{Object, ObjectSeed};

/// Why a text is not the JSON of one object that has each field once.
pub(super) enum NotJson {
    /// It does not begin as an object does.
    NoObject,
    /// The parser's error, and the field that it had reached. The error repeats nothing of the text: the parser quotes
    /// what it finds in the place of an object alone, and then it is not asked.
    Broken { reached: Option<Reached>, error: serde_json::Error },
}

/// The last field of those that are read, unless an unknown one follows it.
#[derive(Clone, Copy)]
pub(super) enum Reached {
    /// The parser is in its value.
    Value(&'static str),
    /// The parser is behind its value.
    Behind(&'static str),
}

/// Reads one JSON object, and nothing after it.
pub(super) fn read(text: &str) -> Result<Fields<'_>, NotJson> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(NotJson::NoObject);
    }
    let (mut fields, mut reached) = (Fields::default(), None);
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = FieldsSeed { fields: &mut fields, reached: &mut reached };
    let result = seed.deserialize(&mut json).and_then(|()| json.end());
    result.map(|()| fields).map_err(|error| NotJson::Broken { reached, error })
}

/// The value of a field that we read, before it is held against what the field must be.
pub(super) enum Scalar<'de> {
    Number(f64),
    Text(Cow<'de, str>),
    Other(&'static str),
}

impl Scalar<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Scalar::Number(_) => "a number",
            Scalar::Text(_) => "a string",
            Scalar::Other(kind) => kind,
        }
    }
}

/// The fields that are read, as they stand in the message.
#[derive(Default)]
pub(super) struct Fields<'de> {
    pub(super) uuid: Option<Scalar<'de>>,
    pub(super) carrier: Option<Scalar<'de>>,
    pub(super) origin: Option<Scalar<'de>>,
    pub(super) dest: Option<Scalar<'de>>,
    pub(super) flight_date: Option<Scalar<'de>>,
    pub(super) dep_delay: Option<Scalar<'de>>,
    pub(super) distance: Option<Scalar<'de>>,
    pub(super) flight_num: Option<Scalar<'de>>,
    pub(super) crs_dep_time: Option<Scalar<'de>>,
    pub(super) crs_arr_time: Option<Scalar<'de>>,
    pub(super) weather: Option<Object<'de>>,
    pub(super) timestamp: Option<Scalar<'de>>,
}

/// Where the value of a field goes.
enum Slot<'a, 'de> {
    Scalar(&'a mut Option<Scalar<'de>>),
    Object(&'a mut Option<Object<'de>>),
}

impl<'de> Slot<'_, 'de> {
    fn is_filled(&self) -> bool {
        match self {
            Slot::Scalar(slot) => slot.is_some(),
            Slot::Object(slot) => slot.is_some(),
        }
    }

    /// Reads the value; whether it was null.
    fn fill<A: MapAccess<'de>>(self, map: &mut A) -> Result<bool, A::Error> {
        match self {
            Slot::Scalar(slot) => {
                *slot = map.next_value::<MaybeScalar<'de>>()?.0;
                Ok(slot.is_none())
            }
            Slot::Object(slot) => {
                *slot = map.next_value_seed(ObjectSeed)?;
                Ok(slot.is_none())
            }
        }
    }
}

impl<'de> Fields<'de> {
    /// Where the value of a field goes, and the field's name.
    fn slot(&mut self, name: &str) -> Option<(&'static str, Slot<'_, 'de>)> {
        let (name, slot) = match name {
            "Weather" => return Some(("Weather", Slot::Object(&mut self.weather))),
            "UUID" => ("UUID", &mut self.uuid),
            "Carrier" => ("Carrier", &mut self.carrier),
            "Origin" => ("Origin", &mut self.origin),
            "Dest" => ("Dest", &mut self.dest),
            "FlightDate" => ("FlightDate", &mut self.flight_date),
            "DepDelay" => ("DepDelay", &mut self.dep_delay),
            "Distance" => ("Distance", &mut self.distance),
            "FlightNum" => ("FlightNum", &mut self.flight_num),
            "CRSDepTime" => ("CRSDepTime", &mut self.crs_dep_time),
            "CRSArrTime" => ("CRSArrTime", &mut self.crs_arr_time),
            "Timestamp" => ("Timestamp", &mut self.timestamp),
            _ => return None,
        };
        Some((name, Slot::Scalar(slot)))
    }
}

/// Reads the object into [`Fields`], and tells where it is, so that an error can name the field.
struct FieldsSeed<'a, 'de> {
    fields: &'a mut Fields<'de>,
    reached: &'a mut Option<Reached>,
}

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
        let mut seen_null: Vec<&str> = Vec::new();
        while let Some(Key(name)) = map.next_key()? {
            let Some((name, slot)) = self.fields.slot(&name) else {
                *self.reached = None;
                map.next_value::<Bounded>()?;
                continue;
            };
            if slot.is_filled() || seen_null.contains(&name) {
                *self.reached = None;
                return Err(de::Error::custom(format_args!("{name}: stands twice")));
            }
            *self.reached = Some(Reached::Value(name));
            if slot.fill(&mut map)? {
                seen_null.push(name);
            }
            *self.reached = Some(Reached::Behind(name));
        }
        *self.reached = None;
        Ok(())
    }
}

/// An object's key, borrowed where it has no escapes.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ScalarVisitor)?.0 {
            Some(Scalar::Text(text)) => Ok(Key(text)),
            _ => Err(de::Error::custom("a key must be a string")),
        }
    }
}

/// `None` where the value is null.
pub(super) struct MaybeScalar<'de>(pub(super) Option<Scalar<'de>>);

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
pub(super) struct Bounded;

impl Bounded {
    pub(super) fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
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
