//! The histogram trainer: trees grown level by level from histograms.
//!
//! 1. Every column is quantised once, to at most 256 bins ([`BinMapper`]). A missing number (NaN) has bin 0 to itself,
//!    left of all others. A row is then one byte a column ([`Shard`]).
//! 2. A tree is grown on all rows, each with a Poisson(1) weight that depends on the seed, the tree and the row's
//!    number alone (`sampling.rs`): Oza and Russell, "Online bagging and boosting" (2001). So the tree does not
//!    depend on the row's worker.
//! 3. Each worker counts, for each node of a level and each column tried there, the weights by bin and class
//!    ([`RowPartition::count_histograms`]). Counts are integers: their sum over all workers is the same in any order.
//! 4. The sums determine the best split of each node, by Gini impurity ([`TreeBuilder::choose_splits`]). Ties go to the
//!    column drawn first, and then to the lower bin. The splits go to all workers, which divide their rows
//!    ([`RowPartition::apply_splits`]).
//! 5. A node's probabilities are its counts, shrunk towards those of its parent.
//! 6. Each worker counts all its rows by leaf of the finished tree and by outcome ([`BinnedTree`]). Cancelled flights
//!    have no weight before: no split depends on them.
//!
//! This module has no threads and no processes: [`grow`] runs all steps on one shard, the train dataflow on many.
//!
//! # Memory
//!
//! A row takes a byte a column and one for its class, padded to words of eight: 24 with the 23 columns of the default
//! preset, 32 with the weather's 8 more; and three bytes for its outcome. A tree in progress has a copy of the rows
//! with a positive weight, 63 % of them, grouped by node, so that counting and dividing access memory sequentially: 15
//! bytes for each row of the shard, or 20, and one more while its node is divided. A level's histograms take 16 bytes a
//! node, tried column and bin; they are made for batches of nodes of at most [`BATCH_BYTES_MAX`].

mod bin_mapper;
mod leaf_counter;
mod row_partition;
mod sampling;
mod shard;
mod tree_builder;

use super::{settings::ForestSettings, training_set::TrainingSet, tree::Tree};
use crate::flight::DelayReference;

pub use bin_mapper::BinMapper;
pub use leaf_counter::BinnedTree;
pub use row_partition::RowPartition;
pub use shard::{SHARD_ROWS_MAX, Shard};
pub use tree_builder::{BATCH_BYTES_MAX, Counts, NodeBatch, SplitDecision, TreeBuilder};

/// Grows tree number `tree` in one thread: the reference for the dataflow, and its shortest description. Delays are
/// counted from the time that `reference` names.
pub fn grow(
    bins: &BinMapper,
    shard: &Shard,
    columns: &[usize],
    reference: DelayReference,
    settings: &ForestSettings,
    tree: u32,
) -> Tree {
    let mut builder = TreeBuilder::new(columns, settings, tree);
    let mut partition = RowPartition::new(shard, settings.seed, tree);
    builder.set_root(partition.class_weights());
    while let Some(batch) = builder.next_batch(bins) {
        let counts = partition.count_histograms(bins, &batch);
        builder.choose_splits(bins, &batch, &counts);
        if let Some(decisions) = builder.finish_level() {
            partition.apply_splits(&decisions);
        }
    }
    let counts = builder.to_binned(reference).count_outcomes(shard);
    builder.into_tree(bins, &counts)
}

/// Quantises a training set into one shard.
pub fn quantise(data: &TrainingSet) -> (BinMapper, Shard) {
    let bins = BinMapper::fit(data.rows(), data.width());
    let mut shard = Shard::with_capacity(&bins, data.rows_len(), 0);
    shard.extend(&bins, data.rows(), data.outcomes());
    (bins, shard)
}

#[cfg(test)]
mod tests;
