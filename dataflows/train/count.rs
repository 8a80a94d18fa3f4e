//! The operator that holds a shard: it counts histograms, and partitions its rows by the splits.

use std::{collections::HashMap, sync::Arc};

use delaycast::forest::histogram::{BinMapper, NodeBatch, RowPartition, Shard, SplitDecision};
use serde::{Deserialize, Serialize};
use timely::{
    dataflow::{StreamVec, channels::pact::Pipeline, operators::generic::Operator},
    progress::Timestamp,
};

/// A step of a tree, which every worker executes on its shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TreeStep {
    pub(super) tree: u32,
    pub(super) step: Step,
}

/// One step of a tree. It follows when all counts of the step before have arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Step {
    /// Draw the bootstrap weights, and send their sums by class.
    DrawWeights,
    /// Apply the decisions on the last level, if it is finished; then count the next nodes.
    Count { decisions: Vec<SplitDecision>, batch: NodeBatch },
    /// The tree is finished: release its memory.
    Release,
}

/// The counts of one worker's rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LocalCounts {
    pub(super) tree: u32,
    pub(super) counts: Vec<u32>,
}

/// Extension trait for streams of steps.
pub(super) trait CountHistograms<'scope, T: Timestamp> {
    /// Executes steps on a shard, and sends the counts.
    ///
    /// A count occupies its worker for milliseconds: do not share the dataflow with one that serves.
    fn count_histograms(self, shard: Shard, bins: Arc<BinMapper>, seed: u64) -> StreamVec<'scope, T, LocalCounts>;
}

impl<'scope, T: Timestamp> CountHistograms<'scope, T> for StreamVec<'scope, T, TreeStep> {
    fn count_histograms(self, shard: Shard, bins: Arc<BinMapper>, seed: u64) -> StreamVec<'scope, T, LocalCounts> {
        let mut trees: HashMap<u32, RowPartition> = HashMap::new();
        // The next tree reuses the memory of a finished one: to release and allocate it took a sixth of the time.
        let mut released: Vec<RowPartition> = Vec::new();
        self.unary(Pipeline, "CountHistograms", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, steps| {
                    let mut session = output.session(&capability);
                    for TreeStep { tree, step } in steps.flat_map(|steps| steps.drain(..)) {
                        let counts = match step {
                            Step::DrawWeights => {
                                let partition = released.pop().unwrap_or_default().reset(&shard, seed, tree);
                                let weights = partition.class_weights().to_vec();
                                trees.insert(tree, partition);
                                weights
                            }
                            Step::Count { decisions, batch } => {
                                // The weights of a tree are drawn before it is counted.
                                let Some(partition) = trees.get_mut(&tree) else { continue };
                                if !decisions.is_empty() {
                                    partition.apply_splits(&decisions);
                                }
                                partition.count_histograms(&bins, &batch)
                            }
                            Step::Release => {
                                released.extend(trees.remove(&tree));
                                continue;
                            }
                        };
                        session.give(LocalCounts { tree, counts });
                    }
                });
            }
        })
    }
}
