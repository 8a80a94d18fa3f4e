//! A tree as a trainer produces it.

use serde::{Deserialize, Serialize};

use super::Distribution;

/// A question to a row: is the number in `column` at most `threshold`? Then left, else right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The column that is compared.
    pub column: u8,
    /// With what; finite.
    pub threshold: f32,
    /// The left child's index in the tree; the right child stands next to it.
    pub left: u32,
}

/// A node: a leaf, or a split with two children.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The question, if it is not a leaf.
    pub split: Option<Split>,
    /// The probability of each class for a row that comes by.
    pub distribution: Distribution,
}

/// A decision tree. Node 0 is the root, and nodes stand in the order of their levels: those of the n-th split, from 0, are nodes 2n + 1
/// and 2n + 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<TreeNode>,
}
