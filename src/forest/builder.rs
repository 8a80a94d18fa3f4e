//! From arrays to a forest, in one pass over the nodes, which sees whether they are trees.

use super::{
    COLUMN_BITS, DEPTH_MAX, Distribution, Forest, Key, MalformedForest, NODES_MAX, Node, Root, Shallow, TREES_MAX,
};

/// What stands for the column of a leaf.
pub(super) const LEAF: u8 = u8::MAX;

/// A forest that is being made, over rows of `width` columns.
///
/// The nodes of a tree are in the order of their levels, so the children of the n-th split, from 0, are nodes 2n + 1 and
/// 2n + 2, and a tree is given by which column each node compares. Any row of columns in which a node's parent comes before it and all children
/// are there is a tree: Jacobson, "Space-efficient Static Trees and Graphs" (1989).
#[derive(Debug)]
pub(super) struct Builder {
    width: usize,
    nodes: Vec<Node>,
    roots: Vec<Root>,
    used: [bool; 1 << u8::BITS],
}

impl Builder {
    /// With room for some nodes.
    pub(super) fn new(width: usize, nodes_len: usize) -> Self {
        Builder { width, nodes: Vec::with_capacity(nodes_len), roots: Vec::new(), used: [false; 1 << u8::BITS] }
    }

    /// Appends a tree: of each node the column or [`LEAF`], and of each split, in their order, the threshold, in little-endian bytes. How many thresholds
    /// it took.
    pub(super) fn add(&mut self, columns: &[u8], thresholds: &[[u8; 4]]) -> Result<usize, MalformedForest> {
        self.add_or_why(columns, thresholds).map_err(|reason| MalformedForest { tree: self.roots.len(), reason })
    }

    fn add_or_why(&mut self, columns: &[u8], thresholds: &[[u8; 4]]) -> Result<usize, &'static str> {
        let start = self.nodes.len();
        if start + columns.len() > NODES_MAX || self.roots.len() == TREES_MAX {
            return Err("more than 2^24 nodes, or than 2^16 trees");
        }
        // What is found is looked at only at the end, so that no node costs a jump that cannot be foreseen. There are at most 2^24 nodes.
        let (mut splits, mut level_end, mut depth) = (0, 1, 0);
        let (mut has_parent, mut compares) = (true, true);
        for (at, &column) in columns.iter().enumerate() {
            let children = 2 * splits + 1;
            if at == level_end {
                level_end = children;
                depth += 1;
            }
            let is_split = column != LEAF;
            let threshold = thresholds.get(splits).map_or(f32::INFINITY, |bytes| f32::from_le_bytes(*bytes));
            let split = Node {
                threshold: Key::of(threshold),
                link: ((start + children) as u32) << COLUMN_BITS | u32::from(column),
            };
            self.nodes.push(if is_split { split } else { Node::leaf((start + at) as u32) });
            self.used[usize::from(column)] = true;
            has_parent &= at < children;
            compares &= !is_split | threshold.is_finite();
            splits += usize::from(is_split);
        }
        if !has_parent || columns.len() != 2 * splits + 1 {
            return Err("a node has no parent before it, or a split not two children after it");
        }
        if !compares || self.used[self.width.min(usize::from(LEAF))..usize::from(LEAF)].contains(&true) {
            return Err("a split compares a column that is not there, or with no number");
        }
        if depth > DEPTH_MAX {
            return Err("it is too deep");
        }
        self.roots.push(Root { node: start as u32, depth });
        Ok(splits)
    }

    /// The forest, with the probabilities of each of its nodes.
    pub(super) fn finish(self, distributions: Vec<Distribution>) -> Result<Forest, MalformedForest> {
        let Builder { width, nodes, roots, used } = self;
        let malformed = |tree, reason| Err(MalformedForest { tree, reason });
        if roots.is_empty() || width == 0 || width > usize::from(LEAF) {
            return malformed(0, "it is not there, or its rows have no columns or more than 255");
        }
        if distributions.len() != nodes.len() {
            return malformed(0, "there are not as many probabilities as nodes");
        }
        // All of them first, without a jump for each; which one it is matters only if there is one.
        let sound = distributions.iter().fold(true, |sound, distribution| sound & distribution.is_sound());
        if !sound {
            let node = distributions.iter().position(|distribution| !distribution.is_sound()).unwrap_or(0);
            let tree = roots.partition_point(|root| root.node as usize <= node) - 1;
            return malformed(tree, "a node's probabilities sum to more than 1");
        }
        let shallow = Shallow::of(&nodes, &distributions, &roots);
        Ok(Forest { nodes, distributions, roots, shallow, width, used: used[..width].to_vec() })
    }
}
