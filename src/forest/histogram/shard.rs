//! Some of the rows, quantised.

use super::{Bins, bins::LANES};
use crate::flight::DelayClass;

/// Bins of so many columns share a word.
const COLUMNS_PER_WORD: usize = size_of::<u64>();
/// At most this many rows in a shard: more than a worker should hold, and few enough for counts of 32 bits.
pub const SHARD_ROWS_MAX: usize = 1 << 26;

/// Some of the rows of a training set, one byte a column and one for the class. Rows are numbered on from `first`.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// The bins of a row and its class, which is the last byte of the last word, then those of the next row. One piece of memory, however
    /// many rows: what is large is given back when it is dropped.
    bytes: Vec<u8>,
    words_per_row: usize,
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
        let words_per_row = (bins.width() + 1).div_ceil(COLUMNS_PER_WORD);
        Shard { bytes: Vec::with_capacity(rows * words_per_row * COLUMNS_PER_WORD), words_per_row, first }
    }

    /// Appends rows, one after the other, and the class of each.
    ///
    /// # Panics
    /// If there is not one class for each row.
    pub fn extend(&mut self, bins: &Bins, rows: &[f32], classes: &[DelayClass]) {
        let width = bins.width();
        assert_eq!(rows.len(), classes.len() * width, "each row must have its class");
        let row_len = self.row_len();
        for (rows, classes) in rows.chunks(LANES * width).zip(classes.chunks(LANES)) {
            let start = self.bytes.len();
            self.bytes.resize(start + classes.len() * row_len, 0);
            let bytes = &mut self.bytes[start..];
            for column in 0..width {
                let number = |lane: usize| rows.get(lane * width + column).copied().unwrap_or(f32::NAN);
                let found = bins.bins(column, std::array::from_fn(number));
                bytes.chunks_exact_mut(row_len).zip(found).for_each(|(row, bin)| row[column] = bin);
            }
            for (row, &class) in bytes.chunks_exact_mut(row_len).zip(classes) {
                row[row_len - 1] = class as u8;
            }
        }
    }

    fn row_len(&self) -> usize {
        self.words_per_row * COLUMNS_PER_WORD
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.row_len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The number of its first row.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// How many words a row has.
    pub(super) fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// The words of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[[u8; COLUMNS_PER_WORD]]> {
        self.bytes.as_chunks().0.chunks_exact(self.words_per_row)
    }
}
