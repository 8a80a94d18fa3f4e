//! A forest as flat arrays, its construction from trees, and its section of a model file.
//!
//! The section has the number of trees, and of the nodes of each; then the column of each node, 255 at a leaf; the
//! threshold of each split; of each node the probabilities of the first three classes, 16 bits each, in units of 2^-15;
//! the number of leaves whose outcomes are known, all or none; and of each the shares of all bins of delays but the
//! last, 8 bits each, in units of 1/255, and that of the cancelled, 16 bits in units of 1/65,535. The children of a
//! node follow from the nodes before it, and the last class and the last bin have the remainder.

use super::{
    leaf::Leaf,
    tree::{Distribution, Split, Tree, TreeNode},
};
use crate::binary::{CorruptSection, SectionReader, put_len};

/// Upper bound on the nodes of all trees together: an index has 24 bits.
pub const NODES_MAX: usize = 1 << 24;
/// Upper bound on trees: sums of their probabilities, in units, have 32 bits.
pub const TREES_MAX: usize = 1 << 16;
/// Upper bound on the depth of a tree.
pub const DEPTH_MAX: u32 = 32;

/// Stands for the column of a leaf.
pub(super) const LEAF: u8 = u8::MAX;

/// A number's bits in an order-preserving form: integers compare as the numbers do. −0 equals 0, and NaN is below all
/// others, since a missing number goes left. A comparison of integers leaves a carry, which is added without a branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortableBits(u32);

const SIGN: u32 = 1 << 31;

impl SortableBits {
    /// Above every number.
    pub(super) const MAX: SortableBits = SortableBits(u32::MAX);
    /// The least form that no number exceeds: that of infinity.
    const LEAST_LEAF: SortableBits = SortableBits(f32::INFINITY.to_bits() | SIGN);

    /// Converts a number.
    #[inline]
    pub(super) fn from_f32(number: f32) -> Self {
        if number.is_nan() {
            return SortableBits(0);
        }
        // −0 + 0 is 0.
        let bits = (number + 0.0).to_bits();
        SortableBits(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    /// The number again, 0 for −0.
    pub(super) fn to_f32(self) -> f32 {
        f32::from_bits(if self.0 & SIGN == 0 { !self.0 } else { self.0 & !SIGN })
    }
}

const COLUMN_BITS: u32 = u8::BITS;

/// Upper bound on the leaves of all trees together: as many forms are above every number.
const LEAVES_MAX: usize = (SortableBits::MAX.0 - SortableBits::LEAST_LEAF.0) as usize + 1;

/// A node in memory; the module documentation of [`super`] has the layout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) threshold: SortableBits,
    /// Left child in the upper 24 bits, column in the lower 8: one instruction extracts either.
    link: u32,
}

impl Node {
    /// The leaf at an index, which is leaf `number` of the forest. Below [`LEAVES_MAX`], no number exceeds its
    /// threshold.
    fn leaf(at: u32, number: u32) -> Self {
        let threshold = SortableBits(SortableBits::LEAST_LEAF.0.saturating_add(number));
        Node { threshold, link: at << COLUMN_BITS }
    }

    /// The number of a leaf in the forest.
    #[inline]
    fn leaf_number(self) -> usize {
        (self.threshold.0 - SortableBits::LEAST_LEAF.0) as usize
    }

    #[inline]
    pub(super) fn column(self) -> usize {
        (self.link & u32::from(u8::MAX)) as usize
    }

    #[inline]
    pub(super) fn left(self) -> u32 {
        self.link >> COLUMN_BITS
    }
}

/// The first node of a tree, and the steps from there to the deepest leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Root {
    pub(super) node: u32,
    pub(super) depth: u32,
}

/// Trees that do not make a forest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed forest: tree {tree}: {reason}")]
pub struct MalformedForest {
    /// The tree's number, from 0.
    pub tree: usize,
    /// The defect.
    pub reason: &'static str,
}

/// Trees, flattened and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    pub(super) nodes: Vec<Node>,
    /// The probabilities of each node, inner ones included.
    pub(super) distributions: Vec<Distribution>,
    /// The outcomes of each leaf; empty if they are not known.
    pub(super) leaves: Vec<Leaf>,
    leaves_len: usize,
    /// True if any leaf has cancelled flights.
    pub(super) has_cancelled: bool,
    pub(super) roots: Vec<Root>,
    pub(super) width: usize,
    /// True for each column of a row that any split compares.
    used: Vec<bool>,
}

