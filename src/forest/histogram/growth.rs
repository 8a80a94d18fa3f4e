//! The part of growing a tree that is done where the rows are.

use std::{ops::Range, slice};

use super::{
    Bins, Counts, Decision, Group, Shard,
    draws::{Stream, WEIGHT_MAX},
    shard::Place,
};
use crate::classes::CLASSES;

/// A row in a tree: its weight and its class in one byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry(u8);

const CLASS_BITS: u32 = 2;
const _: () = assert!(CLASSES <= 1 << CLASS_BITS && WEIGHT_MAX < 1 << (u8::BITS - CLASS_BITS));

impl Entry {
    fn new(weight: u32, class: u8) -> Self {
        // A weight is below 64.
        Entry((weight as u8) << CLASS_BITS | class)
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
    /// The rows with a weight, grouped by open node, in the order of their numbers within each.
    entries: Vec<Entry>,
    /// Their bins; see [`Shard`].
    planes: Vec<Vec<u64>>,
    /// Where the rows of each open node end.
    ends: Vec<usize>,
    /// Room for dividing.
    spare: Spare,
}

#[derive(Debug, Clone, Default)]
struct Spare {
    goes_right: Vec<bool>,
    entries: Vec<Entry>,
    words: Vec<u64>,
}

impl Growth {
    /// Weighs the rows of a shard for a tree. All are at the root.
    pub fn new(shard: &Shard, seed: u64, tree: u32) -> Self {
        Growth::default().again(shard, seed, tree)
    }

    /// As [`Self::new`], with the memory of a tree that is grown.
    pub fn again(self, shard: &Shard, seed: u64, tree: u32) -> Self {
        let Growth { mut entries, mut planes, mut ends, mut spare } = self;
        let stream = Stream::weights(seed, tree);
        let weigh = |(row, &class)| Entry::new(stream.weight(row), class);
        spare.entries.clear();
        spare.entries.extend((shard.first()..).zip(shard.classes()).map(weigh));
        let weighed = &spare.entries;
        planes.resize_with(shard.planes().len(), Vec::new);
        for (words, plane) in planes.iter_mut().zip(shard.planes()) {
            keep_weighed(plane, weighed, words);
        }
        keep_weighed(weighed, weighed, &mut entries);
        ends.clear();
        ends.push(entries.len());
        Growth { entries, planes, ends, spare }
    }

    /// The weights of all rows, by class.
    pub fn total(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            counts[entry.class()] += entry.weight();
        }
        counts
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
        let entries = &self.entries[rows.clone()];
        let words = |column: u8| (Place::of(column), &self.planes[Place::of(column).plane][rows.clone()]);
        match *columns {
            [a, b, c, d] => count(entries, [a, b, c, d].map(words), &mut histograms),
            [a, b, c] => count(entries, [a, b, c].map(words), &mut histograms),
            [a, b] => count(entries, [a, b].map(words), &mut histograms),
            _ => {
                for (&column, histogram) in columns.iter().zip(&mut histograms) {
                    count(entries, [words(column)], slice::from_mut(histogram));
                }
            }
        }
        histograms
    }

    /// Follows the decisions on the open nodes, in their order: rows go to the children that are open; the others are done with.
    pub fn descend(&mut self, decisions: &[Decision]) {
        let Growth { entries, planes, ends, spare } = self;
        let (mut from, mut to) = (0, 0);
        let mut next_ends = Vec::new();
        for (decision, &end) in decisions.iter().zip(ends.iter()) {
            let rows = from..end;
            from = end;
            let Some((column, bin)) = decision.split else { continue };
            if decision.open == [false; 2] {
                continue;
            }
            let place = Place::of(column);
            spare.goes_right.clear();
            spare.goes_right.extend(planes[place.plane][rows.clone()].iter().map(|&word| place.bin(word) > bin));
            let divide = Divide { rows, to, goes_right: &spare.goes_right, open: decision.open };
            for plane in planes.iter_mut() {
                divide.carry_out(plane, &mut spare.words);
            }
            let [left, right] = divide.carry_out(entries, &mut spare.entries);
            for (length, open) in [left, right].into_iter().zip(decision.open) {
                if open {
                    to += length;
                    next_ends.push(to);
                }
            }
        }
        entries.truncate(to);
        planes.iter_mut().for_each(|plane| plane.truncate(to));
        *ends = next_ends;
    }

    /// The rows at an open node.
    fn rows_at(&self, node: usize) -> Range<usize> {
        let from = if node == 0 { 0 } else { self.ends[node - 1] };
        from..self.ends[node]
    }
}

/// Copies what belongs to rows with a weight.
fn keep_weighed<T: Copy + Default>(items: &[T], weighed: &[Entry], kept: &mut Vec<T>) {
    // One place more than are kept, for what is not.
    kept.resize(weighed.iter().filter(|entry| entry.weight() > 0).count() + 1, T::default());
    // No branch: whether a row has a weight cannot be foreseen.
    let mut to = 0;
    for (&item, entry) in items.iter().zip(weighed) {
        kept[to] = item;
        to += usize::from(entry.weight() > 0);
    }
    kept.truncate(to);
}

/// Counts columns side by side.
fn count<const N: usize>(entries: &[Entry], columns: [(Place, &[u64]); N], histograms: &mut [Histogram]) {
    let Some(histograms) = histograms.first_chunk_mut::<N>() else { return };
    let columns = columns.map(|(place, words)| (place, &words[..entries.len()]));
    for (at, entry) in entries.iter().enumerate() {
        let (class, weight) = (entry.class(), entry.weight());
        for (histogram, (place, words)) in histograms.iter_mut().zip(&columns) {
            histogram[usize::from(place.bin(words[at])) * CLASSES + class] += weight;
        }
    }
}

/// How the rows of a node are divided.
struct Divide<'a> {
    rows: Range<usize>,
    /// Where those that are kept are put: not after where they are.
    to: usize,
    goes_right: &'a [bool],
    open: [bool; 2],
}

impl Divide<'_> {
    /// Divides what is known of the rows: what goes left comes first; a closed side is left out. How many go to either open side.
    fn carry_out<T: Copy + Default>(&self, items: &mut [T], spare: &mut Vec<T>) -> [usize; 2] {
        if spare.len() < self.rows.len() {
            spare.resize(self.rows.len(), T::default());
        }
        let [keep_left, keep_right] = self.open.map(usize::from);
        let (mut left, mut right) = (self.to, 0);
        // No branch: which way a row goes cannot be foreseen. What has been read is overwritten, never what has not.
        for (at, &goes_right) in self.rows.clone().zip(self.goes_right) {
            let item = items[at];
            items[left] = item;
            spare[right] = item;
            let goes_right = usize::from(goes_right);
            left += keep_left & (1 - goes_right);
            right += keep_right & goes_right;
        }
        items[left..left + right].copy_from_slice(&spare[..right]);
        [left - self.to, right]
    }
}
