//! A model for the engine's own tests: a number in a file of text.

use chrono::{DateTime, Utc};

use super::{directory::ModelDir, scorer::ModelFile};

/// A directory of such models.
pub(crate) type ToyDir = ModelDir<ToyModel>;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ToyModel(pub(crate) f64);

/// Bytes that are no such model.
#[derive(Debug, thiserror::Error)]
#[error("this toy is damaged")]
pub(crate) struct Damaged;

impl ModelFile for ToyModel {
    type Error = Damaged;

    fn encode(&self) -> Result<Vec<u8>, Damaged> {
        Ok(format!("toy {};", self.0).into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let text = std::str::from_utf8(bytes).map_err(|_| Damaged)?;
        let number = text.strip_prefix("toy ").and_then(|rest| rest.strip_suffix(';')).ok_or(Damaged)?;
        number.parse().map(ToyModel).map_err(|_| Damaged)
    }
}

pub(crate) fn model() -> ToyModel {
    ToyModel(1.5)
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}
