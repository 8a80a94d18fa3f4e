//! A shard: quantised rows of one worker.

use super::bin_mapper::{BinMapper, LANES};
use crate::flight::FlightOutcome;

/// Columns whose bins share a word.
const COLUMNS_PER_WORD: usize = size_of::<u64>();
/// Upper bound on the rows of a shard: more than a worker should hold, and few enough for counts of 32 bits.
pub const SHARD_ROWS_MAX: usize = 1 << 26;

/// Some of the rows of a training set: one byte a column, one for the class, and three for the outcome. Their
/// numbers start at `first_row`.
#[derive(Debug, Clone, PartialEq)]
pub struct Shard {
    /// Row-major: the bins of a row and its class, which is the last byte of its last word. One allocation for all
    /// rows: a large one is returned to the system when it is dropped.
    bytes: Vec<u8>,
    words_per_row: usize,
    first_row: u64,
    outcomes: Vec<FlightOutcome>,
}

/// The location of a column's bin in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct BinLocation {
    pub(super) plane: usize,
    shift: u32,
}

impl BinLocation {
    /// The location for a column.
    pub(super) fn of_column(column: u8) -> Self {
        let column = usize::from(column);
        // At most 56.
        BinLocation { plane: column / COLUMNS_PER_WORD, shift: (column % COLUMNS_PER_WORD) as u32 * u8::BITS }
    }

    /// The bin in a word of the plane.
    #[inline]
    pub(super) fn bin(self, word: u64) -> u8 {
        // Truncates to the lower 8 bits.
        (word >> self.shift) as u8
    }
}

impl Shard {
    /// Makes an empty shard with capacity for `rows` rows, the first of which has number `first_row`.
    pub fn with_capacity(bins: &BinMapper, rows: usize, first_row: u64) -> Self {
        let words_per_row = (bins.width() + 1).div_ceil(COLUMNS_PER_WORD);
        let bytes = Vec::with_capacity(rows * words_per_row * COLUMNS_PER_WORD);
        Shard { bytes, words_per_row, first_row, outcomes: Vec::with_capacity(rows) }
    }

    /// Appends row-major rows and the outcome of each.
    ///
    /// # Panics
    /// If the rows and the outcomes differ in number.
    pub fn extend(&mut self, bins: &BinMapper, rows: &[f32], outcomes: &[FlightOutcome]) {
        let width = bins.width();
        assert_eq!(rows.len(), outcomes.len() * width, "each row must have its outcome");
        let row_len = self.row_len();
        for (rows, outcomes) in rows.chunks(LANES * width).zip(outcomes.chunks(LANES)) {
            let start = self.bytes.len();
            self.bytes.resize(start + outcomes.len() * row_len, 0);
            let bytes = &mut self.bytes[start..];
            for column in 0..width {
                let number = |lane: usize| rows.get(lane * width + column).copied().unwrap_or(f32::NAN);
                let found = bins.bins(column, std::array::from_fn(number));
                bytes.chunks_exact_mut(row_len).zip(found).for_each(|(row, bin)| row[column] = bin);
            }
            for (row, outcome) in bytes.chunks_exact_mut(row_len).zip(outcomes) {
                // A row without a class has no weight.
                row[row_len - 1] = outcome.class().map_or(0, |class| class as u8);
            }
        }
        self.outcomes.extend(outcomes);
    }

    fn row_len(&self) -> usize {
        self.words_per_row * COLUMNS_PER_WORD
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.row_len()
    }

    /// Returns whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The number of its first row.
    pub(super) fn first_row(&self) -> u64 {
        self.first_row
    }

    /// The number of words of a row.
    pub(super) fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// The bytes of all rows, and of one; the bin of a column is at its number.
    pub(super) fn bytes(&self) -> (&[u8], usize) {
        (&self.bytes, self.row_len())
    }

    /// The outcome of each row.
    pub(super) fn outcomes(&self) -> &[FlightOutcome] {
        &self.outcomes
    }

    /// The words of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[[u8; COLUMNS_PER_WORD]]> {
        self.bytes.as_chunks().0.chunks_exact(self.words_per_row)
    }
}
