//! The rows of a shard, partitioned by the open nodes of a tree.

use std::{mem, ops::Range, slice};

use super::{
    bin_mapper::BinMapper,
    sampling::{RandomStream, WEIGHT_MAX},
    shard::{BinLocation, Shard},
    tree_builder::{Counts, NodeBatch, SplitDecision},
};
use crate::flight::{CLASSES, FlightOutcome};

/// A row's bootstrap weight and class, in the last byte of its last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WeightedClass(u8);

const CLASS_BITS: u32 = 2;
const _: () = assert!(CLASSES <= 1 << CLASS_BITS && WEIGHT_MAX < 1 << (u8::BITS - CLASS_BITS));

impl WeightedClass {
    /// Adds a weight to a shard row's last word, which has the class.
    fn with_weight(word: u64, weight: u32) -> u64 {
        word | u64::from(weight) << (u64::BITS - u8::BITS + CLASS_BITS)
    }

    #[inline]
    fn of_word(word: u64) -> Self {
        WeightedClass((word >> (u64::BITS - u8::BITS)) as u8)
    }

    #[inline]
    fn weight(self) -> u32 {
        u32::from(self.0 >> CLASS_BITS)
    }

    #[inline]
    fn class(self) -> usize {
        usize::from(self.0 & ((1 << CLASS_BITS) - 1))
    }
}

/// Weights by bin and class of one column; as long as a byte has values, so that a bin never leaves it.
type Histogram = [u32; CLASSES << u8::BITS];

/// Columns that are counted side by side. Neighbouring rows often have the same bin, and an addition in memory waits
/// for the one before at the same address; those of other columns do not. Their histograms fit into the L1 cache.
const COLUMNS_PER_PASS: usize = 4;

/// A shard's rows with a positive weight in one tree, grouped by open node. The rows are copies, so that counting and
/// dividing access memory sequentially.
#[derive(Debug, Clone, Default)]
pub struct RowPartition {
    /// A plane of `stride` words for each word of a row; each plane has a word a row.
    words: Vec<u64>,
    stride: usize,
    /// The rows of a plane that are in use.
    len: usize,
    /// The end of each open node's rows.
    ends: Vec<usize>,
}

impl RowPartition {
    /// Draws the weights of a shard's rows for a tree. All rows are at the root.
    pub fn new(shard: &Shard, seed: u64, tree: u32) -> Self {
        RowPartition::default().reset(shard, seed, tree)
    }

    /// Does as [`Self::new`], and reuses the memory of a finished tree.
    pub fn reset(mut self, shard: &Shard, seed: u64, tree: u32) -> Self {
        let stream = RandomStream::weights(seed, tree);
        self.stride = shard.len().max(1);
        let needed = self.stride * shard.words_per_row();
        if self.words.len() != needed {
            // Zeroed pages take no memory before they are written.
            self.words = vec![0; needed];
        }
        let mut len = 0;
        for ((row, words), outcome) in (shard.first_row()..).zip(shard.rows()).zip(shard.outcomes()) {
            let weight = if *outcome == FlightOutcome::Cancelled { 0 } else { stream.weight(row) };
            // No branch on the weight, which is unpredictable: the next row overwrites one without weight.
            let mut at = len;
            for &bytes in words {
                self.words[at] = u64::from_le_bytes(bytes);
                at += self.stride;
            }
            let last = &mut self.words[at - self.stride];
            *last = WeightedClass::with_weight(*last, weight);
            len += usize::from(weight > 0);
        }
        self.len = len;
        self.ends.clear();
        self.ends.push(len);
        self
    }

    /// The weight of all rows by class.
    pub fn class_weights(&self) -> Counts {
        let mut counts = Counts::default();
        for row in self.weighted_classes(0..self.len) {
            counts[row.class()] += row.weight();
        }
        counts
    }

    /// Some words of a plane.
    fn plane(&self, plane: usize, rows: Range<usize>) -> &[u64] {
        &self.words[plane * self.stride..][rows]
    }

    fn weighted_classes(&self, rows: Range<usize>) -> impl ExactSizeIterator<Item = WeightedClass> {
        let last = (self.words.len() / self.stride.max(1)).saturating_sub(1);
        self.plane(last, rows).iter().map(|&word| WeightedClass::of_word(word))
    }

    /// The histograms of a batch, node by node, column by column, bin by bin: the weights by class.
    pub fn count_histograms(&self, bins: &BinMapper, batch: &NodeBatch) -> Vec<u32> {
        let mut counts = Vec::with_capacity(batch.counts_len(bins));
        for (at, columns) in batch.nodes() {
            let rows = self.rows_at(at);
            for columns in columns.chunks(COLUMNS_PER_PASS) {
                let histograms = self.histograms(rows.clone(), columns);
                for (&column, histogram) in columns.iter().zip(&histograms) {
                    counts.extend(&histogram[..CLASSES * bins.bins_len(usize::from(column))]);
                }
            }
        }
        counts
    }

