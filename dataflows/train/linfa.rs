//! The operator that grows whole trees with linfa-trees.

use std::sync::Arc;

use delaycast::forest::{ForestSettings, TrainingSet, Tree, linfa};
use timely::{
    dataflow::{StreamVec, channels::pact::Exchange, operators::generic::Operator},
    progress::Timestamp,
};

use super::progress::{OnProgress, Progress};

/// Extension trait for streams of tree numbers.
pub(super) trait GrowTrees<'scope, T: Timestamp> {
    /// Exchanges the numbers among the workers, and grows the tree of each number where it arrives.
    ///
    /// A tree occupies its worker for tens of milliseconds to seconds: do not share the dataflow with one that serves.
    fn grow_trees(
        self,
        sets: Vec<(ForestSettings, Arc<TrainingSet>)>,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)>;
}

impl<'scope, T: Timestamp> GrowTrees<'scope, T> for StreamVec<'scope, T, u32> {
    fn grow_trees(
        self,
        sets: Vec<(ForestSettings, Arc<TrainingSet>)>,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)> {
        self.unary(Exchange::new(|number: &u32| u64::from(*number)), "GrowTree", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, numbers| {
                    let mut session = output.session(&capability);
                    for tree in numbers.flat_map(|numbers| numbers.drain(..)) {
                        session.give((tree, grow(&sets, tree)));
                        on_progress(Progress::Tree { tree, levels: 0, grown: true });
                    }
                });
            }
        })
    }
}

/// Grows a tree; trees are numbered through all forests.
fn grow(sets: &[(ForestSettings, Arc<TrainingSet>)], tree: u32) -> Result<Tree, String> {
    let mut number = tree;
    for (settings, data) in sets {
        if number < settings.trees {
            return linfa::grow(data, settings, number).map_err(|error| error.to_string());
        }
        number -= settings.trees;
    }
    Err(format!("there is no tree {tree}"))
}
