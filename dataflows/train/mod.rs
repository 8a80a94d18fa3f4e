//! Training: a dataflow that spreads the trees of a forest over the workers.
//!
//! ```text
//!   worker 0: tree numbers ──exchange──▶ GrowTree (every worker) ──exchange──▶ GatherTrees (worker 0)
//! ```
//!
//! 1. A tree depends on the rows, the settings and its number alone, never on who grows it.
//! 2. The forest has its trees in the order of their numbers, so any number of workers makes the same forest, bit for bit.
//! 3. A tree that could not be grown fails the training; no smaller forest is made.

mod error;
mod grow;
mod model;
mod trial;

use std::{cell::RefCell, collections::BTreeMap, num::NonZeroUsize, rc::Rc, sync::Arc};

use delaycast::forest::{Forest, ForestSettings, TrainingSet, Tree};
use timely::{
    dataflow::{
        Scope,
        channels::pact::Exchange,
        operators::{ToStream, generic::Operator},
    },
    progress::Timestamp,
};

pub use error::TrainError;
use grow::GrowTrees;
pub use model::{Fitted, Plan, fit, train_model};
pub use trial::Trial;

/// Called, on any worker's thread, after each tree.
pub type OnTree = Arc<dyn Fn() + Send + Sync>;

/// Trees by number, or why there is none.
type Gathered = Rc<RefCell<BTreeMap<u32, Result<Tree, String>>>>;

/// Grows a forest on `workers` threads.
pub fn train(
    settings: ForestSettings,
    data: Arc<TrainingSet>,
    workers: NonZeroUsize,
    on_tree: OnTree,
) -> Result<Forest, TrainError> {
    let width = data.width();
    let guards = timely::execute(timely::Config::process(workers.get()), move |worker| {
        let gathered = Gathered::default();
        worker.dataflow::<u64, _, _>(|scope| {
            build(scope, settings, Arc::clone(&data), Arc::clone(&on_tree), Rc::clone(&gathered));
        });
        while worker.has_dataflows() {
            worker.step_or_park(None);
        }
        gathered.take()
    });
    let mut trees = BTreeMap::new();
    for gathered in guards.map_err(TrainError::Workers)?.join() {
        trees.extend(gathered.map_err(TrainError::Workers)?);
    }
    let trees = trees.into_values().collect::<Result<Vec<Tree>, String>>().map_err(TrainError::Tree)?;
    if trees.len() != settings.trees as usize {
        return Err(TrainError::Tree(format!("only {} of {} trees arrived", trees.len(), settings.trees)));
    }
    Ok(Forest::new(&trees, width)?)
}

/// The dataflow: tree numbers in, trees out, gathered on worker 0.
fn build<T: Timestamp>(
    scope: Scope<'_, T>,
    settings: ForestSettings,
    data: Arc<TrainingSet>,
    on_tree: OnTree,
    gathered: Gathered,
) {
    let numbers = if scope.index() == 0 { 0..settings.trees } else { 0..0 };
    numbers.to_stream(scope).container::<Vec<_>>().grow_trees(settings, data, on_tree).sink(
        Exchange::new(|_: &(u32, Result<Tree, String>)| 0),
        "GatherTrees",
        move |(input, _)| {
            input.for_each_stamp(|_, trees| gathered.borrow_mut().extend(trees.flat_map(|t| t.drain(..))))
        },
    );
}

#[cfg(test)]
mod tests;
