//! Tails: the stored answers, in the fields that are counted.

use chrono::{DateTime, Utc};

use crate::{answer::ModelVersion, delivery::Unavailable, domain::Domain};

/// A stored answer, in the fields that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Landed<D: Domain> {
    /// The request's id.
    pub id: String,
    /// The time at which it was scored.
    pub scored_at: DateTime<Utc>,
    /// The values of the domain's dimensions.
    pub labels: D::Labels,
    /// The model that answered.
    pub model: ModelVersion,
}

/// A page of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<D: Domain> {
    /// Answers that were not read before, roughly in the order of their writing.
    pub rows: Vec<Landed<D>>,
    /// True if there are more.
    pub more: bool,
}

/// A tail of the answers of a store.
pub trait Tail<D: Domain>: Send {
    /// Returns at most `rows_max` answers that were not read before. Blocks, 5 s at most. An empty page is not the end.
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable>;
}
