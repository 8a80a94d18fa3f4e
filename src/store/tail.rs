//! Following a store: what has landed, as far as one counts it.

use chrono::{DateTime, Utc};

use crate::{answer::ModelVersion, classes::DelayClass, code::Code, delivery::Unavailable};

/// An answer in the store, without what nobody counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Landed {
    /// The request's id.
    pub id: String,
    /// When it was scored.
    pub scored_at: DateTime<Utc>,
    /// The most probable class.
    pub class: DelayClass,
    /// The airline.
    pub carrier: Code,
    /// The airport of departure.
    pub origin: Code,
    /// Which model answered.
    pub model: ModelVersion,
}

/// What one look into the store gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Answers not seen before, roughly in the order in which they landed.
    pub rows: Vec<Landed>,
    /// Whether more are at hand.
    pub more: bool,
}

/// Follows the answers of a store.
pub trait Tail: Send {
    /// At most `rows_max` answers not seen before. Blocks, 5 s at most; a page without rows is no end.
    fn next(&mut self, rows_max: usize) -> Result<Page, Unavailable>;
}
