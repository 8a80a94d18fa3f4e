//! Training: dataflows that grow forests.
//!
//! The histogram trainer holds a share of the rows at each worker, and grows a tree level by level:
//!
//! ```text
//!                 ┌───────────────── orders: weigh, or divide and count ─────────────────┐ (feedback)
//!                 ▼                                                                      │
//!   TendRows (every worker: its rows) ──tallies, exchanged by tree──▶ ChooseSplits (one worker a tree)
//!                                                                                        │
//!                                                       GatherTrees (worker 0) ◀──trees──┘
//! ```
//!
//! 1. A row's weight in a tree depends on its number, the tree's and the seed, never on who holds the row; what is counted are whole
//!    numbers. So any number of workers and processes grows the same forest, bit for bit.
//! 2. One step of a tree is in flight at a time, and its answers carry one timestamp. Trees are in flight side by side,
//!    at most [`IN_FLIGHT_MAX`].
//! 3. The forest has its trees in the order of their numbers.
//!
//! With linfa-trees ([`Trainer::Linfa`]) every worker has all rows, and grows whole trees:
//!
//! ```text
//!   worker 0: tree numbers ──exchange──▶ GrowTree (every worker) ──exchange──▶ GatherTrees (worker 0)
//! ```
//!
//! A tree that could not be grown fails the training; no smaller forest is made. A training that is interrupted leaves
//! nothing behind: a model is published whole, at the end.

mod choose;
mod error;
mod linfa;
mod model;
mod progress;
mod rows;
mod tend;
mod trial;

use std::{any::Any, cell::RefCell, collections::BTreeMap, num::NonZeroUsize, rc::Rc, sync::Arc};

use delaycast::{
    forest::{
        Forest, ForestSettings, Trainer, TrainingSet, Tree, UnusableRows,
        histogram::{Bins, Shard},
    },
    runtime::Mutex,
};
use timely::{
    CommunicationConfig, WorkerConfig,
    communication::{WorkerGuards, allocator::AllocatorBuilder},
    dataflow::{
        Scope, StreamVec,
        channels::pact::Exchange as ByNumber,
        operators::{
            Concat, ConnectLoop, Feedback, ToStream,
            generic::Operator,
            vec::{Broadcast, Map},
        },
    },
    execute::execute_from,
    worker::Worker,
};

pub use error::TrainError;
pub use model::{Fit, Plan, fit, train_model};
pub use progress::{OnProgress, Phase, Progress};
pub use rows::{FlightRows, Rows};
pub use trial::Trial;

use choose::{Choose, Chosen, Plot, trees_total};
use linfa::GrowTrees;
use tend::{Order, Step, Tend};

/// At most this many trees are in flight, however many workers there are: each costs memory for every row.
pub const IN_FLIGHT_MAX: u32 = 4;

/// Trees by number, or why there is none.
type Trees = BTreeMap<u32, Result<Tree, String>>;
type Gathered = Rc<RefCell<Trees>>;

/// Grows a forest for each choice of columns, all over the same rows, on the workers of this process.
pub fn train(
    settings: ForestSettings,
    rows: &dyn Rows,
    columns: &[Vec<usize>],
    workers: NonZeroUsize,
    on_progress: &OnProgress,
) -> Result<Vec<Forest>, TrainError> {
    let communication = CommunicationConfig::Process(workers.get()).try_build().map_err(TrainError::Workers)?;
    let place = Place { process: 0, processes: 1, workers: workers.get() };
    let forests = train_on(communication, place, settings, rows, columns, on_progress)?;
    forests.ok_or_else(|| TrainError::Workers("the first of them has no trees".to_owned()))
}

/// Where some of the workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which process this is, from 0.
    pub process: usize,
    /// How many there are.
    pub processes: usize,
    /// How many workers each has.
    pub workers: usize,
}

/// Timely's allocators, one for each worker here, and what must outlive them.
pub type Communication = (Vec<AllocatorBuilder>, Box<dyn Any + Send>);

/// As [`train`], on workers that may be those of several processes, which are all given the same rows, columns and
/// settings. The forests are gathered in process 0; the others get `None`.
pub fn train_on(
    communication: Communication,
    place: Place,
    settings: ForestSettings,
    rows: &dyn Rows,
    columns: &[Vec<usize>],
    on_progress: &OnProgress,
) -> Result<Option<Vec<Forest>>, TrainError> {
    on_progress(Progress::Phase(Phase::Encoding));
    let plots = columns.iter().map(|columns| Plot { columns: columns.clone(), settings }).collect();
    let trees = match settings.trainer {
        Trainer::Histogram => histogram(communication, place, plots, rows, on_progress)?,
        Trainer::Linfa => linfa_trees(communication, plots, rows, on_progress)?,
    };
    if place.process != 0 {
        return Ok(None);
    }
    let (wanted, per_forest) = (columns.len() * settings.trees as usize, settings.trees as usize);
    if trees.len() != wanted || per_forest == 0 {
        return Err(TrainError::Tree(format!("{} of {wanted} trees were grown", trees.len())));
    }
    let forests = trees.chunks(per_forest).map(|trees| Forest::new(trees, rows.width()));
    Ok(Some(forests.collect::<Result<_, _>>()?))
}

