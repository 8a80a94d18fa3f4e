//! The work of one worker, from its first connection to its last commit.

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

/// How often a worker says how far behind the log it is.
const LAG: Duration = Duration::from_secs(1);

/// One worker, from its first connection to its last commit.
pub(super) fn work_as<D: Domain>(
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
        worker.dataflow_named("Heartbeat", |scope| heartbeat::build(scope, detector, move || stop.asked(), now));
    }
    let schedule = swap::build(worker, models, generation, shared, stop)?;
    let share = Share { index: worker.index(), peers: worker.peers() };
    let opening = Opening::start(share, connections, stop)?;
    let mut deadline = None;
    let opened = loop {
        worker.step_or_park(Some(TICK));
        stop_with_the_others(generation, stop);
        if let Some(opened) = opening.done() {
            break opened?;
        }
        // It may be in a call that takes long; nothing was read yet.
        if stop.asked() && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + generation.drain) {
            break None;
        }
    };
    let result = match opened {
        Some(worker_io) => score(worker, worker_io, connections, schedule, generation, shared, stop),
        None => {
            generation.unopened.store(true, Ordering::Release);
            // If this is worker 0: its last word is that it announces nothing more.
            worker.step();
            Ok(())
        }
    };
    // What is still held belongs to records that will be read again.
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
    result
}

/// A generation worker_io with the first of its processes that is told to stop.
fn stop_with_the_others<D: Domain>(generation: &Generation<D>, stop: &Stop) {
    if generation.detector.as_ref().is_some_and(|detector| detector.stopped_by().is_some()) {
        stop.ask();
    }
}

/// Builds the dataflow and turns it until it is to stop.
fn score<D: Domain>(
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
    let turning = LivenessGuard::start(&shared.counters, worker.index(), shared.clock);
    let (mut deadline, mut lag_at) = (None, Instant::now());
    loop {
        worker.step_or_park(Some(TICK));
        turning.turn(probe.with_frontier(|frontier| frontier.first().copied()));
        stop_with_the_others(generation, stop);
        if Instant::now() >= lag_at {
            shared.counters.lag.set(worker.index(), reader.borrow().lag());
            lag_at = Instant::now() + LAG;
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
        committer.turn();
        if stop.asked() {
            in_flight.stopping = true;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + generation.drain);
            let late = Instant::now() >= deadline;
            // An empty frontier says that no worker holds anything any more, so none depends on this one. At the
            // deadline it is enough that nothing of our own is left; also where a worker has no part, as then the
            // frontier never gets empty.
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
