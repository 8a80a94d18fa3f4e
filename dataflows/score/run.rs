//! The runs of the score dataflow, in one process or in a process of a cluster, and the main loop of each worker.

use std::{
    any::Any,
    cell::RefCell,
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use engine::{domain::Domain, log::Share, model::Role, runtime::Stop};
use timely::{
    CommunicationConfig, WorkerConfig, communication::allocator::AllocatorBuilder, execute::execute_from,
    worker::Worker,
};

use super::{
    build,
    clock::{ClusterClock, TICK},
    commit::{Committer, InFlight, InFlightSize},
    connections::{Connections, Opening, WorkerIo},
    counters::Counters,
    generation::{Config, Error, Generation, LoadedModels, Shared},
    liveness::{LivenessGuard, Unfinished},
    owns,
    shadow::Shadow,
    swap::{self, Models, SharedSchedule},
};
use crate::{
    graph::{GraphLog, Progress},
    heartbeat::{self, Failure, FailureDetector},
    mesh::Member,
};

/// Interval at which a worker updates its lag.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Runs the workers of a single process until `stop` is requested; returns when all have left. Blocks.
///
/// # Example
///
/// Scores a request of the domain `Payments`, which is the example of [`Domain`]: from an embedded log into an embedded
/// store, in one file.
///
/// ```
/// # mod payments { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/domain/payments.rs")); }
/// use std::{sync::Arc, thread, time::Duration};
///
/// use delaycast_dataflows::score::{self, Config, Connections, Counters, Models};
/// use engine::{answer::ModelVersion, log, model::{Predict, Versioned}, runtime::Stop, store::{self, Outcome}};
/// use payments::{Payment, Payments, Risk};
///
/// struct Linear;
///
/// impl Predict<Payments> for Linear {
///     fn predict(&self, payments: &[Payment], risks: &mut Vec<Risk>) {
///         risks.extend(payments.iter().map(|payment| Risk(payment.amount / 1000.0)));
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("payments.db");
/// let url = format!("sqlite:{}?topic=payments&partitions=2", path.display());
/// let (log, store) = (log::open::<Payments>(&url)?, store::open::<Payments>(&url)?);
/// log.producer()?.publish(None, br#"{"UUID":"p-1","Amount":250}"#.to_vec(), Box::new(|_| ()));
///
/// let model = Versioned { version: ModelVersion::new("linear"), model: Linear };
/// let (connections, models) = (Connections::new(log, store.clone()), Models::fixed(Arc::new(model)));
/// let (counters, stop) = (Arc::new(Counters::of::<Payments>()), Stop::default());
/// let lookup = store.lookup()?;
/// let (scored, answer) = thread::scope(|threads| {
///     let scorer = threads.spawn(|| score::run(&Config::new(2), &connections, &models, &counters, &stop));
///     let answer = (0..1000).find_map(|_| {
///         thread::sleep(Duration::from_millis(10));
///         lookup.find("p-1").transpose()
///     });
///     stop.request();
///     (scorer.join(), answer)
/// });
/// scored.expect("no worker panics")?;
/// let Some(Ok(Outcome::Answered(document))) = answer else { panic!("{answer:?}") };
/// assert_eq!((&document["Risk"], &document["ModelVersion"]), (&0.25.into(), &"linear".into()));
/// # Ok(())
/// # }
/// ```
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
            observer: None,
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

/// Runs one worker, from its first connection to its last commit.
fn run_worker<D: Domain>(
    worker: &mut Worker,
    connections: &Connections<D>,
    models: &Models<D>,
    generation: &Generation<D>,
    shared: &Shared<D>,
    stop: &Stop,
) -> Result<(), Error> {
    // Before the first dataflow is built: it records those that are built after.
    let graph = GraphLog::install(worker, &shared.counters.graphs);
    if let Some(detector) = &generation.detector {
        let stop = stop.clone();
        let clock = generation.clock;
        let now = move || clock.now();
        worker.dataflow_named("Heartbeat", |scope| heartbeat::build(scope, detector, move || stop.is_requested(), now));
    }
    let schedule = swap::build(worker, models, generation, shared, stop)?;
    let observer = connections.events.as_ref().map(|events| events.build(worker, generation.clock, stop));
    let shared = &Shared { observer, ..shared.clone() };
    let share = Share { index: worker.index(), peers: worker.peers() };
    let rebalance = generation.rebalance;
    let owns = move |position| owns(share.index, share.peers, rebalance, position);
    let opening = Opening::start(share, owns, connections, stop)?;
    let mut deadline = None;
    let opened = loop {
        worker.step_or_park(Some(TICK));
        stop_with_generation(generation, stop);
        if let Some(opened) = opening.poll() {
            break opened?;
        }
        // The opening may block in a call; no record was read yet.
        if stop.is_requested() && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + generation.drain) {
            break None;
        }
    };
    let result = match opened {
        Some(worker_io) => run_dataflow(worker, worker_io, connections, schedule, generation, (shared, graph), stop),
        None => {
            generation.unopened.store(true, Ordering::Release);
            // Worker 0 drops its capability to announce in this step.
            worker.step();
            Ok(())
        }
    };
    // The records still in these dataflows are read again after the next start.
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
    result
}

