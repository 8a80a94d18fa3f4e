//! Contributions of columns to a row's probabilities.
//!
//! A node has the class probabilities of the training rows that reach it. They change with each split on the way from
//! a root to a leaf, and the change is credited to the column that the split compares. A column's contribution is its
//! credit, averaged over the trees (Ando Saabas, "Interpreting random forests", 2014). So for every row
//!
//! ```text
//! base rate (the mean of the roots) + the sum of all contributions = probabilities
//! ```
//!
//! Contributions describe the forest, not causes: of two columns that carry the same information, the one that a
//! split compares is credited.
//!
//! The credits of a path depend on its leaf alone, so a table has them by leaf. To explain a row is to find its leaves
//! and to add their lines. Columns can be credited in groups, which keeps the lines short.

use super::{
    flat::Forest,
    traversal::{Prediction, RowSums},
    tree::{Tree, UNIT},
};
use crate::flight::{CLASSES, Probabilities};

/// Explains the rows of one forest. Takes 8 bytes for each leaf and group.
#[derive(Debug, Clone, PartialEq)]
pub struct Explainer {
    base_rate: Probabilities,
    /// The length of a line.
    line_len: usize,
    /// A line for each leaf: the credits of the path to it, in units of a probability in one tree. A credit of 1 is
    /// kept as one unit less.
    table: Vec<i16>,
    /// The value of a unit.
    share: f32,
}

impl Explainer {
    /// Prepares to explain a forest. `groups` has the group of each column, numbered from 0.
    ///
    /// # Panics
    /// If the length of `groups` is not [`Forest::width`].
    pub fn new(forest: &Forest, groups: &[usize]) -> Self {
        assert_eq!(groups.len(), forest.width(), "each column must have its group");
        let trees = forest.trees();
        let share = UNIT / trees.len() as f32;
        let mut explainer = Explainer {
            base_rate: [0.0; CLASSES],
            line_len: groups.iter().max().map_or(0, |last| last + 1) * CLASSES,
            table: Vec::new(),
            share,
        };
        explainer.table.reserve_exact(forest.leaves_len() * explainer.line_len);
        for tree in &trees {
            explainer.push_tree(tree, groups);
        }
        explainer
    }

    fn push_tree(&mut self, tree: &Tree, groups: &[usize]) {
        let line_len = self.line_len;
        // The credits of the path to each node; a node comes before its children.
        let mut credits = vec![0i32; tree.nodes.len() * line_len];
        for (at, node) in tree.nodes.iter().enumerate() {
            let credit = at * line_len..(at + 1) * line_len;
            let Some(split) = node.split else {
                let in_range = |&credit: &i32| credit.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                self.table.extend(credits[credit].iter().map(in_range));
                continue;
            };
            let left = split.left as usize;
            for child in [left, left + 1] {
                let start = child * line_len;
                credits.copy_within(credit.clone(), start);
                let group = start + groups[usize::from(split.column)] * CLASSES;
                let change = tree.nodes[child].distribution.difference(node.distribution);
                for (sum, change) in credits[group..].iter_mut().zip(change) {
                    *sum += change;
                }
            }
        }
        for (sum, units) in self.base_rate.iter_mut().zip(tree.nodes[0].distribution.units()) {
            *sum += units as f32 * self.share;
        }
    }

    /// The probability of each class when nothing is known of a row: the mean of the roots.
    pub fn base_rate(&self) -> &Probabilities {
        &self.base_rate
    }

    /// The number of a row's contributions: one for each class, group after group.
    pub fn line_len(&self) -> usize {
        self.line_len
    }

    /// Returns the prediction for each row, as [`Forest::predictions`] does, and replaces the content of
    /// `contributions` with [`Self::line_len`] numbers for each row. `forest` is the one that the explainer was made
    /// for; `rows` is row-major.
    ///
    /// # Panics
    /// If the length of `rows` is not a multiple of the forest's width, or the forest is another one.
    pub fn explain(&self, forest: &Forest, rows: &[f32], contributions: &mut Vec<f32>) -> Vec<Prediction> {
        assert_eq!(self.table.len(), forest.leaves_len() * self.line_len, "the explainer of another forest");
        let rows_len = rows.len() / forest.width();
        let mut sums = vec![RowSums::ZERO; rows_len];
        let mut credits = vec![0i32; rows_len * self.line_len];
        let touch = |leaf| {
            let number = forest.leaf_number(leaf);
            let credit = self.table[number * self.line_len];
            forest.touch_outcomes(leaf, number) ^ u32::from(credit.cast_unsigned())
        };
        forest.visit_leaves(rows, touch, |row, leaf| {
            let number = forest.leaf_number(leaf);
            forest.add_outcomes(leaf, number, &mut sums[row]);
            let start = number * self.line_len;
            let line = &self.table[start..start + self.line_len];
            let row_sums = &mut credits[row * self.line_len..(row + 1) * self.line_len];
            row_sums.iter_mut().zip(line).for_each(|(sum, credit)| *sum += i32::from(*credit));
        });
        contributions.clear();
        contributions.extend(credits.into_iter().map(|credit| credit as f32 * self.share));
        sums.iter().map(|sums| forest.prediction(sums)).collect()
    }
}

#[cfg(test)]
mod tests;
