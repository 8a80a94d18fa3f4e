//! The part of growing a tree that is done where the rows are.

use std::{mem, ops::Range, slice};

use super::{
    Bins, Counts, Decision, Group, Shard,
    draws::{Stream, WEIGHT_MAX},
    shard::Place,
};
use crate::flight::CLASSES;

/// A row in a tree: its weight and its class, in the last byte of the row's last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry(u8);

const CLASS_BITS: u32 = 2;
const _: () = assert!(CLASSES <= 1 << CLASS_BITS && WEIGHT_MAX < 1 << (u8::BITS - CLASS_BITS));

impl Entry {
    /// The last word of a row, of which a shard knows the class, with a weight.
    fn put(word: u64, weight: u32) -> u64 {
        word | u64::from(weight) << (u64::BITS - u8::BITS + CLASS_BITS)
    }

    #[inline]
    fn of(word: u64) -> Self {
        Entry((word >> (u64::BITS - u8::BITS)) as u8)
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

/// Weights by bin and class of one column; longer than any column needs, so that a byte never leaves it.
type Histogram = [u32; CLASSES << u8::BITS];

/// So many columns are counted side by side. Neighbours in a column are often alike, and an addition to a number in memory has to wait for the
/// one before: those of other columns need not. Their histograms fit into the nearest cache.
const TOGETHER: usize = 4;

/// What a holder of rows knows of a tree that is being grown: its rows, those of an open node together. They are copies, so that
/// counting and dividing go from one to the next in memory.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    /// The rows with a weight, grouped by open node: a plane for each word of a row, of `stride` words, in each plane a word a row.
    words: Vec<u64>,
    stride: usize,
    /// How many of the words of a plane are those of a row.
    len: usize,
    /// Where the rows of each open node end.
    ends: Vec<usize>,
}

impl Growth {
    /// Weighs the rows of a shard for a tree. All are at the root.
    pub fn new(shard: &Shard, seed: u64, tree: u32) -> Self {
        Growth::default().again(shard, seed, tree)
    }

    /// As [`Self::new`], with the memory of a tree that is grown.
    pub fn again(mut self, shard: &Shard, seed: u64, tree: u32) -> Self {
        let stream = Stream::weights(seed, tree);
        self.stride = shard.len().max(1);
        let needed = self.stride * shard.words_per_row();
        if self.words.len() != needed {
            // Zeros that nobody writes to take no memory.
            self.words = vec![0; needed];
        }
        let mut len = 0;
        for (row, words) in (shard.first()..).zip(shard.rows()) {
            let weight = stream.weight(row);
            // No branch: whether a row has a weight cannot be foreseen. If it has none, the next takes its place.
            let mut at = len;
            for &bytes in words {
                self.words[at] = u64::from_le_bytes(bytes);
                at += self.stride;
            }
            let last = &mut self.words[at - self.stride];
            *last = Entry::put(*last, weight);
            len += usize::from(weight > 0);
        }
        self.len = len;
        self.ends.clear();
        self.ends.push(len);
        self
    }

    /// The weights of all rows, by class.
    pub fn total(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in self.entries(0..self.len) {
            counts[entry.class()] += entry.weight();
        }
        counts
    }

    /// Some words of a plane.
    fn plane(&self, plane: usize, rows: Range<usize>) -> &[u64] {
        &self.words[plane * self.stride..][rows]
    }

    fn entries(&self, rows: Range<usize>) -> impl ExactSizeIterator<Item = Entry> {
        let last = (self.words.len() / self.stride.max(1)).saturating_sub(1);
        self.plane(last, rows).iter().map(|&word| Entry::of(word))
    }

    /// The histograms of a group's nodes, one after the other: of each the columns that are tried, of each of these the bins, of each bin the
    /// weights by class.
    pub fn count(&self, bins: &Bins, group: &Group) -> Vec<u32> {
        let mut counts = Vec::with_capacity(group.counts_len(bins));
        for (at, columns) in group.nodes() {
            let rows = self.rows_at(at);
            for columns in columns.chunks(TOGETHER) {
                let histograms = self.histograms(rows.clone(), columns);
                for (&column, histogram) in columns.iter().zip(&histograms) {
                    counts.extend(&histogram[..CLASSES * bins.bins_len(usize::from(column))]);
                }
            }
        }
        counts
    }

    /// The histograms of up to [`TOGETHER`] columns over some rows.
    fn histograms(&self, rows: Range<usize>, columns: &[u8]) -> [Histogram; TOGETHER] {
        let mut histograms = [[0; CLASSES << u8::BITS]; TOGETHER];
        let entries = || self.entries(rows.clone());
        let words = |column: u8| (Place::of(column), self.plane(Place::of(column).plane, rows.clone()));
        match *columns {
            [a, b, c, d] => count(entries(), [a, b, c, d].map(words), &mut histograms),
            [a, b, c] => count(entries(), [a, b, c].map(words), &mut histograms),
            [a, b] => count(entries(), [a, b].map(words), &mut histograms),
            _ => {
                for (&column, histogram) in columns.iter().zip(&mut histograms) {
                    count(entries(), [words(column)], slice::from_mut(histogram));
                }
            }
        }
        histograms
    }

    /// Follows the decisions on the open nodes, in their order: rows go to the children that are open; the others are done with.
    pub fn descend(&mut self, decisions: &[Decision]) {
        let mut planes: Vec<&mut [u64]> = self.words.chunks_exact_mut(self.stride.max(1)).collect();
        let mut goes_left = Vec::new();
        let (mut from, mut to) = (0, 0);
        let mut next_ends = Vec::new();
        for (decision, end) in decisions.iter().zip(mem::take(&mut self.ends)) {
            let rows = from..end;
            from = end;
            let Some((column, bin)) = decision.split.filter(|_| decision.open != [false; 2]) else { continue };
            let place = Place::of(column);
            goes_left.clear();
            goes_left.extend(planes[place.plane][rows.clone()].iter().map(|&word| place.bin(word) <= bin));
            // Several planes share the work of finding where a row goes.
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

    /// The rows at an open node.
    fn rows_at(&self, node: usize) -> Range<usize> {
        let from = if node == 0 { 0 } else { self.ends[node - 1] };
        from..self.ends[node]
    }
}

/// Counts columns side by side.
fn count<const N: usize>(
    entries: impl ExactSizeIterator<Item = Entry>,
    columns: [(Place, &[u64]); N],
    histograms: &mut [Histogram],
) {
    let Some(histograms) = histograms.first_chunk_mut::<N>() else { return };
    let columns = columns.map(|(place, words)| (place, &words[..entries.len()]));
    for (at, entry) in entries.enumerate() {
        let (class, weight) = (entry.class(), entry.weight());
        for (histogram, (place, words)) in histograms.iter_mut().zip(&columns) {
            histogram[usize::from(place.bin(words[at])) * CLASSES + class] += weight;
        }
    }
}

/// Puts what goes left before the rest, in each of some planes. The order within either side may change, which nobody sees: weights are added
/// up as whole numbers.
fn divide<const N: usize>(planes: [&mut [u64]; N], goes_left: &[bool]) {
    let mut planes = planes.map(|plane| &mut plane[..goes_left.len()]);
    let mut middle = 0;
    for (at, &goes_left) in goes_left.iter().enumerate() {
        // No branch: which way a row goes cannot be foreseen. Whichever it is, it changes places with the first that has gone right.
        planes.iter_mut().for_each(|plane| plane.swap(at, middle));
        middle += usize::from(goes_left);
    }
}
