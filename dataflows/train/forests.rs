//! The dataflows that grow forests, one for each trainer.

use std::{any::Any, cell::RefCell, collections::BTreeMap, num::NonZeroUsize, rc::Rc, sync::Arc};

use delaycast::{
    flight::DelayReference,
    forest::{
        Forest, ForestSettings, Trainer, TrainingSet, TrainingSetError, Tree,
        histogram::{BinMapper, Shard},
        linfa,
    },
};
use engine::runtime::Mutex;
use timely::{
    CommunicationConfig, WorkerConfig,
    communication::{WorkerGuards, allocator::AllocatorBuilder},
    dataflow::{
        Scope, StreamVec,
        channels::pact::Exchange,
        operators::{
            Concat, ConnectLoop, Feedback, ToStream,
            generic::Operator,
            vec::{Broadcast, Map},
        },
    },
    execute::execute_from,
    progress::Timestamp,
    worker::Worker,
};

use super::{
    OnProgress, Phase, Progress, TrainError,
    histogram::{ChooseSplits, CountHistograms, ForestSpec, Step, TreeStep, TreeUpdate, trees_total},
    rows::{self, ForestColumns, Rows, WorkerPlacement},
};

/// Upper bound on trees in flight, for any number of workers: each takes memory for every row.
pub const IN_FLIGHT_MAX: u32 = 4;

/// Trees by number, or the reason why one could not be grown.
type Trees = BTreeMap<u32, Result<Tree, String>>;
type Gathered = Rc<RefCell<Trees>>;

/// Grows a forest from each choice of columns, all on the same rows, with workers of this process.
pub fn train(
    settings: ForestSettings,
    rows: &dyn Rows,
    columns: &[ForestColumns],
    workers: NonZeroUsize,
    on_progress: &OnProgress,
) -> Result<Vec<Forest>, TrainError> {
    let communication = CommunicationConfig::Process(workers.get()).try_build().map_err(TrainError::Workers)?;
    let placement = WorkerPlacement { process: 0, processes: 1, workers: workers.get() };
    let forests = train_on(communication, placement, settings, rows, columns, on_progress)?;
    forests.ok_or_else(|| TrainError::Workers("the first of them has no trees".to_owned()))
}

/// Timely's allocators, one for each worker of this process, and a guard that must outlive them.
pub type Communication = (Vec<AllocatorBuilder>, Box<dyn Any + Send>);

/// Grows forests like [`train`], with workers of several processes, which must all pass the same rows, columns and
/// settings. Process 0 gets the forests; the others get `None`.
pub fn train_on(
    communication: Communication,
    placement: WorkerPlacement,
    settings: ForestSettings,
    rows: &dyn Rows,
    columns: &[ForestColumns],
    on_progress: &OnProgress,
) -> Result<Option<Vec<Forest>>, TrainError> {
    on_progress(Progress::Phase(Phase::Encoding));
    let specs = columns.iter().map(|given| ForestSpec { given: given.clone(), settings }).collect();
    let trees = match settings.trainer {
        Trainer::Histogram => histogram(communication, placement, specs, rows, on_progress)?,
        Trainer::Linfa => linfa_trees(communication, specs, rows, on_progress)?,
    };
    if placement.process != 0 {
        return Ok(None);
    }
    let (wanted, per_forest) = (columns.len() * settings.trees as usize, settings.trees as usize);
    if trees.len() != wanted || per_forest == 0 {
        return Err(TrainError::Tree(format!("{} of {wanted} trees were grown", trees.len())));
    }
    let forests = trees.chunks(per_forest).map(|trees| Forest::new(trees, rows.width()));
    Ok(Some(forests.collect::<Result<_, _>>()?))
}

/// Grows the trees of all forests from histograms.
fn histogram(
    (builders, others): Communication,
    placement: WorkerPlacement,
    specs: Arc<[ForestSpec]>,
    rows: &dyn Rows,
    on_progress: &OnProgress,
) -> Result<Vec<Tree>, TrainError> {
    let bins = Arc::new(rows::bins(rows));
    let shards = rows::shards(rows, &bins, placement)?;
    // Each worker takes its own shard.
    let shards = Mutex::new(shards);
    let on_progress = Arc::clone(on_progress);
    let guards = execute_from(builders, others, WorkerConfig::default(), move |worker| {
        let gathered = Gathered::default();
        let shard = shards.lock().remove(&worker.index());
        let Some(shard) = shard else { return Trees::new() };
        worker.dataflow::<u64, _, _>(|scope| {
            grow_from_histograms(
                scope,
                shard,
                Arc::clone(&specs),
                Arc::clone(&bins),
                Arc::clone(&on_progress),
                Rc::clone(&gathered),
            );
        });
        run_worker(worker, &gathered)
    });
    collect(guards)
}