/// Grows the trees of all plots by histograms.
fn histogram(
    (builders, others): Communication,
    place: Place,
    plots: Arc<[Plot]>,
    rows: &dyn Rows,
    on_progress: &OnProgress,
) -> Result<Vec<Tree>, TrainError> {
    let bins = Arc::new(rows::bins(rows));
    let shards = rows::shards(rows, &bins, place)?;
    // Each worker takes its own.
    let shards = Mutex::new(shards);
    let on_progress = Arc::clone(on_progress);
    let guards = execute_from(builders, others, WorkerConfig::default(), move |worker| {
        let gathered = Gathered::default();
        let shard = shards.lock().remove(&worker.index());
        let Some(shard) = shard else { return Trees::new() };
        worker.dataflow::<u64, _, _>(|scope| {
            grow(scope, shard, Arc::clone(&plots), Arc::clone(&bins), Arc::clone(&on_progress), Rc::clone(&gathered));
        });
        turn(worker, &gathered)
    });
    collect(guards)
}

/// The dataflow of the histogram trainer; trees are gathered on worker 0.
fn grow(
    scope: Scope<'_, u64>,
    shard: Shard,
    plots: Arc<[Plot]>,
    bins: Arc<Bins>,
    on_progress: OnProgress,
    gathered: Gathered,
) {
    let (peers, seed) = (scope.peers(), plots.first().map_or(0, |plot| plot.settings.seed));
    // At least one, and at most four: what fits into 32 bits.
    let in_flight = peers.min(IN_FLIGHT_MAX as usize) as u32;
    let first = if scope.index() == 0 { 0..in_flight.min(trees_total(&plots)) } else { 0..0 };
    let first = first.map(|tree| Order { tree, step: Step::Weigh }).to_stream(scope).container::<Vec<_>>();
    let (handle, next) = scope.feedback::<Vec<Order>>(1);
    let chosen = first.concat(next).broadcast().tend(shard, Arc::clone(&bins), seed).choose(
        plots,
        bins,
        peers,
        in_flight,
        on_progress,
    );
    let orders = chosen.clone().flat_map(|chosen| match chosen {
        Chosen::Next(order) => Some(order),
        Chosen::Grown(..) => None,
    });
    orders.connect_loop(handle);
    let trees = chosen.flat_map(|chosen| match chosen {
        Chosen::Grown(number, tree) => Some((number, Ok(tree))),
        Chosen::Next(_) => None,
    });
    gather(trees, gathered);
}

/// Grows the trees of all plots with linfa-trees, which is deterministic here too (`src/forest/linfa.rs`).
fn linfa_trees(
    (builders, others): Communication,
    plots: Arc<[Plot]>,
    rows: &dyn Rows,
    on_progress: &OnProgress,
) -> Result<Vec<Tree>, TrainError> {
    let rows = rows::in_memory(rows)?;
    let sets: Vec<(ForestSettings, Arc<TrainingSet>)> = plots
        .iter()
        .map(|plot| Ok((plot.settings, Arc::new(rows.with_columns(plot.columns.clone())?))))
        .collect::<Result<_, UnusableRows>>()?;
    let on_progress = Arc::clone(on_progress);
    let guards = execute_from(builders, others, WorkerConfig::default(), move |worker| {
        let gathered = Gathered::default();
        worker.dataflow::<u64, _, _>(|scope| {
            let total = trees_total(&plots);
            let numbers = if scope.index() == 0 { 0..total } else { 0..0 };
            let numbers = numbers.to_stream(scope).container::<Vec<_>>();
            gather(numbers.grow_trees(sets.clone(), Arc::clone(&on_progress)), Rc::clone(&gathered));
        });
        turn(worker, &gathered)
    });
    collect(guards)
}

/// Gathers trees on worker 0.
fn gather(trees: StreamVec<'_, u64, (u32, Result<Tree, String>)>, gathered: Gathered) {
    trees.sink(ByNumber::new(|_: &(u32, Result<Tree, String>)| 0), "GatherTrees", move |(input, _)| {
        input.for_each_stamp(|_, trees| gathered.borrow_mut().extend(trees.flat_map(|t| t.drain(..))));
    });
}

/// Turns a worker until its part is done.
fn turn(worker: &mut Worker, gathered: &Gathered) -> Trees {
    while worker.has_dataflows() {
        worker.step_or_park(None);
    }
    gathered.take()
}

/// The trees of all workers of this process, in the order of their numbers.
fn collect(guards: Result<WorkerGuards<Trees>, String>) -> Result<Vec<Tree>, TrainError> {
    let mut trees = Trees::new();
    for gathered in guards.map_err(TrainError::Workers)?.join() {
        trees.extend(gathered.map_err(TrainError::Workers)?);
    }
    trees.into_values().collect::<Result<_, _>>().map_err(TrainError::Tree)
}

#[cfg(test)]
mod tests;