/// Asks for a stop when any process of the generation was stopped: the generation ends with the first.
fn stop_with_generation<D: Domain>(generation: &Generation<D>, stop: &Stop) {
    if generation.detector.as_ref().is_some_and(|detector| detector.stopped_by().is_some()) {
        stop.request();
    }
}

/// Builds the score dataflow and runs it until a stop.
fn run_dataflow<D: Domain>(
    worker: &mut Worker,
    worker_io: WorkerIo<D>,
    connections: &Connections<D>,
    schedule: SharedSchedule<D>,
    generation: &Generation<D>,
    (shared, mut graph): (&Shared<D>, GraphLog),
    stop: &Stop,
) -> Result<(), Error> {
    let reader = Rc::clone(&worker_io.reader.0);
    let mut committer = Committer::new(Rc::clone(&reader));
    let probe = worker.dataflow_named("Score", |scope| build(scope, worker_io, schedule, generation.rebalance, shared));
    let liveness = LivenessGuard::start(
        &shared.counters.workers,
        worker.index(),
        worker.index() / generation.workers,
        shared.clock,
    );
    let (mut deadline, mut lag_at) = (None, Instant::now());
    loop {
        worker.step_or_park(Some(TICK));
        liveness.record_step(probe.with_frontier(|frontier| frontier.first().copied()));
        stop_with_generation(generation, stop);
        if Instant::now() >= lag_at {
            shared.counters.lag.set(worker.index(), reader.borrow().lag());
            graph.publish();
            liveness.record_parked(graph.parked());
            let Progress { sent, received } = graph.take_progress();
            shared.counters.progress_sent.add(sent);
            shared.counters.progress_received.add(received);
            lag_at = Instant::now() + LAG_INTERVAL;
        }
        let mut in_flight = shared.in_flight.borrow_mut();
        if let Some(broken) = in_flight.broken.take() {
            return Err(Error::Broken(broken));
        }
        let before = in_flight.size();
        committer.add(in_flight.retire(|timestamp| !probe.less_equal(&timestamp)));
        let InFlightSize { records: left, bytes: left_bytes } = in_flight.size();
        shared.counters.retired.add(before.records - left);
        shared.counters.retired_bytes.add(before.bytes - left_bytes);
        liveness.record_unfinished(Unfinished { records: left, oldest: in_flight.oldest() });
        committer.commit_if_due();
        if stop.is_requested() {
            in_flight.stopping = true;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + generation.drain);
            let late = Instant::now() >= deadline;
            // An empty frontier proves that no worker has records in flight, so that none depends on this one. At the
            // deadline it suffices that this worker has none; also if a worker has left before it built its part, as
            // the frontier then never becomes empty.
            if left == 0 && (late || probe.done() || generation.unopened.load(Ordering::Acquire)) {
                generation.detector.iter().for_each(|detector| detector.work_done());
                let finished = committer.finish(deadline);
                return finished.map_err(|reason| Error::Undrained { records: 0, reason: Some(reason) });
            }
            if late {
                let reason = connections.health.outage();
                return Err(Error::Undrained { records: left, reason });
            }
        }
    }
}
