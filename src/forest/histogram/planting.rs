//! The part of growing a tree that is done once for all rows: choosing splits.

use std::mem;

use serde::{Deserialize, Serialize};

use super::{Bins, Counts, GROUP_BYTES_MAX, draws::columns_of_node};
use crate::{
    flight::CLASSES,
    forest::{Distribution, ForestSettings, Split, Tree, TreeNode},
};

/// Consecutive open nodes of a level that are counted together, and the columns tried at each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    first: usize,
    columns: Vec<Vec<u8>>,
}

impl Group {
    /// The open nodes by their position in the level, with the columns that are tried.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (usize, &[u8])> {
        (self.first..).zip(self.columns.iter().map(Vec::as_slice))
    }

    /// How many counts its histograms have.
    pub fn counts_len(&self, bins: &Bins) -> usize {
        self.columns.iter().flatten().map(|&column| CLASSES * bins.bins_len(usize::from(column))).sum()
    }
}

/// What becomes of an open node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The column, and the last bin that goes left; without, the node is a leaf.
    pub split: Option<(u8, u8)>,
    /// Whether the left and the right child are open in the next level.
    pub open: [bool; 2],
}

impl Decision {
    const LEAF: Decision = Decision { split: None, open: [false; 2] };
}

/// A node so far.
#[derive(Debug, Clone)]
struct Seedling {
    counts: Counts,
    probabilities: [f64; CLASSES],
    split: Option<(u8, u8)>,
    left: u32,
}

/// A tree so far.
#[derive(Debug, Clone)]
pub struct Planting {
    tree: u32,
    settings: ForestSettings,
    columns: Vec<u8>,
    nodes: Vec<Seedling>,
    /// The open nodes of the level, and what has become of the first of them.
    open: Vec<u32>,
    decisions: Vec<Decision>,
    /// How many of the open nodes are in groups that were given out.
    grouped: usize,
    depth: u32,
}

impl Planting {
    /// A tree with no node yet, to be grown on these columns.
    pub fn new(columns: &[usize], settings: &ForestSettings, tree: u32) -> Self {
        // A node numbers columns in one byte, and so does a feature set.
        let columns = columns.iter().map(|&column| column as u8).collect();
        Planting {
            tree,
            settings: *settings,
            columns,
            nodes: Vec::new(),
            open: Vec::new(),
            decisions: Vec::new(),
            grouped: 0,
            depth: 0,
        }
    }

    /// Plants the root, of which the weights of all rows by class are known.
    pub fn root(&mut self, counts: Counts) {
        let even = [1.0 / CLASSES as f64; CLASSES];
        self.nodes.push(seedling(counts, &even, 1.0));
        if self.is_open(&counts) {
            self.open.push(0);
        }
    }

    /// The levels above this one are done.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// The next nodes of the level to count; `None` if all are given out.
    pub fn next_group(&mut self, bins: &Bins) -> Option<Group> {
        let mut group = Group { first: self.grouped, columns: Vec::new() };
        let (mut bytes, tried) = (0, self.settings.columns_per_node.of(self.columns.len()));
        for &node in &self.open[self.grouped..] {
            let columns = columns_of_node(&self.columns, tried, self.settings.seed, self.tree, node);
            bytes +=
                columns.iter().map(|&column| bins.bins_len(usize::from(column)) * size_of::<Counts>()).sum::<usize>();
            if bytes > GROUP_BYTES_MAX && !group.columns.is_empty() {
                break;
            }
            group.columns.push(columns);
        }
        self.grouped += group.columns.len();
        (!group.columns.is_empty()).then_some(group)
    }

    /// Chooses the splits of a group's nodes, of which `counts` are the histograms over all rows. Groups come in their order.
    pub fn split(&mut self, bins: &Bins, group: &Group, counts: &[u32]) {
        let mut rest = counts;
        for (at, columns) in group.nodes() {
            let node = self.open[at] as usize;
            let of_node = self.nodes[node].counts;
            let mut best = Best::none(&of_node);
            for &column in columns {
                let (histogram, others) = rest.split_at(CLASSES * bins.bins_len(usize::from(column)));
                best.try_column(column, histogram, self.settings.rows_per_leaf);
                rest = others;
            }
            let decision = match best.split {
                Some((column, bin)) => self.bear(node, (column, bin), best.left),
                None => Decision::LEAF,
            };
            self.decisions.push(decision);
        }
    }

