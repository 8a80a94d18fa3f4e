//! Why a forest gives a row its probabilities.
//!
//! A node knows the class probabilities of the training rows that came by it. On the way from a root to a leaf they change
//! with each split, and the change is credited to the column that the split compares; what a column is credited with over
//! all trees, on average, is its contribution (Ando Saabas, "Interpreting random forests", 2014). So for every row
//!
//! ```text
//! base rate (the mean of the roots) + the sum of all contributions = probabilities
//! ```
//!
//! Contributions describe the forest, not the world: of two columns that say the same, the one that was split on is credited.
//!
//! What a path adds up to is known before any row comes, so each leaf has its sums in a table: a row is explained by
//! finding its leaves and adding their lines. Columns can be credited together, which keeps the lines short.

use super::{Forest, Tree, distribution::UNIT};
use crate::flight::{CLASSES, Probabilities};

/// This many rows walk a tree side by side: their loads overlap.
const LANES: usize = 8;
/// This many rows go through all trees before the next, so that a tree's lines are fetched once for all of them.
const BLOCK: usize = 512;

/// A node: as in the forest, a leaf is its own left child under a threshold of infinity. The questions are copied, so that
/// nothing here depends on how the forest lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Question {
    threshold: f32,
    column: u32,
    left: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Root {
    node: u32,
    depth: u32,
}

/// Explains the rows of one forest. Takes 16 bytes a node, and 16 bytes for each leaf and group.
#[derive(Debug, Clone, PartialEq)]
pub struct Explainer {
    base_rate: Probabilities,
    /// How many columns a row has.
    width: usize,
    /// How many numbers a line has.
    line_len: usize,
    questions: Vec<Question>,
    /// Of each node, which line of the table is its own. An inner node has none, and nobody asks.
    lines: Vec<u32>,
    table: Vec<f32>,
    roots: Vec<Root>,
}

impl Explainer {
    /// Prepares to explain a forest. `groups` has for each column the group that is credited, numbered from 0.
    ///
    /// # Panics
    /// If there is not one group for each column.
    pub fn new(forest: &Forest, groups: &[usize]) -> Self {
        assert_eq!(groups.len(), forest.width(), "each column must have its group");
        let trees = forest.trees();
        let share = UNIT / trees.len() as f32;
        let mut explainer = Explainer {
            base_rate: [0.0; CLASSES],
            width: groups.len(),
            line_len: groups.iter().max().map_or(0, |last| last + 1) * CLASSES,
            questions: Vec::with_capacity(forest.nodes_len()),
            lines: Vec::with_capacity(forest.nodes_len()),
            table: Vec::new(),
            roots: Vec::with_capacity(trees.len()),
        };
        for tree in &trees {
            explainer.append(tree, groups, share);
        }
        explainer
    }

    fn append(&mut self, tree: &Tree, groups: &[usize], share: f32) {
        let line_len = self.line_len;
        // What each node's path is credited with so far; a node stands before its children. A forest's nodes are at most 2^24.
        let base = self.questions.len() as u32;
        let mut credits = vec![0; tree.nodes.len() * line_len];
        let mut depths = vec![0; tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate() {
            let credit = at * line_len..(at + 1) * line_len;
            let Some(split) = node.split else {
                self.questions.push(Question { threshold: f32::INFINITY, column: 0, left: base + at as u32 });
                self.lines.push((self.table.len() / line_len) as u32);
                self.table.extend(credits[credit].iter().map(|&change| change as f32 * share));
                continue;
            };
            let left = split.left as usize;
            for child in [left, left + 1] {
                let start = child * line_len;
                credits.copy_within(credit.clone(), start);
                let group = start + groups[usize::from(split.column)] * CLASSES;
                let change = tree.nodes[child].distribution.more_than(node.distribution);
                for (sum, change) in credits[group..].iter_mut().zip(change) {
                    *sum += change;
                }
                depths[child] = depths[at] + 1;
            }
            let (threshold, column) = (split.threshold, u32::from(split.column));
            self.questions.push(Question { threshold, column, left: base + split.left });
            self.lines.push(0);
        }
        for (sum, units) in self.base_rate.iter_mut().zip(tree.nodes[0].distribution.units()) {
            *sum += units as f32 * share;
        }
        self.roots.push(Root { node: base, depth: depths.into_iter().max().unwrap_or(0) });
    }

    /// The probability of each class before anything is known of a row: the mean of the roots.
    pub fn base_rate(&self) -> &Probabilities {
        &self.base_rate
    }

    /// How many numbers a row's contributions are: one for each class, group after group.
    pub fn line_len(&self) -> usize {
        self.line_len
    }

    /// Writes the contributions of each row, [`Self::line_len`] numbers a row, over what is in `contributions`; `rows` holds
    /// one row after the other, be it one.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of the forest's width.
    pub fn contributions_of_all(&self, rows: &[f32], contributions: &mut Vec<f32>) {
        assert!(rows.len().is_multiple_of(self.width), "rows must be whole");
        contributions.clear();
        contributions.resize(rows.len() / self.width * self.line_len, 0.0);
        for (rows, sums) in rows.chunks(BLOCK * self.width).zip(contributions.chunks_mut(BLOCK * self.line_len)) {
            for root in &self.roots {
                self.add_tree(root, rows, sums);
            }
        }
    }

    fn add_tree(&self, root: &Root, rows: &[f32], sums: &mut [f32]) {
        let mut lanes = rows.chunks_exact(LANES * self.width);
        let mut sums = sums.chunks_exact_mut(self.line_len);
        for rows in lanes.by_ref() {
            let rows: [&[f32]; LANES] = std::array::from_fn(|lane| &rows[lane * self.width..(lane + 1) * self.width]);
            for (leaf, sum) in self.walk(root, rows).into_iter().zip(sums.by_ref()) {
                self.add_line(leaf, sum);
            }
        }
        for (row, sum) in lanes.remainder().chunks_exact(self.width).zip(sums) {
            let [leaf] = self.walk(root, [row]);
            self.add_line(leaf, sum);
        }
    }

    fn walk<const N: usize>(&self, root: &Root, rows: [&[f32]; N]) -> [u32; N] {
        let mut at = [root.node; N];
        for _ in 0..root.depth {
            for (at, row) in at.iter_mut().zip(&rows) {
                let Question { threshold, column, left } = self.questions[*at as usize];
                // What is not greater goes left, NaN included, as in the forest.
                *at = left + u32::from(row[column as usize] > threshold);
            }
        }
        at
    }

    #[inline]
    fn add_line(&self, leaf: u32, sum: &mut [f32]) {
        let start = self.lines[leaf as usize] as usize * self.line_len;
        for (sum, change) in sum.iter_mut().zip(&self.table[start..start + self.line_len]) {
            *sum += change;
        }
    }
}

#[cfg(test)]
mod tests;
