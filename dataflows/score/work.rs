//! The main loop of one worker, from its first connection to its last commit.

use std::{
    rc::Rc,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use engine::{domain::Domain, log::Share, runtime::Stop};
use timely::worker::Worker;

use super::{
    Connections, Error, InFlightSize, Models, Shared, TICK, WorkerIo, build,
    commit::Committer,
    generation::Generation,
    liveness::LivenessGuard,
    opening::Opening,
    swap::{self, SharedSchedule},
};
use crate::heartbeat;

/// Interval at which a worker updates its lag.
const LAG_INTERVAL: Duration = Duration::from_secs(1);

/// Runs one worker, from its first connection to its last commit.
pub(super) fn run_worker<D: Domain>(
    worker: &mut Worker,
    connections: &Connections<D>,
    models: &Models<D>,
    generation: &Generation<D>,
    shared: &Shared<D>,
    stop: &Stop,
) -> Result<(), Error> {
    if let Some(detector) = &generation.detector {
        let stop = stop.clone();
        let clock = generation.clock;
        let now = move || clock.now();
        worker.dataflow_named("Heartbeat", |scope| heartbeat::build(scope, detector, move || stop.is_requested(), now));
    }
    let schedule = swap::build(worker, models, generation, shared, stop)?;
    let share = Share { index: worker.index(), peers: worker.peers() };
    let opening = Opening::start(share, connections, stop)?;
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
        Some(worker_io) => run_dataflow(worker, worker_io, connections, schedule, generation, shared, stop),
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
    shared: &Shared<D>,
    stop: &Stop,
) -> Result<(), Error> {
    let reader = Rc::clone(&worker_io.reader.0);
    let mut committer = Committer::new(Rc::clone(&reader));
    let probe = worker.dataflow_named("Score", |scope| build(scope, worker_io, schedule, generation.rebalance, shared));
    let liveness = LivenessGuard::start(&shared.counters.workers, worker.index(), shared.clock);
    let (mut deadline, mut lag_at) = (None, Instant::now());
    loop {
        worker.step_or_park(Some(TICK));
        liveness.record_step(probe.with_frontier(|frontier| frontier.first().copied()));
        stop_with_generation(generation, stop);
        if Instant::now() >= lag_at {
            shared.counters.lag.set(worker.index(), reader.borrow().lag());
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
