//! Walking rows through a forest: one row, or many at once.

use super::{Forest, Node, Root};
use crate::classes::{CLASSES, Probabilities};

/// This many rows walk a tree side by side: their loads overlap.
const LANES: usize = 8;
/// This many rows go through all trees before the next: they stay in the nearest cache.
const BLOCK: usize = 512;

impl Forest {
    /// The class probabilities of one row.
    ///
    /// # Panics
    /// If the row is shorter than [`Forest::width`].
    pub fn probabilities(&self, row: &[f32]) -> Probabilities {
        let mut sum = [0.0; CLASSES];
        for root in &self.roots {
            let [leaf] = self.walk(root, [row]);
            add(&mut sum, &self.distributions[leaf as usize]);
        }
        self.mean(sum)
    }

    /// The class probabilities of each row; `rows` holds one after the other.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Forest::width`].
    pub fn probabilities_of_all(&self, rows: &[f32]) -> Vec<Probabilities> {
        assert!(rows.len().is_multiple_of(self.width), "rows must be whole");
        let mut sums = vec![[0.0; CLASSES]; rows.len() / self.width];
        for (rows, sums) in rows.chunks(BLOCK * self.width).zip(sums.chunks_mut(BLOCK)) {
            for root in &self.roots {
                self.add_tree(root, rows, sums);
            }
        }
        // Tree after tree is added to a row's sum, as for a row alone, so the result is the same to the last bit.
        sums.into_iter().map(|sum| self.mean(sum)).collect()
    }

    fn add_tree(&self, root: &Root, rows: &[f32], sums: &mut [Probabilities]) {
        let mut lanes = rows.chunks_exact(LANES * self.width);
        let (sums_of_lanes, sums_of_rest) = sums.split_at_mut(sums.len() - sums.len() % LANES);
        for (rows, sums) in lanes.by_ref().zip(sums_of_lanes.chunks_exact_mut(LANES)) {
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &rows[lane * self.width..(lane + 1) * self.width]);
            for (sum, leaf) in sums.iter_mut().zip(self.walk(root, rows)) {
                add(sum, &self.distributions[leaf as usize]);
            }
        }
        for (row, sum) in lanes.remainder().chunks_exact(self.width).zip(sums_of_rest) {
            let [leaf] = self.walk(root, [row]);
            add(sum, &self.distributions[leaf as usize]);
        }
    }

    /// The leaves that rows come to in a tree.
    fn walk<const N: usize>(&self, root: &Root, rows: [&[f32]; N]) -> [u32; N] {
        let mut at = [root.node; N];
        for _ in 0..root.depth {
            for (at, row) in at.iter_mut().zip(&rows) {
                *at = step(self.nodes[*at as usize], row);
            }
        }
        at
    }

    fn mean(&self, sum: Probabilities) -> Probabilities {
        let share = 1.0 / self.roots.len() as f32;
        sum.map(|p| p * share)
    }
}

/// The next node. What is not greater goes left, NaN included, so that a leaf (greater than infinity?) always stays.
#[inline]
fn step(node: Node, row: &[f32]) -> u32 {
    node.left() + u32::from(row[node.column()] > node.threshold)
}

#[inline]
fn add(sum: &mut Probabilities, distribution: &Probabilities) {
    for (sum, p) in sum.iter_mut().zip(distribution) {
        *sum += p;
    }
}