impl Forest {
    /// Checks and flattens trees over rows of `width` columns.
    pub fn new(trees: &[Tree], width: usize) -> Result<Self, MalformedForest> {
        let mut builder = ForestBuilder::new(width, trees.iter().map(|tree| tree.nodes.len()).sum());
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
            builder.push_tree(&columns, &thresholds)?;
        }
        let distributions = trees.iter().flat_map(|tree| &tree.nodes).map(|node| node.distribution).collect();
        builder.finish(distributions, trees.iter().flat_map(|tree| &tree.leaves).copied().collect())
    }

    /// The trees, in order.
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
                threshold: node.threshold.to_f32(),
                left: node.left() - base,
            });
            TreeNode { split, distribution: self.distributions[at as usize] }
        };
        let nodes: Vec<_> = (base..end).map(unflatten).collect();
        let leaves = (base..end).filter(|&at| self.nodes[at as usize].left() == at);
        Tree { nodes, leaves: leaves.filter_map(|leaf| self.leaves.get(self.leaf_number(leaf)).copied()).collect() }
    }

    /// The number of a leaf among those of the forest, by its node id.
    #[inline]
    pub(super) fn leaf_number(&self, leaf: u32) -> usize {
        self.nodes[leaf as usize].leaf_number()
    }

    /// The number of columns of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of trees.
    pub fn trees_len(&self) -> usize {
        self.roots.len()
    }

    /// The number of nodes of all trees.
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// The number of leaves of all trees.
    pub(super) fn leaves_len(&self) -> usize {
        self.leaves_len
    }

    /// Returns whether any split compares this column.
    pub fn uses_column(&self, column: usize) -> bool {
        self.used.get(column) == Some(&true)
    }
}

/// Builds a forest over rows of `width` columns, and checks that its nodes are trees.
///
/// Nodes are in level order, so the columns of the splits determine a tree: a row of columns is a tree if each node's
/// parent comes before it and all children exist (Jacobson, "Space-efficient Static Trees and Graphs", 1989).
#[derive(Debug)]
pub(super) struct ForestBuilder {
    width: usize,
    nodes: Vec<Node>,
    roots: Vec<Root>,
    leaves_len: usize,
    used: [bool; 1 << u8::BITS],
}

impl ForestBuilder {
    /// Makes an empty builder with capacity for `nodes_len` nodes.
    pub(super) fn new(width: usize, nodes_len: usize) -> Self {
        let used = [false; 1 << u8::BITS];
        ForestBuilder { width, nodes: Vec::with_capacity(nodes_len), roots: Vec::new(), leaves_len: 0, used }
    }

    /// Appends a tree: the column of each node, or [`LEAF`], and the little-endian threshold of each split. Returns the
    /// number of thresholds that the tree has.
    pub(super) fn push_tree(&mut self, columns: &[u8], thresholds: &[[u8; 4]]) -> Result<usize, MalformedForest> {
        self.try_push_tree(columns, thresholds).map_err(|reason| MalformedForest { tree: self.roots.len(), reason })
    }

    fn try_push_tree(&mut self, columns: &[u8], thresholds: &[[u8; 4]]) -> Result<usize, &'static str> {
        let start = self.nodes.len();
        if start + columns.len() > NODES_MAX || self.roots.len() == TREES_MAX {
            return Err("more than 2^24 nodes, or than 2^16 trees");
        }
        // Defects are examined after the loop, so that no node costs an unpredictable branch. Nodes are at most 2^24.
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
                threshold: SortableBits::from_f32(threshold),
                link: ((start + children) as u32) << COLUMN_BITS | u32::from(column),
            };
            // Leaves are fewer than nodes.
            self.nodes.push(if is_split { split } else { Node::leaf((start + at) as u32, self.leaves_len as u32) });
            self.leaves_len += usize::from(!is_split);
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
        if self.leaves_len > LEAVES_MAX {
            return Err("more than 2^23 leaves");
        }
        self.roots.push(Root { node: start as u32, depth });
        Ok(splits)
    }

    /// Makes the forest, given the probabilities of each node, and the outcomes of each leaf if they are known.
    pub(super) fn finish(self, distributions: Vec<Distribution>, leaves: Vec<Leaf>) -> Result<Forest, MalformedForest> {
        let ForestBuilder { width, nodes, roots, leaves_len, used } = self;
        let malformed = |tree, reason| Err(MalformedForest { tree, reason });
        if roots.is_empty() || width == 0 || width > usize::from(LEAF) {
            return malformed(0, "it is not there, or its rows have no columns or more than 255");
        }
        if distributions.len() != nodes.len() || ![0, leaves_len].contains(&leaves.len()) {
            return malformed(0, "there are not as many probabilities as nodes, or outcomes as leaves");
        }
        // The fold has no branch for each node; the position is needed only for the error.
        let valid = distributions.iter().fold(true, |valid, distribution| valid & distribution.is_valid());
        if !valid {
            let node = distributions.iter().position(|distribution| !distribution.is_valid()).unwrap_or(0);
            let tree = roots.partition_point(|root| root.node as usize <= node) - 1;
            return malformed(tree, "a node's probabilities sum to more than 1");
        }
        let has_cancelled = leaves.iter().any(Leaf::has_cancelled);
        let used = used[..width].to_vec();
        Ok(Forest { nodes, distributions, leaves, leaves_len, has_cancelled, roots, width, used })
    }
}

