//! Growing a tree on one shard.

use super::{bin_mapper::BinMapper, row_partition::RowPartition, shard::Shard, tree_builder::TreeBuilder};
use crate::forest::{settings::ForestSettings, training_set::TrainingSet, tree::Tree};

/// Grows tree number `tree` in one thread: the reference for the dataflow, and its shortest description.
pub fn grow(bins: &BinMapper, shard: &Shard, columns: &[usize], settings: &ForestSettings, tree: u32) -> Tree {
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
    builder.into_tree(bins)
}

/// Quantises a training set into one shard.
pub fn quantise(data: &TrainingSet) -> (BinMapper, Shard) {
    let bins = BinMapper::fit(data.rows(), data.width());
    let mut shard = Shard::with_capacity(&bins, data.rows_len(), 0);
    shard.extend(&bins, data.rows(), data.classes());
    (bins, shard)
}
