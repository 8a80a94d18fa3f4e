//! A tree as a trainer produces it.

use serde::{Deserialize, Serialize};

use crate::classes::Probabilities;

/// A question to a row: is the number in `column` at most `threshold`? Then left, else right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The column that is compared.
    pub column: u8,
    /// With what; finite.
    pub threshold: f32,
    /// The left child's index in the tree, larger than the node's own; the right child stands next to it.
    pub left: u32,
}

/// A node: a leaf, or a split with two children.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The question, if it is not a leaf.
    pub split: Option<Split>,
    /// The probability of each class for a row that comes by.
    pub distribution: Probabilities,
}

/// A decision tree. Node 0 is the root, every other node is the child of one earlier node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The nodes, each before its children.
    pub nodes: Vec<TreeNode>,
}