/// The reason why bytes are not a forest.
#[derive(Debug)]
pub(crate) enum ForestReadError {
    /// The bytes end too early.
    Bytes(CorruptSection),
    /// They do not encode a set of trees.
    Forest(MalformedForest),
}

impl From<CorruptSection> for ForestReadError {
    fn from(malformed: CorruptSection) -> Self {
        ForestReadError::Bytes(malformed)
    }
}

impl From<MalformedForest> for ForestReadError {
    fn from(malformed: MalformedForest) -> Self {
        ForestReadError::Forest(malformed)
    }
}

impl Forest {
    /// Appends the forest.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let starts = self.roots.iter().map(|root| root.node as usize);
        let ends = starts.clone().skip(1).chain([self.nodes.len()]);
        put_len(bytes, self.roots.len());
        starts.zip(ends).for_each(|(start, end)| put_len(bytes, end - start));
        let splits = || (0..).zip(&self.nodes).map(|(at, node)| (node.left() != at).then_some(node));
        // A column of a split is below 255.
        bytes.extend(splits().map(|split| split.map_or(LEAF, |node| node.column() as u8)));
        bytes.extend(splits().flatten().flat_map(|node| node.threshold.to_f32().to_le_bytes()));
        bytes.extend(self.distributions.iter().flat_map(|distribution| distribution.to_le_bytes()));
        put_len(bytes, self.leaves.len());
        bytes.extend(self.leaves.iter().flat_map(|leaf| leaf.to_bytes()));
    }

    /// Reads a forest over rows of `width` columns. Without `has_outcomes` there are none, as in files of format 4.
    pub(crate) fn read(
        bytes: &mut SectionReader<'_>,
        width: usize,
        has_outcomes: bool,
    ) -> Result<Self, ForestReadError> {
        let trees_len = bytes.number()? as usize;
        let lens = bytes.numbers(trees_len)?;
        let total = |part: fn(u32) -> u64| usize::try_from(lens.iter().map(|&len| part(len)).sum::<u64>());
        let too_many = |_| CorruptSection("a forest has too many nodes");
        let nodes_len = total(u64::from).map_err(too_many)?;
        let splits_len = total(|len| u64::from(len / 2)).map_err(too_many)?;
        let mut columns = bytes.take(nodes_len, 1)?;
        let mut thresholds = bytes.records(splits_len)?;
        let distributions = bytes.records(nodes_len)?;
        let leaves_len = if has_outcomes { bytes.number()? as usize } else { 0 };
        let leaves = bytes.records(leaves_len)?;
        let mut builder = ForestBuilder::new(width, nodes_len);
        for &len in &lens {
            let (tree, rest) = columns.split_at(len as usize);
            let splits = builder.push_tree(tree, thresholds)?;
            (columns, thresholds) = (rest, &thresholds[splits..]);
        }
        let leaves: Option<_> = leaves.iter().map(Leaf::from_bytes).collect();
        let leaves = leaves.ok_or(CorruptSection("the delays of a leaf sum to more than 1"))?;
        Ok(builder.finish(distributions.iter().map(Distribution::from_le_bytes).collect(), leaves)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sortable_bits_compare_as_numbers_do(a in any::<f32>(), b in any::<f32>()) {
            for (a, b) in [(a, b), (a, a), (a, -a), (0.0, -0.0), (a, f32::INFINITY), (f32::NEG_INFINITY, a)] {
                let greater = SortableBits::from_f32(a) > SortableBits::from_f32(b);
                prop_assert_eq!(greater, a > b || (b.is_nan() && !a.is_nan()), "{} {}", a, b);
                prop_assert!(SortableBits::from_f32(a) <= SortableBits::LEAST_LEAF);
                prop_assert!(a.is_nan() || SortableBits::from_f32(a).to_f32() == a);
            }
        }
    }
}
