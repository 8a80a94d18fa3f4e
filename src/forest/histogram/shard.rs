//! Some of the rows, quantised.

use super::Bins;
use crate::classes::DelayClass;

/// A row's number in its shard has this many bits: it shares a word with the row's weight and class.
pub(super) const ROW_BITS: u32 = 26;
/// At most this many rows in a shard.
pub const SHARD_ROWS_MAX: usize = 1 << ROW_BITS;

/// Some of the rows of a training set, one byte a column and one for the class. Rows are numbered on from `first`.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// By column, because a column of a node is counted at a time.
    columns: Vec<Vec<u8>>,
    classes: Vec<u8>,
    first: u64,
}

impl Shard {
    /// No rows yet, and room for some, the first of which will have number `first`.
    pub fn with_capacity(bins: &Bins, rows: usize, first: u64) -> Self {
        let columns = (0..bins.width()).map(|_| Vec::with_capacity(rows)).collect();
        Shard { columns, classes: Vec::with_capacity(rows), first }
    }

    /// Appends a row.
    pub fn push(&mut self, bins: &Bins, row: &[f32], class: DelayClass) {
        for ((at, column), &number) in self.columns.iter_mut().enumerate().zip(row) {
            column.push(bins.bin(at, number));
        }
        self.classes.push(class as u8);
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The number of its first row.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The bins of all rows in a column.
    pub(super) fn column(&self, column: usize) -> &[u8] {
        &self.columns[column]
    }

    /// The class of each row.
    pub(super) fn classes(&self) -> &[u8] {
        &self.classes
    }
}
