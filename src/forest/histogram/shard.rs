//! Some of the rows, quantised.

use super::Bins;
use crate::classes::DelayClass;

/// Bins of so many columns share a word.
const COLUMNS_PER_WORD: usize = size_of::<u64>();
/// At most this many rows in a shard: more than a worker should hold, and few enough for counts of 32 bits.
pub const SHARD_ROWS_MAX: usize = 1 << 26;

/// Some of the rows of a training set, one byte a column and one for the class. Rows are numbered on from `first`.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// Planes of words; in each, a word a row.
    planes: Vec<Vec<u64>>,
    classes: Vec<u8>,
    first: u64,
}

/// Where a column's bin is in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) plane: usize,
    shift: u32,
}

impl Place {
    /// Of a column.
    pub(super) fn of(column: u8) -> Self {
        let column = usize::from(column);
        // At most 56.
        Place { plane: column / COLUMNS_PER_WORD, shift: (column % COLUMNS_PER_WORD) as u32 * u8::BITS }
    }

    /// The bin in a word of the plane.
    #[inline]
    pub(super) fn bin(self, word: u64) -> u8 {
        // The lower 8 bits are what is wanted.
        (word >> self.shift) as u8
    }
}

impl Shard {
    /// No rows yet, and room for some, the first of which will have number `first`.
    pub fn with_capacity(bins: &Bins, rows: usize, first: u64) -> Self {
        let planes = bins.width().div_ceil(COLUMNS_PER_WORD);
        let planes = (0..planes).map(|_| Vec::with_capacity(rows)).collect();
        Shard { planes, classes: Vec::with_capacity(rows), first }
    }

    /// Appends a row.
    pub fn push(&mut self, bins: &Bins, row: &[f32], class: DelayClass) {
        for (at, (plane, numbers)) in self.planes.iter_mut().zip(row.chunks(COLUMNS_PER_WORD)).enumerate() {
            let mut bytes = [0; COLUMNS_PER_WORD];
            for (column, (byte, &number)) in (at * COLUMNS_PER_WORD..).zip(bytes.iter_mut().zip(numbers)) {
                *byte = bins.bin(column, number);
            }
            plane.push(u64::from_le_bytes(bytes));
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

    /// The planes that its rows' bins are kept in.
    pub(super) fn planes(&self) -> &[Vec<u64>] {
        &self.planes
    }

    /// The class of each row.
    pub(super) fn classes(&self) -> &[u8] {
        &self.classes
    }
}
