//! The runs of the score dataflow: in one process, or in a process of a cluster.

use std::{any::Any, cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use engine::{domain::Domain, model::Role, runtime::Stop};
use timely::{CommunicationConfig, WorkerConfig, communication::allocator::AllocatorBuilder, execute::execute_from};

use super::{
    ClusterClock, Connections, Counters, Error, InFlightSize, Models, Shared,
    generation::{Generation, LoadedModels},
    in_flight::InFlight,
    shadow::Shadow,
    work::run_worker,
};
use crate::{
    heartbeat::{Failure, FailureDetector},
    mesh::Member,
};

/// The settings of the score dataflow.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads in this process.
    pub workers: usize,
    /// Upper bound on the records in flight, for each worker.
    pub in_flight: InFlightSize,
    /// Timeout within which a stopping worker's records must become durable.
    pub drain: Duration,
}

impl Config {
    /// The default bound of a worker: the first of both limits that is reached.
    pub const IN_FLIGHT: InFlightSize = InFlightSize { records: 20_000, bytes: 64 << 20 };
    /// The default timeout: less than the 10 s after which container runtimes kill a process.
    pub const DRAIN: Duration = Duration::from_secs(8);

    /// Returns the defaults, for a number of workers.
    pub fn new(workers: usize) -> Self {
        Config { workers, in_flight: Self::IN_FLIGHT, drain: Self::DRAIN }
    }
}

/// Runs the workers of a single process until `stop` is requested; returns when all have left. Blocks.
pub fn run<D: Domain>(
    config: &Config,
    connections: &Connections<D>,
    models: &Models<D>,
    counters: &Arc<Counters>,
    stop: &Stop,
) -> Result<(), Error> {
    let Some(partitions) = partitions(connections, stop) else { return Ok(()) };
    let (builders, others) = CommunicationConfig::Process(config.workers).try_build().map_err(Error::Timely)?;
    let generation = Generation {
        rebalance: (partitions as usize) < config.workers,
        drain: config.drain,
        in_flight: config.in_flight,
        clock: ClusterClock::start(),
        workers: config.workers,
        loaded_models: LoadedModels::default(),
        detector: None,
        unopened: Arc::default(),
    };
    let work = Work { generation, connections, models, counters, stop };
    execute(builders, others, work)
}

/// Runs this process's workers in a generation of a cluster, until `stop` is requested in any of its processes; returns
/// when all workers of this process have left. `leave` is called when a process has failed: it must end this process,
/// as only the next generation can process the records in flight. Blocks.
pub fn run_in_cluster<D: Domain>(
    config: &Config,
    mut member: Member,
    connections: &Connections<D>,
    models: &Models<D>,
    counters: &Arc<Counters>,
    stop: &Stop,
    leave: impl FnOnce(Failure) + Send + 'static,
) -> Result<(), Error> {
    let (formed, own, processes) = (member.generation(), member.peers().index(), member.peers().count());
    let detector = Arc::new(FailureDetector::new(own, processes, config.workers));
    let (builders, others) = member.allocators()?;
    detector.spawn_watchdog(leave)?;
    let generation = Generation {
        rebalance: (formed.partitions as usize) < processes * config.workers,
        drain: config.drain,
        in_flight: config.in_flight,
        clock: ClusterClock::start_at(formed.clock_ms),
        workers: config.workers,
        loaded_models: LoadedModels::default(),
        detector: Some(Arc::clone(&detector)),
        unopened: Arc::default(),
    };
    let done = execute(builders, others, Work { generation, connections, models, counters, stop });
    // Also after an error: the other processes must see an orderly end and no failure.
    member.close();
    detector.leave();
    done?;
    match detector.stopped_by() {
        Some(process) if process != own => Err(Error::Ended { generation: formed.number, process }),
        _ => Ok(()),
    }
}

/// Returns the number of the log's partitions, when the log is available; `None` if a stop interrupts it. Blocks.
pub fn partitions<D: Domain>(connections: &Connections<D>, stop: &Stop) -> Option<u32> {
    connections.health.reading.retry(stop, || connections.log.partitions())
}

/// The parts that all workers of a process share.
struct Work<'a, D: Domain> {
    generation: Generation<D>,
    connections: &'a Connections<D>,
    models: &'a Models<D>,
    counters: &'a Arc<Counters>,
    stop: &'a Stop,
}

fn execute<D: Domain>(
    builders: Vec<AllocatorBuilder>,
    others: Box<dyn Any + Send>,
    work: Work<'_, D>,
) -> Result<(), Error> {
    let Work { generation, connections, models, counters, stop } = work;
    counters.workers.expect(builders.len());
    // The shadow's thread ends when all workers have left.
    let (_shadow, shadow_queue) = Shadow::start(&connections.store, counters)?;
    counters.models.set(Role::Current, Some(models.version().clone()), 0);
    let (connections, models, counters, stop) =
        (connections.clone(), models.clone(), Arc::clone(counters), stop.clone());
    let guards = execute_from(builders, others, WorkerConfig::default(), move |worker| {
        let shared = Shared {
            clock: generation.clock,
            in_flight: Rc::new(RefCell::new(InFlight::new(generation.in_flight))),
            counters: Arc::clone(&counters),
            shadow_queue: Some(shadow_queue.clone()),
        };
        let result = run_worker(worker, &connections, &models, &generation, &shared, &stop);
        // A worker that fails stops the others. Its error is logged here, as the caller may see another worker's error.
        if let Err(error @ (Error::Broken(_) | Error::NoThread(_))) = &result {
            tracing::error!("worker {} cannot go on: {error}", worker.index());
        }
        stop.request();
        result
    })
    .map_err(Error::Timely)?;
    let mut results = guards.join().into_iter().map(|worker| worker.map_err(Error::Timely)?);
    results.try_for_each(|result| result)
}
