//! The operators of the histogram trainer: `CountHistograms` holds a shard, counts histograms and partitions its rows
//! by the splits; `ChooseSplits` sums up the counts of all workers, chooses the splits and sends the next steps.

use std::{collections::HashMap, sync::Arc};

use delaycast::{
    flight::DelayReference,
    forest::{
        ForestSettings, Tree,
        histogram::{BinMapper, BinnedTree, NodeBatch, RowPartition, Shard, SplitDecision, TreeBuilder},
    },
};
use serde::{Deserialize, Serialize};
use timely::{
    dataflow::{
        StreamVec,
        channels::pact::{Exchange, Pipeline},
        operators::{Capability, generic::Operator},
    },
    order::TotalOrder,
    progress::Timestamp,
};

use super::{OnProgress, Progress, rows::ForestColumns};

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
    /// The tree is finished: release its memory, and count the outcomes in its leaves.
    CountOutcomes(BinnedTree),
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
                            Step::CountOutcomes(binned) => {
                                released.extend(trees.remove(&tree));
                                binned.count_outcomes(&shard)
                            }
                        };
                        session.give(LocalCounts { tree, counts });
                    }
                });
            }
        })
    }
}

/// An output of [`ChooseSplits`].
#[derive(Debug, Clone)]
pub(super) enum TreeUpdate {
    /// The next step of a tree.
    Next(TreeStep),
    /// A finished tree.
    Grown(u32, Tree),
}

/// The columns and settings of a forest.
#[derive(Debug, Clone)]
pub(super) struct ForestSpec {
    /// The columns that may be split on, and the time from which delays are counted.
    pub(super) given: ForestColumns,
    /// The settings of its trees.
    pub(super) settings: ForestSettings,
}

/// Returns the number of trees of all forests.
pub(super) fn trees_total(specs: &[ForestSpec]) -> u32 {
    specs.iter().map(|spec| spec.settings.trees).sum()
}

/// A tree whose splits this worker chooses.
struct GrowingTree<T: Timestamp> {
    builder: TreeBuilder,
    reference: DelayReference,
    counting: Counting,
    /// The sum of the counts that have arrived, their number, and the capability to reply.
    sum: Vec<u32>,
    arrived: usize,
    capability: Option<Capability<T>>,
}

/// The step of a tree whose counts are awaited.
enum Counting {
    Weights,
    Histograms(NodeBatch),
    Outcomes,
}

/// Extension trait for streams of counts.
pub(super) trait ChooseSplits<'scope, T: Timestamp> {
    /// Chooses the splits of tree t at worker t mod `peers`. When a tree is finished, the tree `in_flight` numbers on
    /// is started.
    fn choose_splits(
        self,
        specs: Arc<[ForestSpec]>,
        bins: Arc<BinMapper>,
        peers: usize,
        in_flight: u32,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, TreeUpdate>;
}

impl<'scope, T: Timestamp + TotalOrder> ChooseSplits<'scope, T> for StreamVec<'scope, T, LocalCounts> {
    fn choose_splits(
        self,
        specs: Arc<[ForestSpec]>,
        bins: Arc<BinMapper>,
        peers: usize,
        in_flight: u32,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, TreeUpdate> {
        let mut trees: HashMap<u32, GrowingTree<T>> = HashMap::new();
        let by_tree = Exchange::new(|counts: &LocalCounts| u64::from(counts.tree));
        self.unary(by_tree, "ChooseSplits", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, counts| {
                    let retained = capability.retain_least(0);
                    for LocalCounts { tree, counts } in counts.flat_map(|counts| counts.drain(..)) {
                        let growing = trees.entry(tree).or_insert_with(|| GrowingTree::start(&specs, tree));
                        growing.add(counts);
                        // All counts of a step have its timestamp, so the first capability is as good as the last.
                        growing.capability = growing.capability.take().or_else(|| retained.clone());
                        if growing.arrived < peers {
                            continue;
                        }
                        let Some(capability) = growing.capability.take() else { continue };
                        let mut session = output.session(&capability);
                        let levels = growing.builder.depth();
                        let next = growing.next_step(&bins);
                        on_progress(Progress::Tree { tree, levels, grown: next.is_none() });
                        if let Some(step) = next {
                            session.give(TreeUpdate::Next(TreeStep { tree, step }));
                            continue;
                        }
                        if let Some(GrowingTree { builder, sum, .. }) = trees.remove(&tree) {
                            session.give(TreeUpdate::Grown(tree, builder.into_tree(&bins, &sum)));
                        }
                        if tree + in_flight < trees_total(&specs) {
                            let step = TreeStep { tree: tree + in_flight, step: Step::DrawWeights };
                            session.give(TreeUpdate::Next(step));
                        }
                    }
                });
            }
        })
    }
}

impl<T: Timestamp> GrowingTree<T> {
    /// Starts a tree; trees are numbered through all forests.
    fn start(specs: &[ForestSpec], tree: u32) -> Self {
        let mut before = 0;
        let spec = specs.iter().find(|spec| {
            before += spec.settings.trees;
            tree < before
        });
        // Steps are sent only for trees below the total; the last forest's settings would do no harm.
        let spec = spec.or(specs.last()).unwrap_or_else(|| unreachable!("a tree without a forest"));
        let builder = TreeBuilder::new(&spec.given.columns, &spec.settings, tree);
        let reference = spec.given.reference;
        GrowingTree { builder, reference, counting: Counting::Weights, sum: Vec::new(), arrived: 0, capability: None }
    }

    fn add(&mut self, counts: Vec<u32>) {
        self.arrived += 1;
        if self.sum.is_empty() {
            self.sum = counts;
        } else {
            self.sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Takes the sum of all counts of a step, and returns the next step. `None` if the tree is finished: the sum is
    /// then that of its outcomes, and stays.
    fn next_step(&mut self, bins: &BinMapper) -> Option<Step> {
        self.arrived = 0;
        let mut decisions: Vec<SplitDecision> = Vec::new();
        match &self.counting {
            Counting::Weights => {
                let weights = std::array::from_fn(|class| self.sum.get(class).copied().unwrap_or(0));
                self.builder.set_root(weights);
            }
            Counting::Histograms(batch) => {
                self.builder.choose_splits(bins, batch, &self.sum);
                decisions = self.builder.finish_level().unwrap_or_default();
            }
            Counting::Outcomes => return None,
        }
        self.sum.clear();
        Some(match self.builder.next_batch(bins) {
            Some(batch) => {
                self.counting = Counting::Histograms(batch.clone());
                Step::Count { decisions, batch }
            }
            None => {
                self.counting = Counting::Outcomes;
                Step::CountOutcomes(self.builder.to_binned(self.reference))
            }
        })
    }
}
