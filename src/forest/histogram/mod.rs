//! The trainer of record: trees grown level by level from histograms.
//!
//! 1. Every column is quantised once, to at most 256 bins ([`Bins`]); a missing number (NaN) has bin 0 to itself, left of
//!    all others. After that a row is one byte a column ([`Shard`]).
//! 2. A tree is grown on all rows, each with a Poisson(1) weight that depends on the seed, the tree and the row's number
//!    alone (`draws.rs`): Oza and Russell, "Online bagging and boosting" (2001). So it does not matter who holds the row.
//! 3. Whoever holds rows counts, for each node of a level and each column tried there, the weights by bin and class
//!    ([`Growth::count`]). Counts are whole numbers; the sum over all holders is the same in whatever order it is made.
//! 4. From the sums follows the best split of each node, by Gini impurity ([`Planting::split`]); ties go to the column
//!    drawn first and then to the lower bin. The splits go to all holders, which divide their rows ([`Growth::descend`]).
//! 5. A node's probabilities are its counts, drawn towards those of its parent.
//!
//! Nothing here knows a thread or a process: [`grow`] does all of it on one shard, and the train dataflow with many.
//!
//! # Memory
//!
//! A row takes a byte a column and one for its class, filled up to whole words of eight: 24 with the 23 columns of the default preset, 32 with
//! the weather's 8 more. A tree that is being grown has a copy of the rows that weigh something, 63 % of them, in the order of its
//! nodes, so that counting and dividing read and write one after the other: 15 bytes for each row that there is, or 20, and one more
//! while its node is divided. A level's histograms take 16 bytes a node, tried column and bin; they are made for groups of nodes of at
//! most [`GROUP_BYTES_MAX`].

mod bins;
mod draws;
mod growth;
mod planting;
mod shard;

pub use bins::Bins;
pub use growth::Growth;
pub use planting::{Decision, Group, Planting};
pub use shard::{SHARD_ROWS_MAX, Shard};

use super::{ForestSettings, TrainingSet, Tree};
use crate::flight::CLASSES;

/// Histograms are made for as many nodes at a time as need no more than this.
pub const GROUP_BYTES_MAX: usize = 32 << 20;

/// Weights by class.
pub type Counts = [u32; CLASSES];

/// Grows tree number `tree` alone: the reference for the dataflow, and the shortest way to read how it goes.
pub fn grow(bins: &Bins, shard: &Shard, columns: &[usize], settings: &ForestSettings, tree: u32) -> Tree {
    let mut planting = Planting::new(columns, settings, tree);
    let mut growth = Growth::new(shard, settings.seed, tree);
    planting.root(growth.total());
    while let Some(group) = planting.next_group(bins) {
        let counts = growth.count(bins, &group);
        planting.split(bins, &group, &counts);
        if let Some(decisions) = planting.level_done() {
            growth.descend(&decisions);
        }
    }
    planting.into_tree(bins)
}

/// Quantises a training set into one shard.
pub fn quantise(data: &TrainingSet) -> (Bins, Shard) {
    let bins = Bins::fit(data.rows(), data.width());
    let mut shard = Shard::with_capacity(&bins, data.rows_len(), 0);
    shard.extend(&bins, data.rows(), data.classes());
    (bins, shard)
}

#[cfg(test)]
mod tests;
