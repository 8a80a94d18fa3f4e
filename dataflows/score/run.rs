//! Running the score dataflow: workers, their main loop, stopping.

use std::{any::Any, cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use engine::{delivery::Unavailable, domain::Domain, model::Role, runtime::Stop};
use timely::{CommunicationConfig, WorkerConfig, communication::allocator::AllocatorBuilder, execute::execute_from};

use super::{
    ClusterClock, Connections, Counters, InFlightSize, Models, Shared,
    generation::{Generation, LoadedModels},
    in_flight::InFlight,
    shadow::Shadow,
    work::work_as,
};
use crate::{
    heartbeat::{Failure, FailureDetector},
    mesh::Member,
};

/// How the score dataflow runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads in this process.
    pub workers: usize,
    /// Bound on the records in flight, for each worker.
    pub in_flight: InFlightSize,
    /// How long a stopping worker waits for its records to become durable.
    pub drain: Duration,
}

impl Config {
    /// The default bound: 20,000 records or 64 MiB of payload a worker, whichever is reached first.
    pub const IN_FLIGHT: InFlightSize = InFlightSize { records: 20_000, bytes: 64 << 20 };
    /// The default wait on stop: well under the 10 s that container runtimes grant before they kill.
    pub const DRAIN: Duration = Duration::from_secs(8);

    /// The defaults, for a number of workers.
    pub fn new(workers: usize) -> Self {
        Config { workers, in_flight: Self::IN_FLIGHT, drain: Self::DRAIN }
    }
}

/// Why the dataflow ended other than by finishing its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Told to stop, but the store or the log did not take what was in flight in time. Nothing is lost: it will be
    /// read again from the committed offsets.
    #[error("stopped with {records} records not yet durable: they will be read again at the next start")]
    Undrained {
        /// How many.
        records: usize,
        /// What was waited for.
        #[source]
        reason: Option<Unavailable>,
    },
    /// A part has failed in a way that must not happen. Nothing was committed after that.
    #[error("the scorer cannot go on: {0}")]
    Broken(String),
    /// Another process of the cluster was told to stop, and with it the generation has ended, in good order.
    #[error("generation {generation} has ended: process {process} was told to stop")]
    Ended {
        /// Which generation.
        generation: u64,
        /// Which process.
        process: usize,
    },
    /// The system gave no thread or no socket.
    #[error("cannot start the scorer's threads")]
    NoThread(#[from] std::io::Error),
    /// Timely failed to start or a worker died.
    #[error("timely: {0}")]
    Timely(String),
}

/// Runs the workers of a system of one process until `stop` is asked; returns when all have left. Blocks.
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

/// Runs this process's workers in a generation of a cluster, until `stop` is asked in any of its processes; returns when
/// all workers of this process have left. `leave` is called when another process is lost, or this one was: it must end
/// the process, because what was read can be finished in the next generation only. Blocks.
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
    // Also after an error: the others are to see an end and not a loss.
    member.close();
    detector.leave();
    done?;
    match detector.stopped_by() {
        Some(process) if process != own => Err(Error::Ended { generation: formed.number, process }),
        _ => Ok(()),
    }
}

/// How many partitions the log has, once it serves; `None` if told to stop meanwhile. Blocks.
pub fn partitions<D: Domain>(connections: &Connections<D>, stop: &Stop) -> Option<u32> {
    connections.health.reading.retry(stop, || connections.log.partitions())
}

/// What all workers of a process are given.
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
    counters.workers.want(builders.len());
    // WorkerIo when all workers have left.
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
        let result = work_as(worker, &connections, &models, &generation, &shared, &stop);
        // One worker that cannot go on takes the others with it. What is wrong is said here, because it may be that only a
        // loss is noticed elsewhere.
        if let Err(error @ (Error::Broken(_) | Error::NoThread(_))) = &result {
            tracing::error!("worker {} cannot go on: {error}", worker.index());
        }
        stop.ask();
        result
    })
    .map_err(Error::Timely)?;
    let mut results = guards.join().into_iter().map(|worker| worker.map_err(Error::Timely)?);
    results.try_for_each(|result| result)
}
