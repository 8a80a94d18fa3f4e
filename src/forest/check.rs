//! Seeing that flat arrays are trees, in one pass over the nodes.

use super::{DEPTH_MAX, Forest, MalformedForest, NODES_MAX, Node, Root};
use crate::classes::Probabilities;

/// What should be a forest: each tree's number of nodes, and the nodes of all trees one after the other.
#[derive(Debug, Default)]
pub(crate) struct Unchecked {
    pub(super) lens: Vec<u32>,
    pub(super) nodes: Vec<Node>,
    /// As many as there are nodes.
    pub(super) distributions: Vec<Probabilities>,
}

impl Unchecked {
    /// The forest over rows of `width` columns, or why it is none.
    pub(crate) fn check(self, width: usize) -> Result<Forest, MalformedForest> {
        let malformed = |tree, reason| MalformedForest { tree, reason };
        if self.lens.is_empty() || width == 0 {
            return Err(malformed(0, "it is not there, or its rows have no columns"));
        }
        if self.nodes.len() > NODES_MAX {
            return Err(malformed(self.lens.len() - 1, "more than 2^24 nodes"));
        }
        let (mut levels, mut used) = (Vec::new(), vec![false; width]);
        let mut roots = Vec::with_capacity(self.lens.len());
        let mut start = 0;
        for (tree, &len) in self.lens.iter().enumerate() {
            let end = start + len as usize;
            let depth = tree_depth(&self.nodes[..end], start, &mut used, &mut levels);
            // There are at most 2^24 nodes.
            roots.push(Root { node: start as u32, depth: depth.map_err(|reason| malformed(tree, reason))? });
            start = end;
        }
        // All of them first, without a branch for each; which one it is matters only if there is one.
        let sound = self.distributions.iter().fold(true, |sound, distribution| sound & is_distribution(distribution));
        if !sound {
            let node = self.distributions.iter().position(|distribution| !is_distribution(distribution)).unwrap_or(0);
            let tree = roots.partition_point(|root| root.node as usize <= node) - 1;
            return Err(malformed(tree, "a node's probabilities are not from 0 to 1 or do not sum to 1"));
        }
        Ok(Forest { nodes: self.nodes, distributions: self.distributions, roots, width, used })
    }
}

/// The depth of the tree whose nodes are those from `start` on, or why it is none. Marks the columns that it compares; there are
/// as many as are marked or not. `levels` is room to work in.
fn tree_depth(nodes: &[Node], start: usize, used: &mut [bool], levels: &mut Vec<u8>) -> Result<u32, &'static str> {
    let tree = &nodes[start..];
    if tree.is_empty() {
        return Err("it has no root");
    }
    // Of each node its depth and 1, once a parent before it is seen; the root needs none.
    levels.clear();
    levels.resize(tree.len(), 0);
    levels[0] = 1;
    let mut deepest = 1;
    for (at, node) in tree.iter().enumerate() {
        let level = levels[at];
        if level == 0 {
            return Err("a node has no parent before it");
        }
        if node.left() as usize == start + at {
            if *node != Node::leaf(node.left()) {
                return Err("a node is its own child");
            }
            continue;
        }
        let used = used.get_mut(node.column()).filter(|_| node.threshold.is_finite());
        *used.ok_or("a split compares a column that is not there, or with no number")? = true;
        let left = (node.left() as usize).checked_sub(start).filter(|left| *left > at && left + 1 < tree.len());
        let left = left.ok_or("a child stands before its parent or outside the tree")?;
        if u32::from(level) > DEPTH_MAX {
            return Err("it is too deep");
        }
        for child in &mut levels[left..left + 2] {
            if std::mem::replace(child, level + 1) != 0 {
                return Err("a node has two parents");
            }
        }
        deepest = deepest.max(level + 1);
    }
    Ok(u32::from(deepest - 1))
}

/// Whether these are probabilities that sum to 1, within 5e-6, so that means of them do within 1e-5.
fn is_distribution(probabilities: &Probabilities) -> bool {
    let sum: f32 = probabilities.iter().sum();
    probabilities.iter().fold(true, |sound, p| sound & (*p >= 0.0) & (*p <= 1.0)) & ((sum - 1.0).abs() <= 5e-6)
}
