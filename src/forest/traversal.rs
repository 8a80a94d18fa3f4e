//! Traversal of a forest: the leaf that each row reaches in each tree, and the probabilities of these leaves.
//!
//! Each step of a descent depends on the one before, so several descents run side by side: one row in several trees, or
//! several rows in one tree. The first is faster while the forest fits into the L1 cache. Probabilities are summed as
//! integers, so that those of a row are the same bits alone or in a batch.

use std::hint::black_box;

use super::{
    flat::{Forest, Node, Root, SortableBits},
    leaf::{Leaf, LeafSums},
    tree::UNIT,
};
use crate::flight::{CLASSES, DelayShares, Probabilities};

/// Trees that one row descends side by side: the fastest of 5, 8, 10, 12 and 20. More do not fit into the registers.
const TREES: usize = 10;
/// Rows that descend one tree side by side, chosen likewise.
const ROWS: usize = 8;
/// Rows that pass all trees before the next block does: they stay in the L2 cache.
const BLOCK: usize = 512;
/// Upper bound on the nodes of a forest that stays in an L1 cache of 32 KiB.
const L1_NODES: usize = 1 << 12;

/// A row's numbers, with room for every column that a node can name.
type RowBits = [SortableBits; 1 << u8::BITS];
const NO_ROW: RowBits = [SortableBits::MAX; 1 << u8::BITS];

/// Probabilities summed over trees, in units. [`super::TREES_MAX`] keeps the sums below 2^32.
type UnitSums = [u32; CLASSES];

/// A forest's prediction for a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The probability of each class.
    pub probabilities: Probabilities,
    /// The share of each bin of delays, counted from the time that the forest was trained with; `None` if the leaves'
    /// outcomes are not known.
    pub delays: Option<DelayShares>,
    /// The probability that the flight is cancelled; `None` if the forest was trained without such flights. The others
    /// are those of a flight that is not.
    pub cancelled: Option<f32>,
}

/// The sums over the leaves of a row.
#[derive(Debug, Clone)]
pub(super) struct RowSums {
    classes: UnitSums,
    leaves: LeafSums,
}

impl RowSums {
    pub(super) const ZERO: RowSums = RowSums { classes: [0; CLASSES], leaves: LeafSums::ZERO };
}

impl Forest {
    /// The class probabilities of one row.
    ///
    /// # Panics
    /// If the row is shorter than [`Forest::width`].
    pub fn probabilities(&self, row: &[f32]) -> Probabilities {
        let (mut sums, mut bits) = ([0; CLASSES], NO_ROW);
        self.visit_leaves_of_row(&row[..self.width], &mut bits, |leaf| self.add_leaf(leaf, &mut sums));
        self.mean(sums)
    }

    /// The class probabilities of each row; `rows` is row-major.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Forest::width`].
    pub fn probabilities_of_all(&self, rows: &[f32]) -> Vec<Probabilities> {
        let mut sums = vec![[0; CLASSES]; rows.len() / self.width];
        self.visit_leaves(rows, |leaf| self.touch_leaf(leaf), |row, leaf| self.add_leaf(leaf, &mut sums[row]));
        sums.into_iter().map(|sums| self.mean(sums)).collect()
    }

    /// The prediction for each row; `rows` is row-major.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Forest::width`].
    pub fn predictions(&self, rows: &[f32]) -> Vec<Prediction> {
        let mut sums = vec![RowSums::ZERO; rows.len() / self.width];
        let touch = |leaf| self.touch_outcomes(leaf, self.leaf_number(leaf));
        self.visit_leaves(rows, touch, |row, leaf| self.add_outcomes(leaf, self.leaf_number(leaf), &mut sums[row]));
        sums.iter().map(|sums| self.prediction(sums)).collect()
    }

    /// Adds a leaf's probabilities and outcomes to a row's sums; `number` is that of the leaf in the forest.
    #[inline]
    pub(super) fn add_outcomes(&self, leaf: u32, number: usize, sums: &mut RowSums) {
        self.add_leaf(leaf, &mut sums.classes);
        if let Some(leaf) = self.leaves.get(number) {
            sums.leaves.add(leaf);
        }
    }

    /// Reads one number of what [`Self::add_outcomes`] reads.
    #[inline]
    pub(super) fn touch_outcomes(&self, leaf: u32, number: usize) -> u32 {
        self.touch_leaf(leaf) ^ self.leaves.get(number).map_or(0, Leaf::first)
    }

    #[inline]
    fn touch_leaf(&self, leaf: u32) -> u32 {
        self.distributions[leaf as usize].units()[0]
    }

    /// The mean over all trees.
    pub(super) fn prediction(&self, sums: &RowSums) -> Prediction {
        let trees = self.roots.len();
        Prediction {
            probabilities: self.mean(sums.classes),
            delays: (!self.leaves.is_empty()).then(|| sums.leaves.delays(trees)),
            cancelled: self.has_cancelled.then(|| sums.leaves.cancelled(trees)),
        }
    }

