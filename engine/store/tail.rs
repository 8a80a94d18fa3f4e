//! Following a store: what has landed, as far as one counts it.

use chrono::{DateTime, Utc};

use crate::{answer::ModelVersion, delivery::Unavailable, domain::Domain};

/// An answer in the store, without what nobody counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Landed<D: Domain> {
    /// The request's id.
    pub id: String,
    /// When it was scored.
    pub scored_at: DateTime<Utc>,
    /// The values of the domain's dimensions.
    pub labels: D::Labels,
    /// Which model answered.
    pub model: ModelVersion,
}

/// What one look into the store gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<D: Domain> {
    /// Answers not seen before, roughly in the order in which they landed.
    pub rows: Vec<Landed<D>>,
    /// Whether more are at hand.
    pub more: bool,
}

/// Follows the answers of a store.
pub trait Tail<D: Domain>: Send {
    /// At most `rows_max` answers not seen before. Blocks, 5 s at most; a page without rows is no end.
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable>;
}
