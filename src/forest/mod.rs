//! Random forests: a flat array of small nodes, class probabilities at the leaves.
//!
//! A trainer grows [`Tree`]s; [`Forest::new`] checks and flattens them, and whatever is not a set of trees is refused
//! there, so that a walk can neither loop nor leave the array. A forest is deterministic: the same row gives the same
//! probabilities, bit for bit, alone or in a batch.
//!
//! # Layout in memory
//!
//! The nodes of a tree stand in the order of their levels. A node is 8 bytes: a threshold, and in one word the left child's index
//! (24 bits) and the column to compare (8 bits). The right child stands next to the left. What is not greater than the threshold goes
//! left. Numbers are compared as whole numbers in the same order ([`Key`]): a comparison's carry is then added to the left child's index, without a branch or a
//! jump. A leaf is its own left child under a threshold that nothing exceeds, so that every row takes as many steps as its tree is deep.

mod binary;
mod builder;
mod distribution;
mod explain;
mod forests;
pub mod histogram;
mod key;
mod leaves;
pub mod linfa;
mod settings;
mod shallow;
mod training_set;
mod tree;
mod tried;
mod walk;

pub(crate) use binary::Unreadable;
pub use distribution::Distribution;
pub use explain::Explainer;
pub use forests::{Forests, Incomplete};
pub use settings::{ForestSettings, Trainer, UnknownTrainer};
pub use training_set::{TrainingSet, UnusableRows, count_classes};
pub use tree::{Split, Tree, TreeNode};
pub use tried::{ColumnsTried, NotColumns};

use builder::{Builder, LEAF};
use key::Key;
use shallow::Shallow;

/// At most this many nodes, all trees together: an index has 24 bits.
pub const NODES_MAX: usize = 1 << 24;
/// At most this many trees: sums of their probabilities, in units, have 32 bits.
pub const TREES_MAX: usize = 1 << 16;
/// A tree is at most this deep.
pub const DEPTH_MAX: u32 = 32;

/// A node in memory. See the module.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    threshold: Key,
    /// Left child in the upper 24 bits, column in the lower 8: either takes one instruction to get.
    link: u32,
}

const COLUMN_BITS: u32 = u8::BITS;

impl Node {
    /// The leaf at an index.
    fn leaf(at: u32) -> Self {
        Node { threshold: Key::MAX, link: at << COLUMN_BITS }
    }

    fn column(self) -> usize {
        (self.link & u32::from(u8::MAX)) as usize
    }

    fn left(self) -> u32 {
        self.link >> COLUMN_BITS
    }
}

/// Where a tree starts, and how many steps it takes to be at a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Root {
    node: u32,
    depth: u32,
}

/// Why trees are not a forest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed forest: tree {tree}: {reason}")]
pub struct MalformedForest {
    /// The tree's number, from 0.
    pub tree: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Trees, flattened and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    nodes: Vec<Node>,
    /// Of each node, inner ones included.
    distributions: Vec<Distribution>,
    roots: Vec<Root>,
    /// The same trees once more, if they are small.
    shallow: Option<Shallow>,
    width: usize,
    /// Of each column of a row, whether any split compares it.
    used: Vec<bool>,
}

impl Forest {
    /// Checks and flattens trees over rows of `width` columns.
    pub fn new(trees: &[Tree], width: usize) -> Result<Self, MalformedForest> {
        let mut builder = Builder::new(width, trees.iter().map(|tree| tree.nodes.len()).sum());
        for (number, tree) in trees.iter().enumerate() {
            let splits = || tree.nodes.iter().filter_map(|node| node.split);
            let in_order = splits().zip((1..).step_by(2)).all(|(split, left)| split.left == left);
            if !in_order || splits().any(|split| split.column == LEAF) {
                let reason = "its nodes are not in the order of their levels, or compare a column that is not there";
                return Err(MalformedForest { tree: number, reason });
            }
            let columns: Vec<u8> =
                tree.nodes.iter().map(|node| node.split.map_or(LEAF, |split| split.column)).collect();
            let thresholds: Vec<_> = splits().map(|split| split.threshold.to_le_bytes()).collect();
            builder.add(&columns, &thresholds)?;
        }
        builder.finish(trees.iter().flat_map(|tree| &tree.nodes).map(|node| node.distribution).collect())
    }

    /// The trees it was made of.
    pub fn trees(&self) -> Vec<Tree> {
        let ends = self.roots.iter().skip(1).map(|root| root.node).chain([self.nodes.len() as u32]);
        self.roots.iter().zip(ends).map(|(root, end)| self.tree(root.node, end)).collect()
    }

    fn tree(&self, base: u32, end: u32) -> Tree {
        let unflatten = |at: u32| {
            let node = self.nodes[at as usize];
            let split = (node.left() != at).then(|| Split {
                // The lower 8 bits of a word.
                column: node.column() as u8,
                threshold: node.threshold.number(),
                left: node.left() - base,
            });
            TreeNode { split, distribution: self.distributions[at as usize] }
        };
        Tree { nodes: (base..end).map(unflatten).collect() }
    }

    /// How many columns a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many trees it has.
    pub fn trees_len(&self) -> usize {
        self.roots.len()
    }

    /// How many nodes it has, all trees together.
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether any split compares this column.
    pub fn uses_column(&self, column: usize) -> bool {
        self.used.get(column) == Some(&true)
    }
}

#[cfg(test)]
pub(crate) mod tests;
