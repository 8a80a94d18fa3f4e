//! The rows of a shard, counted by leaf of a finished tree and by outcome.

use serde::{Deserialize, Serialize};

use super::shard::Shard;
use crate::{
    flight::{DelayReference, FlightOutcome},
    forest::leaf::{OUTCOMES, count_index},
};

/// A finished tree whose splits compare bins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinnedTree {
    nodes: Vec<BinnedNode>,
    depth: u32,
    reference: DelayReference,
}

/// A node: a row whose bin is at most `bin` goes to the left child, others to the one after it. A leaf is its own left
/// child, and no bin exceeds its.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct BinnedNode {
    left: u32,
    column: u8,
    bin: u8,
}

/// Rows that descend side by side: each waits for the memory of its node.
const ROWS: usize = 8;

impl BinnedTree {
    /// Makes a tree of the column, the bin and the left child of each split; `None` is a leaf. `depth` is the number of
    /// its levels without the root. Delays are counted from a time.
    pub(super) fn new(
        splits: impl Iterator<Item = Option<(u8, u8, u32)>>,
        depth: u32,
        reference: DelayReference,
    ) -> Self {
        let node = |(at, split): (u32, Option<(u8, u8, u32)>)| match split {
            Some((column, bin, left)) => BinnedNode { left, column, bin },
            None => BinnedNode { left: at, column: 0, bin: u8::MAX },
        };
        BinnedTree { nodes: (0..).zip(splits).map(node).collect(), depth, reference }
    }

    /// Counts a shard's rows, each once: leaf by leaf, in the order of the nodes, [`OUTCOMES`] numbers.
    pub fn count_outcomes(&self, shard: &Shard) -> Vec<u32> {
        let mut leaves = 0;
        let numbers: Vec<usize> = (0..)
            .zip(&self.nodes)
            .map(|(at, node)| {
                leaves += usize::from(node.left == at);
                // Not used of a node that is no leaf.
                leaves.saturating_sub(1)
            })
            .collect();
        let mut counts = vec![0; leaves * OUTCOMES];
        let (bytes, row_len) = shard.bytes();
        let mut count = |at: u32, outcome: &FlightOutcome| {
            if let Some(index) = count_index(*outcome, self.reference) {
                counts[numbers[at as usize] * OUTCOMES + index] += 1;
            }
        };
        let (groups, rest) = shard.outcomes().as_chunks::<ROWS>();
        let mut rows = bytes.chunks_exact(ROWS * row_len);
        for (outcomes, rows) in groups.iter().zip(&mut rows) {
            let at = self.descend::<ROWS>(rows, row_len);
            at.into_iter().zip(outcomes).for_each(|(at, outcome)| count(at, outcome));
        }
        for (outcome, row) in rest.iter().zip(rows.remainder().chunks_exact(row_len)) {
            let [at] = self.descend::<1>(row, row_len);
            count(at, outcome);
        }
        counts
    }

    /// The leaves of `N` rows.
    #[inline]
    fn descend<const N: usize>(&self, rows: &[u8], row_len: usize) -> [u32; N] {
        let mut at = [0u32; N];
        for _ in 0..self.depth {
            for (row, at) in at.iter_mut().enumerate() {
                let node = self.nodes[*at as usize];
                let goes_right = rows[row * row_len + usize::from(node.column)] > node.bin;
                *at = node.left + u32::from(goes_right);
            }
        }
        at
    }
}
