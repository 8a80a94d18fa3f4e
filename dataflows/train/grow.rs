//! The operator that grows trees.

use std::sync::Arc;

use delaycast::forest::{ForestSettings, Trainer, TrainingSet, Tree, linfa};
use timely::{
    dataflow::{StreamVec, channels::pact::Exchange, operators::generic::Operator},
    progress::Timestamp,
};

use super::OnTree;

/// Extension trait for streams of tree numbers.
pub(super) trait GrowTrees<'scope, T: Timestamp> {
    /// Deals the numbers out to the workers, and grows the tree of each number where it arrives.
    ///
    /// A tree takes its worker from tens of milliseconds to seconds, in which that worker does nothing else: this is for a
    /// dataflow of its own, not for one that serves.
    fn grow_trees(
        self,
        settings: ForestSettings,
        data: Arc<TrainingSet>,
        on_tree: OnTree,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)>;
}

impl<'scope, T: Timestamp> GrowTrees<'scope, T> for StreamVec<'scope, T, u32> {
    fn grow_trees(
        self,
        settings: ForestSettings,
        data: Arc<TrainingSet>,
        on_tree: OnTree,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)> {
        self.unary(Exchange::new(|number: &u32| u64::from(*number)), "GrowTree", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, numbers| {
                    let mut session = output.session(&capability);
                    for number in numbers.flat_map(|numbers| numbers.drain(..)) {
                        session.give((number, grow(&settings, &data, number)));
                        on_tree();
                    }
                });
            }
        })
    }
}

fn grow(settings: &ForestSettings, data: &TrainingSet, number: u32) -> Result<Tree, String> {
    match settings.trainer {
        Trainer::Linfa => linfa::grow(data, settings, number).map_err(|error| error.to_string()),
    }
}
