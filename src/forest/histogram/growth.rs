//! The part of growing a tree that is done where the rows are.

use super::{
    Bins, Counts, Decision, Group, Shard,
    draws::{Stream, WEIGHT_MAX},
    shard::ROW_BITS,
};
use crate::classes::CLASSES;

/// A row in a tree: its number in the shard, its weight and its class in one word.
#[derive(Debug, Clone, Copy)]
struct Entry(u32);

const CLASS_BITS: u32 = 2;
const WEIGHT_BITS: u32 = 4;
const _: () = assert!(CLASSES <= 1 << CLASS_BITS && WEIGHT_MAX < 1 << WEIGHT_BITS);
const _: () = assert!(ROW_BITS + WEIGHT_BITS + CLASS_BITS == u32::BITS);

impl Entry {
    fn new(row: u32, weight: u32, class: u8) -> Self {
        Entry(row << (WEIGHT_BITS + CLASS_BITS) | weight << CLASS_BITS | u32::from(class))
    }

    fn row(self) -> usize {
        (self.0 >> (WEIGHT_BITS + CLASS_BITS)) as usize
    }

    fn weight(self) -> u32 {
        self.0 >> CLASS_BITS & ((1 << WEIGHT_BITS) - 1)
    }

    fn class(self) -> usize {
        (self.0 & ((1 << CLASS_BITS) - 1)) as usize
    }
}

/// Weights by bin and class of one column; longer than any column needs, so that a byte never leaves it.
type Histogram = [u32; CLASSES << u8::BITS];

/// What a holder of rows knows of a tree that is being grown: which of its rows are at which open node.
#[derive(Debug, Clone)]
pub struct Growth {
    /// The rows with a weight, grouped by open node, in the order of their numbers within each.
    entries: Vec<Entry>,
    /// Where the rows of each open node end.
    ends: Vec<usize>,
    /// Room for dividing.
    right: Vec<Entry>,
}

impl Growth {
    /// Weighs the rows of a shard for a tree. All are at the root.
    pub fn new(shard: &Shard, seed: u64, tree: u32) -> Self {
        let weights = Stream::weights(seed, tree);
        let weigh = |(row, &class): (u32, &u8)| {
            let weight = weights.weight(shard.first() + u64::from(row));
            (weight > 0).then(|| Entry::new(row, weight, class))
        };
        let entries: Vec<Entry> = (0..).zip(shard.classes()).filter_map(weigh).collect();
        Growth { ends: vec![entries.len()], entries, right: Vec::new() }
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
    pub fn count(&self, shard: &Shard, bins: &Bins, group: &Group) -> Vec<u32> {
        let mut counts = Vec::with_capacity(group.counts_len(bins));
        for (at, columns) in group.nodes() {
            let entries = self.at(at);
            for &column in columns {
                let histogram = histogram(entries, shard.column(usize::from(column)));
                counts.extend(&histogram[..CLASSES * bins.bins_len(usize::from(column))]);
            }
        }
        counts
    }

    /// Follows the decisions on the open nodes, in their order: rows go to the children that are open; the others are done with.
    pub fn descend(&mut self, shard: &Shard, decisions: &[Decision]) {
        let (mut from, mut to) = (0, 0);
        let mut ends = Vec::new();
        for (decision, &end) in decisions.iter().zip(&self.ends) {
            if let Some((column, bin)) = decision.split {
                let column = shard.column(usize::from(column));
                self.right.clear();
                let keep = decision.open;
                for at in from..end {
                    let entry = self.entries[at];
                    if column[entry.row()] > bin {
                        self.right.push(entry);
                    } else {
                        // What has been read is overwritten, never what has not.
                        self.entries[to] = entry;
                        to += usize::from(keep[0]);
                    }
                }
                if keep[0] {
                    ends.push(to);
                }
                if keep[1] {
                    self.entries[to..to + self.right.len()].copy_from_slice(&self.right);
                    to += self.right.len();
                    ends.push(to);
                }
            }
            from = end;
        }
        self.entries.truncate(to);
        self.ends = ends;
    }

    /// The rows at an open node.
    fn at(&self, node: usize) -> &[Entry] {
        let from = if node == 0 { 0 } else { self.ends[node - 1] };
        &self.entries[from..self.ends[node]]
    }
}

fn histogram(entries: &[Entry], column: &[u8]) -> Histogram {
    let mut histogram: Histogram = [0; CLASSES << u8::BITS];
    for entry in entries {
        histogram[usize::from(column[entry.row()]) * CLASSES + entry.class()] += entry.weight();
    }
    histogram
}