    /// Gives a node its children.
    fn bear(&mut self, node: usize, split: (u8, u8), left: Counts) -> Decision {
        let right = std::array::from_fn(|class| self.nodes[node].counts[class] - left[class]);
        let (children, parent) = (self.nodes.len() as u32, self.nodes[node].probabilities);
        self.nodes[node].split = Some(split);
        self.nodes[node].left = children;
        self.nodes
            .extend([left, right].map(|counts| seedling(counts, &parent, f64::from(self.settings.smoothing_rows))));
        let deeper = self.depth + 1 < self.settings.depth;
        Decision { split: Some(split), open: [left, right].map(|counts| deeper && self.is_open(&counts)) }
    }

    /// Ends the level if all its nodes are decided: what has become of them. The next level is open then, or the tree is done.
    pub fn level_done(&mut self) -> Option<Vec<Decision>> {
        if self.decisions.len() < self.open.len() || self.open.is_empty() {
            return None;
        }
        let decisions = mem::take(&mut self.decisions);
        let open = mem::take(&mut self.open);
        for (node, decision) in open.into_iter().zip(&decisions) {
            let left = self.nodes[node as usize].left;
            self.open.extend((left..).zip(decision.open).filter_map(|(child, open)| open.then_some(child)));
        }
        self.grouped = 0;
        self.depth += 1;
        Some(decisions)
    }

    /// Whether nothing is left to split.
    pub fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// The tree.
    pub fn into_tree(self, bins: &Bins) -> Tree {
        let nodes = self.nodes.into_iter().map(|node| TreeNode {
            split: node.split.map(|(column, bin)| Split {
                column,
                threshold: bins.threshold(usize::from(column), bin),
                left: node.left,
            }),
            distribution: Distribution::of(node.probabilities),
        });
        Tree { nodes: nodes.collect() }
    }

    /// Whether a node with these counts, not too deep, may be split.
    fn is_open(&self, counts: &Counts) -> bool {
        let total = weight(counts);
        self.settings.depth > 0
            && total >= 2 * u64::from(self.settings.rows_per_leaf.max(1))
            && counts.iter().all(|&count| u64::from(count) < total)
    }
}

fn seedling(counts: Counts, parent: &Probabilities64, smoothing: f64) -> Seedling {
    let total = weight(&counts) as f64 + smoothing;
    let probabilities = std::array::from_fn(|class| (f64::from(counts[class]) + smoothing * parent[class]) / total);
    Seedling { counts, probabilities, split: None, left: 0 }
}

type Probabilities64 = [f64; CLASSES];

fn weight(counts: &Counts) -> u64 {
    counts.iter().map(|&count| u64::from(count)).sum()
}

/// The best split of a node so far.
struct Best {
    of_node: Counts,
    /// What a split must exceed; see [`purity`].
    purity: f64,
    split: Option<(u8, u8)>,
    left: Counts,
}

impl Best {
    fn none(of_node: &Counts) -> Self {
        Best { of_node: *of_node, purity: purity(of_node) * (1.0 + 1e-9), split: None, left: Counts::default() }
    }

    fn try_column(&mut self, column: u8, histogram: &[u32], rows_per_leaf: u32) {
        let least = u64::from(rows_per_leaf.max(1));
        let total = weight(&self.of_node);
        let mut left = Counts::default();
        // At most 256 bins; after the last of them nothing is right.
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
            let right = std::array::from_fn(|class| self.of_node[class] - left[class]);
            let purity = purity(&left) + purity(&right);
            if purity > self.purity {
                *self = Best { of_node: self.of_node, purity, split: Some((column, bin)), left };
            }
        }
    }
}

/// The sum of squared counts over the sum of counts: the larger over both sides, the lower the weighted Gini impurity.
fn purity(counts: &Counts) -> f64 {
    // Below 2^64, as counts are below 2^31 in sum. One division, and its operands are exact or rounded once.
    let squares: u64 = counts.iter().map(|&count| u64::from(count) * u64::from(count)).sum();
    squares as f64 / weight(counts).max(1) as f64
}
