//! Reading the object `Weather` out of a message's JSON (rule 8 of [`super::decode`]).

use std::fmt;

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

use super::json::{Bounded, Key, MaybeScalar, Scalar};
use crate::flight::Observation;

/// What stands where an object is wanted, before it is held against what it must be.
pub(super) enum Object<'de> {
    /// Its observations.
    Weather(Vec<(Observation, Scalar<'de>)>),
    /// Something else.
    Other(&'static str),
}

/// Reads a value; `None` where it is null.
pub(super) struct ObjectSeed;

impl<'de> DeserializeSeed<'de> for ObjectSeed {
    type Value = Option<Object<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed {
    type Value = Option<Object<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut seen, mut observed) = (Vec::new(), Vec::new());
        while let Some(Key(name)) = map.next_key()? {
            let Some(observation) = Observation::ALL.into_iter().find(|observation| observation.name() == name) else {
                map.next_value::<Bounded>()?;
                continue;
            };
            if seen.contains(&observation) {
                return Err(de::Error::custom(format_args!("{}: stands twice", observation.path())));
            }
            seen.push(observation);
            observed.extend(map.next_value::<MaybeScalar<'de>>()?.0.map(|scalar| (observation, scalar)));
        }
        Ok(Some(Object::Weather(observed)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Some(Object::Other("a boolean")))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Some(Object::Other("a number")))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Some(Object::Other("a number")))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Some(Object::Other("a number")))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Some(Object::Other("a string")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Bounded::drain_seq(seq)?;
        Ok(Some(Object::Other("an array")))
    }
}
