//! A tree in progress: it chooses splits from the histograms over all rows.

use std::mem;

use serde::{Deserialize, Serialize};

use super::{bin_mapper::BinMapper, leaf_counter::BinnedTree, sampling::sample_columns};
use crate::{
    flight::{CLASSES, DelayReference},
    forest::{
        settings::ForestSettings,
        tree::{Distribution, Split, Tree, TreeNode},
    },
};

/// Upper bound on the histograms of a batch of nodes.
pub const BATCH_BYTES_MAX: usize = 32 << 20;

/// Weights by class.
pub type Counts = [u32; CLASSES];

/// Consecutive open nodes of a level that are counted together, and the columns tried at each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeBatch {
    first: usize,
    columns: Vec<Vec<u8>>,
}

impl NodeBatch {
    /// The position of each open node in the level, with the columns that are tried.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &[u8])> {
        (self.first..).zip(self.columns.iter().map(Vec::as_slice))
    }

    /// The number of counts of its histograms.
    pub fn counts_len(&self, bins: &BinMapper) -> usize {
        self.columns.iter().flatten().map(|&column| CLASSES * bins.bins_len(usize::from(column))).sum()
    }
}

/// The decision on an open node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitDecision {
    /// The column, and the last bin that goes left; `None` makes the node a leaf.
    pub split: Option<(u8, u8)>,
    /// True for each child, left and right, that is open in the next level.
    pub open: [bool; 2],
}

impl SplitDecision {
    const LEAF: SplitDecision = SplitDecision { split: None, open: [false; 2] };
}

/// A node whose split may not be chosen yet.
#[derive(Debug, Clone)]
struct PendingNode {
    counts: Counts,
    probabilities: [f64; CLASSES],
    split: Option<(u8, u8)>,
    left: u32,
}

impl PendingNode {
    /// A node with the class shares of its rows, shrunk towards its parent's, which count for `path_smooth` rows.
    fn new(counts: Counts, parent: &[f64; CLASSES], path_smooth: f64) -> Self {
        let total = weight(&counts) as f64 + path_smooth;
        let share = |class| (f64::from(counts[class]) + path_smooth * parent[class]) / total;
        PendingNode { counts, probabilities: std::array::from_fn(share), split: None, left: 0 }
    }
}

/// A tree in progress.
#[derive(Debug, Clone)]
pub struct TreeBuilder {
    tree: u32,
    settings: ForestSettings,
    columns: Vec<u8>,
    nodes: Vec<PendingNode>,
    /// The open nodes of the level, and the decisions on the first of them.
    open: Vec<u32>,
    decisions: Vec<SplitDecision>,
    /// The number of open nodes in the batches so far.
    batched: usize,
    depth: u32,
}

impl TreeBuilder {
    /// Starts tree number `tree`, which may split on these columns.
    pub fn new(columns: &[usize], settings: &ForestSettings, tree: u32) -> Self {
        // A node numbers columns in one byte, and so does a feature set.
        let columns = columns.iter().map(|&column| column as u8).collect();
        TreeBuilder {
            tree,
            settings: *settings,
            columns,
            nodes: Vec::new(),
            open: Vec::new(),
            decisions: Vec::new(),
            batched: 0,
            depth: 0,
        }
    }

    /// Makes the root, given the weight of all rows by class.
    pub fn set_root(&mut self, counts: Counts) {
        let uniform = [1.0 / CLASSES as f64; CLASSES];
        self.nodes.push(PendingNode::new(counts, &uniform, 1.0));
        if self.is_open(&counts) {
            self.open.push(0);
        }
    }

    /// The number of finished levels.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The next nodes of the level to count; `None` after the last.
    pub fn next_batch(&mut self, bins: &BinMapper) -> Option<NodeBatch> {
        let mut batch = NodeBatch { first: self.batched, columns: Vec::new() };
        let (mut bytes, max_features) = (0, self.settings.max_features.resolve(self.columns.len()));
        for &node in &self.open[self.batched..] {
            let columns = sample_columns(&self.columns, max_features, self.settings.seed, self.tree, node);
            bytes +=
                columns.iter().map(|&column| bins.bins_len(usize::from(column)) * size_of::<Counts>()).sum::<usize>();
            if bytes > BATCH_BYTES_MAX && !batch.columns.is_empty() {
                break;
            }
            batch.columns.push(columns);
        }
        self.batched += batch.columns.len();
        (!batch.columns.is_empty()).then_some(batch)
    }

    /// Chooses the splits of a batch's nodes; `counts` are its histograms over all rows. Batches come in order.
    pub fn choose_splits(&mut self, bins: &BinMapper, batch: &NodeBatch, counts: &[u32]) {
        let mut rest = counts;
        for (at, columns) in batch.nodes() {
            let node = self.open[at] as usize;
            let node_counts = self.nodes[node].counts;
            let mut best = BestSplit::none(&node_counts);
            for &column in columns {
                let (histogram, others) = rest.split_at(CLASSES * bins.bins_len(usize::from(column)));
                best.try_column(column, histogram, self.settings.min_samples_leaf);
                rest = others;
            }
            let decision = match best.split {
                Some((column, bin)) => self.split_node(node, (column, bin), best.left),
                None => SplitDecision::LEAF,
            };
            self.decisions.push(decision);
        }
    }