    /// The histograms of up to [`COLUMNS_PER_PASS`] columns over some rows.
    fn histograms(&self, rows: Range<usize>, columns: &[u8]) -> [Histogram; COLUMNS_PER_PASS] {
        let mut histograms = [[0; CLASSES << u8::BITS]; COLUMNS_PER_PASS];
        let classes = || self.weighted_classes(rows.clone());
        let words = |column: u8| {
            let location = BinLocation::of_column(column);
            (location, self.plane(location.plane, rows.clone()))
        };
        match *columns {
            [a, b, c, d] => count(classes(), [a, b, c, d].map(words), &mut histograms),
            [a, b, c] => count(classes(), [a, b, c].map(words), &mut histograms),
            [a, b] => count(classes(), [a, b].map(words), &mut histograms),
            _ => {
                for (&column, histogram) in columns.iter().zip(&mut histograms) {
                    count(classes(), [words(column)], slice::from_mut(histogram));
                }
            }
        }
        histograms
    }

    /// Applies the decisions on the open nodes, in order: rows move to the children that are open; the others are
    /// dropped.
    pub fn apply_splits(&mut self, decisions: &[SplitDecision]) {
        let mut planes: Vec<&mut [u64]> = self.words.chunks_exact_mut(self.stride.max(1)).collect();
        let mut goes_left = Vec::new();
        let (mut from, mut to) = (0, 0);
        let mut next_ends = Vec::new();
        for (decision, end) in decisions.iter().zip(mem::take(&mut self.ends)) {
            let rows = from..end;
            from = end;
            let Some((column, bin)) = decision.split.filter(|_| decision.open != [false; 2]) else { continue };
            let location = BinLocation::of_column(column);
            goes_left.clear();
            goes_left.extend(planes[location.plane][rows.clone()].iter().map(|&word| location.bin(word) <= bin));
            // Several planes share one pass over `goes_left`.
            for planes in planes.chunks_mut(4) {
                match planes {
                    [a, b, c, d] => divide([a, b, c, d].map(|plane| &mut plane[rows.clone()]), &goes_left),
                    [a, b, c] => divide([a, b, c].map(|plane| &mut plane[rows.clone()]), &goes_left),
                    [a, b] => divide([a, b].map(|plane| &mut plane[rows.clone()]), &goes_left),
                    planes => planes.iter_mut().for_each(|plane| divide([&mut plane[rows.clone()]], &goes_left)),
                }
            }
            let middle = rows.start + goes_left.iter().filter(|goes_left| **goes_left).count();
            for (side, open) in [rows.start..middle, middle..rows.end].into_iter().zip(decision.open) {
                if open {
                    let len = side.len();
                    if to != side.start {
                        planes.iter_mut().for_each(|plane| plane.copy_within(side.clone(), to));
                    }
                    to += len;
                    next_ends.push(to);
                }
            }
        }
        self.len = to;
        self.ends = next_ends;
    }

    /// The rows of an open node.
    fn rows_at(&self, node: usize) -> Range<usize> {
        let from = if node == 0 { 0 } else { self.ends[node - 1] };
        from..self.ends[node]
    }
}

/// Counts columns side by side.
fn count<const N: usize>(
    classes: impl ExactSizeIterator<Item = WeightedClass>,
    columns: [(BinLocation, &[u64]); N],
    histograms: &mut [Histogram],
) {
    let Some(histograms) = histograms.first_chunk_mut::<N>() else { return };
    let columns = columns.map(|(location, words)| (location, &words[..classes.len()]));
    for (at, row) in classes.enumerate() {
        let (class, weight) = (row.class(), row.weight());
        for (histogram, (location, words)) in histograms.iter_mut().zip(&columns) {
            histogram[usize::from(location.bin(words[at])) * CLASSES + class] += weight;
        }
    }
}

/// Moves the rows that go left before the others, in each of some planes. The order within a side may change, which has
/// no effect: weights are summed as integers.
fn divide<const N: usize>(planes: [&mut [u64]; N], goes_left: &[bool]) {
    let mut planes = planes.map(|plane| &mut plane[..goes_left.len()]);
    let mut middle = 0;
    for (at, &goes_left) in goes_left.iter().enumerate() {
        // No branch on the side, which is unpredictable: every row is swapped with the first that goes right.
        planes.iter_mut().for_each(|plane| plane.swap(at, middle));
        middle += usize::from(goes_left);
    }
}
