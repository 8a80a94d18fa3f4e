//! Walking rows through a forest: one row, or many at once.
//!
//! A step waits for the one before it, so several walks go side by side: of one row through several trees, or of several rows through one
//! tree. The first is quicker as long as the forest stays in the nearest cache. Where all trees are small, rows do not walk at all
//! (`shallow.rs`). What is added up are whole numbers, so that a row's probabilities are the same to the last bit, alone or in a batch.

use super::{Forest, Key, Node, Root, distribution::UNIT, shallow::LANES};
use crate::flight::{CLASSES, Probabilities};

/// One row walks so many trees side by side. Of 5, 8, 10, 12 and 20 this was the quickest; more do not fit into the
/// registers.
const TREES: usize = 10;
/// So many rows walk a tree side by side, likewise.
const ROWS: usize = 8;
/// This many rows go through all trees before the next: they stay in the second cache.
const BLOCK: usize = 512;
/// A forest of so many nodes stays in a cache of 32 KiB.
const NEAR_NODES: usize = 1 << 12;

/// A row's keys, with room for every column that a node can name.
type Row = [Key; 1 << u8::BITS];
const NO_ROW: Row = [Key::MAX; 1 << u8::BITS];

/// Probabilities summed over trees, in units. There are too few trees for it to overflow.
type Sum = [u32; CLASSES];

impl Forest {
    /// The class probabilities of one row.
    ///
    /// # Panics
    /// If the row is shorter than [`Forest::width`].
    pub fn probabilities(&self, row: &[f32]) -> Probabilities {
        self.mean(self.sum_of_row(&row[..self.width], &mut NO_ROW.clone()))
    }

    /// The class probabilities of each row; `rows` holds one after the other.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of [`Forest::width`].
    pub fn probabilities_of_all(&self, rows: &[f32]) -> Vec<Probabilities> {
        assert!(rows.len().is_multiple_of(self.width), "rows must be whole");
        if let Some(shallow) = &self.shallow {
            let (groups, rest) = rows.split_at(rows.len() - rows.len() % (LANES * self.width));
            let (mut sums, mut keys) = (Vec::with_capacity(rows.len() / self.width), NO_ROW);
            shallow.add_up(groups, self.width, &mut sums);
            sums.extend(rest.chunks_exact(self.width).map(|row| self.sum_of_row(row, &mut keys)));
            return sums.into_iter().map(|sum| self.mean(sum)).collect();
        }
        if self.nodes.len() <= NEAR_NODES {
            let mut keys = NO_ROW;
            return rows.chunks_exact(self.width).map(|row| self.mean(self.sum_of_row(row, &mut keys))).collect();
        }
        let mut answers = Vec::with_capacity(rows.len() / self.width);
        let (mut keys, mut sums) = (Vec::new(), Vec::new());
        for rows in rows.chunks(BLOCK * self.width) {
            self.add_block(rows, &mut keys, &mut sums);
            answers.extend(sums.drain(..).map(|sum| self.mean(sum)));
        }
        answers
    }

    fn sum_of_row(&self, row: &[f32], keys: &mut Row) -> Sum {
        keys.iter_mut().zip(row).for_each(|(key, &number)| *key = Key::of(number));
        let mut sum = [0; CLASSES];
        let (together, rest) = self.roots.as_chunks::<TREES>();
        for roots in together {
            self.walk_trees(roots, keys).iter().for_each(|&leaf| self.add(leaf, &mut sum));
        }
        for root in rest {
            self.walk_trees(&[*root], keys).iter().for_each(|&leaf| self.add(leaf, &mut sum));
        }
        sum
    }

    /// The leaves that a row comes to in some trees.
    #[inline]
    fn walk_trees<const N: usize>(&self, roots: &[Root; N], row: &Row) -> [u32; N] {
        let mut at = roots.map(|root| root.node);
        // At a leaf, further steps change nothing.
        for _ in 0..roots.iter().map(|root| root.depth).max().unwrap_or(0) {
            for at in &mut at {
                let node = self.nodes[*at as usize];
                *at = step(node, row[node.column()]);
            }
        }
        at
    }

    /// Appends the sums of a block's rows to none.
    fn add_block(&self, rows: &[f32], keys: &mut Vec<Key>, sums: &mut Vec<Sum>) {
        let group = ROWS * self.width;
        let (groups, rest) = rows.split_at(rows.len() - rows.len() % group);
        sums.resize(groups.len() / self.width, [0; CLASSES]);
        keys.clear();
        for rows in groups.chunks_exact(group) {
            // By column, so that a group has one address.
            let columns = (0..self.width).flat_map(|column| (0..ROWS).map(move |row| rows[row * self.width + column]));
            keys.extend(columns.map(Key::of));
        }
        for root in &self.roots {
            for (keys, sums) in keys.chunks_exact(group).zip(sums.chunks_exact_mut(ROWS)) {
                for (leaf, sum) in self.walk_rows(root, keys).into_iter().zip(sums) {
                    self.add(leaf, sum);
                }
            }
        }
        let mut row_keys = NO_ROW;
        sums.extend(rest.chunks_exact(self.width).map(|row| self.sum_of_row(row, &mut row_keys)));
    }

    /// The leaves that a group of rows comes to in a tree.
    #[inline]
    fn walk_rows(&self, root: &Root, keys: &[Key]) -> [u32; ROWS] {
        let mut at = [root.node; ROWS];
        for _ in 0..root.depth {
            for (row, at) in at.iter_mut().enumerate() {
                let node = self.nodes[*at as usize];
                *at = step(node, keys[node.column() * ROWS + row]);
            }
        }
        at
    }

    #[inline]
    fn add(&self, leaf: u32, sum: &mut Sum) {
        self.distributions[leaf as usize].add_to(sum);
    }

    fn mean(&self, sum: Sum) -> Probabilities {
        let share = UNIT / self.roots.len() as f32;
        sum.map(|units| units as f32 * share)
    }
}

/// The next node: the left child, or the right one next to it.
#[inline]
fn step(node: Node, number: Key) -> u32 {
    node.left() + u32::from(number > node.threshold)
}
