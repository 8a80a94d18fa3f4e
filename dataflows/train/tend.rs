//! The operator that holds rows: it counts, and divides its rows as it is told.

use std::{collections::HashMap, sync::Arc};

use delaycast::forest::histogram::{Bins, Decision, Group, Growth, Shard};
use serde::{Deserialize, Serialize};
use timely::{
    dataflow::{StreamVec, channels::pact::Pipeline, operators::generic::Operator},
    progress::Timestamp,
};

/// What everyone who holds rows is to do for a tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) tree: u32,
    pub(super) step: Step,
}

/// One step of a tree. Each follows when all counts of the one before have come in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Step {
    /// Weigh the rows, and tell their weight by class.
    Weigh,
    /// Divide the rows by what was decided on the last level, if that is at its end; then count the next nodes.
    Count { divide: Vec<Decision>, group: Group },
    /// The tree is grown: forget it.
    Forget,
}

/// What the rows of one worker amount to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) tree: u32,
    pub(super) counts: Vec<u32>,
}

/// Extension trait for streams of orders.
pub(super) trait Tend<'scope, T: Timestamp> {
    /// Carries out orders on a shard, and tells what it counts.
    ///
    /// A count takes its worker milliseconds, in which that worker does nothing else: this is for a dataflow of its own, not for one
    /// that serves.
    fn tend(self, shard: Shard, bins: Arc<Bins>, seed: u64) -> StreamVec<'scope, T, Tally>;
}

impl<'scope, T: Timestamp> Tend<'scope, T> for StreamVec<'scope, T, Order> {
    fn tend(self, shard: Shard, bins: Arc<Bins>, seed: u64) -> StreamVec<'scope, T, Tally> {
        let mut trees: HashMap<u32, Growth> = HashMap::new();
        // The memory of a grown tree is the next one's: giving it back and taking it anew took a sixth of the time.
        let mut grown: Vec<Growth> = Vec::new();
        self.unary(Pipeline, "TendRows", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, orders| {
                    let mut session = output.session(&capability);
                    for Order { tree, step } in orders.flat_map(|orders| orders.drain(..)) {
                        let counts = match step {
                            Step::Weigh => {
                                let growth = grown.pop().unwrap_or_default().again(&shard, seed, tree);
                                let total = growth.total().to_vec();
                                trees.insert(tree, growth);
                                total
                            }
                            Step::Count { divide, group } => {
                                // A tree is weighed before it is counted.
                                let Some(growth) = trees.get_mut(&tree) else { continue };
                                if !divide.is_empty() {
                                    growth.descend(&divide);
                                }
                                growth.count(&bins, &group)
                            }
                            Step::Forget => {
                                grown.extend(trees.remove(&tree));
                                continue;
                            }
                        };
                        session.give(Tally { tree, counts });
                    }
                });
            }
        })
    }
}