    /// Adds a leaf's probabilities to a row's sums.
    #[inline]
    fn add_leaf(&self, leaf: u32, sums: &mut UnitSums) {
        self.distributions[leaf as usize].add_to(sums);
    }

    /// The mean over all trees.
    #[inline]
    fn mean(&self, sums: UnitSums) -> Probabilities {
        let share = UNIT / self.roots.len() as f32;
        sums.map(|units| units as f32 * share)
    }

    /// Calls `visit` with a row's number and the node id of a leaf that the row reaches, once for each row and tree.
    /// The leaves of a row come in the order of the trees. `touch` reads a number of each place in memory that `visit`
    /// reads for a leaf: the leaves of a forest are scattered, and the waits of several reads overlap, while those of
    /// several visits do not.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Forest::width`].
    #[inline]
    pub(super) fn visit_leaves(&self, rows: &[f32], touch: impl Fn(u32) -> u32, mut visit: impl FnMut(usize, u32)) {
        assert!(rows.len().is_multiple_of(self.width), "rows must be whole");
        // A forest in the L1 cache takes no groups of rows.
        let group_len = ROWS * self.width;
        let grouped_len = if self.nodes.len() <= L1_NODES { 0 } else { rows.len() - rows.len() % group_len };
        let (grouped, single) = rows.split_at(grouped_len);
        let mut bits = Vec::new();
        for (number, block) in grouped.chunks(BLOCK * self.width).enumerate() {
            self.visit_leaves_of_block(block, &mut bits, &touch, |row, leaf| visit(number * BLOCK + row, leaf));
        }
        let mut row_bits = NO_ROW;
        for (row, numbers) in (grouped_len / self.width..).zip(single.chunks_exact(self.width)) {
            self.visit_leaves_of_row(numbers, &mut row_bits, |leaf| visit(row, leaf));
        }
    }

    #[inline]
    fn visit_leaves_of_row(&self, row: &[f32], bits: &mut RowBits, mut visit: impl FnMut(u32)) {
        bits.iter_mut().zip(row).for_each(|(bits, &number)| *bits = SortableBits::from_f32(number));
        let (together, rest) = self.roots.as_chunks::<TREES>();
        for roots in together {
            self.descend_trees(roots, bits).into_iter().for_each(&mut visit);
        }
        for root in rest {
            self.descend_trees(&[*root], bits).into_iter().for_each(&mut visit);
        }
    }

    /// The leaves that a row reaches in some trees.
    #[inline]
    fn descend_trees<const N: usize>(&self, roots: &[Root; N], row: &RowBits) -> [u32; N] {
        let mut at = roots.map(|root| root.node);
        // A further step at a leaf changes nothing.
        for _ in 0..roots.iter().map(|root| root.depth).max().unwrap_or(0) {
            for at in &mut at {
                let node = self.nodes[*at as usize];
                *at = step(node, row[node.column()]);
            }
        }
        at
    }

    /// Visits the leaves of whole groups of [`ROWS`] rows, tree by tree.
    #[inline]
    fn visit_leaves_of_block(
        &self,
        rows: &[f32],
        bits: &mut Vec<SortableBits>,
        touch: impl Fn(u32) -> u32,
        mut visit: impl FnMut(usize, u32),
    ) {
        let group_len = ROWS * self.width;
        bits.clear();
        for rows in rows.chunks_exact(group_len) {
            // By column, so that a group has one address.
            let columns = (0..self.width).flat_map(|column| (0..ROWS).map(move |row| rows[row * self.width + column]));
            bits.extend(columns.map(SortableBits::from_f32));
        }
        for root in &self.roots {
            for (group, bits) in bits.chunks_exact(group_len).enumerate() {
                let leaves = self.descend_rows(root, bits);
                black_box(leaves.iter().fold(0, |all, &leaf| all ^ touch(leaf)));
                for (row, leaf) in (group * ROWS..).zip(leaves) {
                    visit(row, leaf);
                }
            }
        }
    }

    /// The leaves that a group of rows reaches in a tree.
    #[inline]
    fn descend_rows(&self, root: &Root, bits: &[SortableBits]) -> [u32; ROWS] {
        let mut at = [root.node; ROWS];
        for _ in 0..root.depth {
            for (row, at) in at.iter_mut().enumerate() {
                let node = self.nodes[*at as usize];
                *at = step(node, bits[node.column() * ROWS + row]);
            }
        }
        at
    }
}

/// The next node: the left child, or the right one next to it.
#[inline]
fn step(node: Node, number: SortableBits) -> u32 {
    node.left() + u32::from(number > node.threshold)
}