    /// Appends a node's children.
    fn split_node(&mut self, node: usize, split: (u8, u8), left: Counts) -> SplitDecision {
        let right = std::array::from_fn(|class| self.nodes[node].counts[class] - left[class]);
        let (children, parent) = (self.nodes.len() as u32, self.nodes[node].probabilities);
        self.nodes[node].split = Some(split);
        self.nodes[node].left = children;
        let path_smooth = f64::from(self.settings.path_smooth);
        self.nodes.extend([left, right].map(|counts| PendingNode::new(counts, &parent, path_smooth)));
        let deeper = self.depth + 1 < self.settings.depth;
        SplitDecision { split: Some(split), open: [left, right].map(|counts| deeper && self.is_open(&counts)) }
    }

    /// Ends the level if all its nodes are decided, and returns the decisions. The next level is open then, or the tree
    /// is finished.
    pub fn finish_level(&mut self) -> Option<Vec<SplitDecision>> {
        if self.decisions.len() < self.open.len() || self.open.is_empty() {
            return None;
        }
        let decisions = mem::take(&mut self.decisions);
        let open = mem::take(&mut self.open);
        for (node, decision) in open.into_iter().zip(&decisions) {
            let left = self.nodes[node as usize].left;
            self.open.extend((left..).zip(decision.open).filter_map(|(child, open)| open.then_some(child)));
        }
        self.batched = 0;
        self.depth += 1;
        Some(decisions)
    }

    /// The finished tree, to count outcomes by. Delays are counted from the time that `reference` names.
    pub fn to_binned(&self, reference: DelayReference) -> BinnedTree {
        let split = |node: &PendingNode| node.split.map(|(column, bin)| (column, bin, node.left));
        BinnedTree::new(self.nodes.iter().map(split), self.depth, reference)
    }

    /// The finished tree. `counts` are those of [`BinnedTree::count_outcomes`] over all rows.
    pub fn into_tree(self, bins: &BinMapper, counts: &[u32]) -> Tree {
        let nodes = self.nodes.into_iter().map(|node| TreeNode {
            split: node.split.map(|(column, bin)| Split {
                column,
                threshold: bins.threshold(usize::from(column), bin),
                left: node.left,
            }),
            distribution: Distribution::from_weights(node.probabilities),
        });
        Tree::new(nodes.collect(), counts)
    }

    /// Returns whether a node with these counts may be split.
    fn is_open(&self, counts: &Counts) -> bool {
        let total = weight(counts);
        self.settings.depth > 0
            && total >= 2 * u64::from(self.settings.min_samples_leaf.max(1))
            && counts.iter().all(|&count| u64::from(count) < total)
    }
}

fn weight(counts: &Counts) -> u64 {
    counts.iter().map(|&count| u64::from(count)).sum()
}

/// The best split of a node so far.
struct BestSplit {
    node_counts: Counts,
    /// The purity that a split must exceed.
    purity: f64,
    split: Option<(u8, u8)>,
    left: Counts,
}

impl BestSplit {
    fn none(node_counts: &Counts) -> Self {
        let purity = purity(node_counts) * (1.0 + 1e-9);
        BestSplit { node_counts: *node_counts, purity, split: None, left: Counts::default() }
    }

    fn try_column(&mut self, column: u8, histogram: &[u32], min_samples_leaf: u32) {
        let least = u64::from(min_samples_leaf.max(1));
        let total = weight(&self.node_counts);
        let mut left = Counts::default();
        // At most 256 bins; right of the last is nothing.
        for (bin, counts) in (0..u8::MAX).zip(histogram.chunks_exact(CLASSES)) {
            if counts.iter().all(|&count| count == 0) {
                continue;
            }
            left.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            let left_weight = weight(&left);
            if total - left_weight < least {
                break;
            }
            if left_weight < least {
                continue;
            }
            let right = std::array::from_fn(|class| self.node_counts[class] - left[class]);
            let purity = purity(&left) + purity(&right);
            if purity > self.purity {
                *self = BestSplit { node_counts: self.node_counts, purity, split: Some((column, bin)), left };
            }
        }
    }
}

/// The sum of squared counts over the sum of counts. A larger sum over both sides is a lower weighted Gini impurity.
fn purity(counts: &Counts) -> f64 {
    // The sum of counts is below 2^31, so that of squares is below 2^64. The operands of the one division are exact or
    // rounded once.
    let squares: u64 = counts.iter().map(|&count| u64::from(count) * u64::from(count)).sum();
    squares as f64 / weight(counts).max(1) as f64
}
