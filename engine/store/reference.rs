//! The table of the domain's reference data, shared by all processes that answer.

use serde_json::{Map, Value};

use crate::delivery::Unavailable;

/// A row of a reference table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The values of the key, in the order of [`crate::domain::Reference::key`].
    pub key: Vec<String>,
    /// The value.
    pub value: f64,
}

/// A store's reference table.
pub trait ReferenceTable {
    /// Returns the documents in the order of their ids, at most `documents_max`; none if there is no table yet. Blocks,
    /// 30 s at most.
    fn read(&self, documents_max: usize) -> Result<Vec<Map<String, Value>>, Unavailable>;

    /// Inserts rows, and creates the table if it is missing. Existing rows are not changed. Blocks, 60 s at most.
    fn insert(&self, entries: &[Entry]) -> Result<(), Unavailable>;

    /// Updates the values of existing rows. Blocks, 30 s at most for each hundred.
    fn update(&self, entries: &[Entry]) -> Result<(), Unavailable>;
}
