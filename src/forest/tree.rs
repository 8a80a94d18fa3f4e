//! A tree as a trainer produces it.

use serde::{Deserialize, Serialize};

use super::DEPTH_MAX;
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

impl Tree {
    /// The depth of a tree over rows of `width` columns, or why it is none.
    pub(super) fn check(&self, width: usize) -> Result<u32, &'static str> {
        if self.nodes.is_empty() {
            return Err("it has no root");
        }
        let mut depths: Vec<Option<u32>> = vec![None; self.nodes.len()];
        depths[0] = Some(0);
        for (at, node) in self.nodes.iter().enumerate() {
            let depth = depths[at].ok_or("a node has no parent before it")?;
            if !is_distribution(&node.distribution) {
                return Err("a node's probabilities are not from 0 to 1 or do not sum to 1");
            }
            let Some(split) = node.split else { continue };
            if usize::from(split.column) >= width || !split.threshold.is_finite() {
                return Err("a split compares a column that is not there, or with no number");
            }
            let left = split.left as usize;
            if left <= at || left + 1 >= self.nodes.len() {
                return Err("a child stands before its parent or outside the tree");
            }
            if depth == DEPTH_MAX {
                return Err("it is too deep");
            }
            for child in [left, left + 1] {
                if depths[child].replace(depth + 1).is_some() {
                    return Err("a node has two parents");
                }
            }
        }
        Ok(depths.into_iter().flatten().max().unwrap_or(0))
    }
}

/// Whether these are probabilities that sum to 1, within 5e-6, so that means of them do within 1e-5.
fn is_distribution(probabilities: &Probabilities) -> bool {
    let sum: f32 = probabilities.iter().sum();
    probabilities.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() <= 5e-6
}
