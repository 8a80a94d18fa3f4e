//! Filling a grown tree's nodes with class probabilities.

use std::array;

use super::{Distribution, TrainingSet, Tree, TreeNode};
use crate::flight::CLASSES;

/// The shares of all training rows count for this many rows in each node's probabilities.
const ROWS_OF_ALL: f64 = 1.0;

/// Sends all training rows down a tree and gives each node the class shares of those that come by, drawn a little
/// towards the shares of all rows, so that no class is ever impossible.
pub(super) fn fill(mut nodes: Vec<TreeNode>, data: &TrainingSet) -> Tree {
    let mut counts = vec![[0u64; CLASSES]; nodes.len()];
    for (row, class) in data.rows().chunks_exact(data.width()).zip(data.classes()) {
        let mut at = 0;
        counts[at][class.index()] += 1;
        while let Some(split) = nodes[at].split {
            at = split.left as usize + usize::from(row[usize::from(split.column)] > split.threshold);
            counts[at][class.index()] += 1;
        }
    }
    let all = counts[0].map(|count| count as f64 / data.rows_len() as f64);
    for (node, counts) in nodes.iter_mut().zip(&counts) {
        node.distribution = Distribution::of(array::from_fn(|class| counts[class] as f64 + ROWS_OF_ALL * all[class]));
    }
    Tree { nodes }
}