/// Builds the dataflow of the histogram trainer; worker 0 gathers the trees.
fn grow_from_histograms(
    scope: Scope<'_, u64>,
    shard: Shard,
    specs: Arc<[ForestSpec]>,
    bins: Arc<BinMapper>,
    on_progress: OnProgress,
    gathered: Gathered,
) {
    let (peers, seed) = (scope.peers(), specs.first().map_or(0, |spec| spec.settings.seed));
    // At least 1 and at most 4.
    let in_flight = peers.min(IN_FLIGHT_MAX as usize) as u32;
    let first = if scope.index() == 0 { 0..in_flight.min(trees_total(&specs)) } else { 0..0 };
    let first = first.map(|tree| TreeStep { tree, step: Step::DrawWeights }).to_stream(scope).container::<Vec<_>>();
    let (handle, next) = scope.feedback::<Vec<TreeStep>>(1);
    let counts = first.concat(next).broadcast().count_histograms(shard, Arc::clone(&bins), seed);
    let updates = counts.choose_splits(specs, bins, peers, in_flight, on_progress);
    let steps = updates.clone().flat_map(|update| match update {
        TreeUpdate::Next(step) => Some(step),
        TreeUpdate::Grown(..) => None,
    });
    steps.connect_loop(handle);
    let trees = updates.flat_map(|update| match update {
        TreeUpdate::Grown(number, tree) => Some((number, Ok(tree))),
        TreeUpdate::Next(_) => None,
    });
    gather(trees, gathered);
}

/// Grows the trees of all forests with linfa-trees, deterministically as well (`src/forest/linfa.rs`).
fn linfa_trees(
    (builders, others): Communication,
    specs: Arc<[ForestSpec]>,
    rows: &dyn Rows,
    on_progress: &OnProgress,
) -> Result<Vec<Tree>, TrainError> {
    let rows = rows::in_memory(rows)?;
    let set = |ForestSpec { given, settings }: &ForestSpec| {
        let data = Arc::new(rows.with_columns(given.columns.clone())?);
        Ok(LinfaForest { settings: *settings, reference: given.reference, data })
    };
    let sets: Vec<LinfaForest> = specs.iter().map(set).collect::<Result<_, TrainingSetError>>()?;
    let on_progress = Arc::clone(on_progress);
    let guards = execute_from(builders, others, WorkerConfig::default(), move |worker| {
        let gathered = Gathered::default();
        worker.dataflow::<u64, _, _>(|scope| {
            let total = trees_total(&specs);
            let numbers = if scope.index() == 0 { 0..total } else { 0..0 };
            let numbers = numbers.to_stream(scope).container::<Vec<_>>();
            gather(numbers.grow_trees(sets.clone(), Arc::clone(&on_progress)), Rc::clone(&gathered));
        });
        run_worker(worker, &gathered)
    });
    collect(guards)
}

/// Gathers the trees at worker 0.
fn gather(trees: StreamVec<'_, u64, (u32, Result<Tree, String>)>, gathered: Gathered) {
    trees.sink(Exchange::new(|_: &(u32, Result<Tree, String>)| 0), "GatherTrees", move |(input, _)| {
        input.for_each_stamp(|_, trees| gathered.borrow_mut().extend(trees.flat_map(|t| t.drain(..))));
    });
}

/// Steps a worker until its dataflows are complete.
fn run_worker(worker: &mut Worker, gathered: &Gathered) -> Trees {
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

/// A forest that linfa-trees grows.
#[derive(Clone)]
struct LinfaForest {
    settings: ForestSettings,
    reference: DelayReference,
    data: Arc<TrainingSet>,
}

/// Extension trait for streams of tree numbers.
trait GrowTrees<'scope, T: Timestamp> {
    /// Exchanges the numbers among the workers, and grows the tree of each number where it arrives.
    ///
    /// A tree occupies its worker for tens of milliseconds to seconds: do not share the dataflow with one that serves.
    fn grow_trees(
        self,
        sets: Vec<LinfaForest>,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)>;
}

impl<'scope, T: Timestamp> GrowTrees<'scope, T> for StreamVec<'scope, T, u32> {
    fn grow_trees(
        self,
        sets: Vec<LinfaForest>,
        on_progress: OnProgress,
    ) -> StreamVec<'scope, T, (u32, Result<Tree, String>)> {
        self.unary(Exchange::new(|number: &u32| u64::from(*number)), "GrowTree", move |_, _| {
            move |input, output| {
                input.for_each_stamp(|capability, numbers| {
                    let mut session = output.session(&capability);
                    for tree in numbers.flat_map(|numbers| numbers.drain(..)) {
                        session.give((tree, grow_with_linfa(&sets, tree)));
                        on_progress(Progress::Tree { tree, levels: 0, grown: true });
                    }
                });
            }
        })
    }
}

/// Grows a tree with linfa-trees; trees are numbered through all forests.
fn grow_with_linfa(sets: &[LinfaForest], tree: u32) -> Result<Tree, String> {
    let mut number = tree;
    for LinfaForest { settings, reference, data } in sets {
        if number < settings.trees {
            return linfa::grow(data, *reference, settings, number).map_err(|error| error.to_string());
        }
        number -= settings.trees;
    }
    Err(format!("there is no tree {tree}"))
}
