//! What one worker does, from its first connection to its last commit.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use engine::{domain::Domain, log::Share, runtime::Stop};
use timely::worker::Worker;

use super::{
    ClusterClock, Connections, Ends, Error, InFlight, Models, Shared, TICK, build,
    commit::Committer,
    opening::Opening,
    swap::{self, SharedSchedule, Shelf},
    workers::Turning,
};
use crate::heartbeat::{self, FailureDetector};

/// How often a worker says how far behind the log it is.
const LAG: Duration = Duration::from_secs(1);

/// What all workers of a generation agree on.
pub(super) struct Plan<D: Domain> {
    pub(super) rebalance: bool,
    pub(super) drain: Duration,
    pub(super) in_flight: InFlight,
    pub(super) clock: ClusterClock,
    /// Worker threads in each process.
    pub(super) workers: usize,
    /// Shared by those of this process.
    pub(super) shelf: Shelf<D>,
    pub(super) detector: Option<Arc<FailureDetector>>,
    /// A worker of this process was told to stop before it had built its part.
    pub(super) unopened: Arc<AtomicBool>,
}

impl<D: Domain> Clone for Plan<D> {
    fn clone(&self) -> Self {
        Plan {
            rebalance: self.rebalance,
            drain: self.drain,
            in_flight: self.in_flight,
            clock: self.clock,
            workers: self.workers,
            shelf: self.shelf.clone(),
            detector: self.detector.clone(),
            unopened: self.unopened.clone(),
        }
    }
}

/// One worker, from its first connection to its last commit.
pub(super) fn work_as<D: Domain>(
    worker: &mut Worker,
    connections: &Connections<D>,
    models: &Models<D>,
    plan: &Plan<D>,
    shared: &Shared<D>,
    stop: &Stop,
) -> Result<(), Error> {
    if let Some(detector) = &plan.detector {
        let stop = stop.clone();
        let clock = plan.clock;
        let now = move || clock.now();
        worker.dataflow_named("Heartbeat", |scope| heartbeat::build(scope, detector, move || stop.asked(), now));
    }
    let schedule = swap::build(worker, models, plan, shared, stop)?;
    let share = Share { index: worker.index(), peers: worker.peers() };
    let opening = Opening::start(share, connections, stop)?;
    let mut deadline = None;
    let opened = loop {
        worker.step_or_park(Some(TICK));
        stop_with_the_others(plan, stop);
        if let Some(opened) = opening.done() {
            break opened?;
        }
        // It may be in a call that takes long; nothing was read yet.
        if stop.asked() && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + plan.drain) {
            break None;
        }
    };
    let result = match opened {
        Some(ends) => score(worker, ends, connections, schedule, plan, shared, stop),
        None => {
            plan.unopened.store(true, Ordering::Release);
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

/// A generation ends with the first of its processes that is told to stop.
fn stop_with_the_others<D: Domain>(plan: &Plan<D>, stop: &Stop) {
    if plan.detector.as_ref().is_some_and(|detector| detector.stopped_by().is_some()) {
        stop.ask();
    }
}

/// Builds the dataflow and turns it until it is to stop.
fn score<D: Domain>(
    worker: &mut Worker,
    ends: Ends<D>,
    connections: &Connections<D>,
    schedule: SharedSchedule<D>,
    plan: &Plan<D>,
    shared: &Shared<D>,
    stop: &Stop,
) -> Result<(), Error> {
    let reader = Rc::clone(&ends.reader.0);
    let mut committer = Committer::new(Rc::clone(&reader));
    let probe = worker.dataflow_named("Score", |scope| build(scope, ends, schedule, plan.rebalance, shared));
    let turning = Turning::start(&shared.counters, worker.index(), shared.clock);
    let (mut deadline, mut lag_at) = (None, Instant::now());
    loop {
        worker.step_or_park(Some(TICK));
        turning.turn(probe.with_frontier(|frontier| frontier.first().copied()));
        stop_with_the_others(plan, stop);
        if Instant::now() >= lag_at {
            shared.counters.lag.set(worker.index(), reader.borrow().lag());
            lag_at = Instant::now() + LAG;
        }
        let mut ledger = shared.ledger.borrow_mut();
        if let Some(broken) = ledger.broken.take() {
            return Err(Error::Broken(broken));
        }
        let before = ledger.in_flight();
        committer.add(ledger.retire(|timestamp| !probe.less_equal(&timestamp)));
        let InFlight { records: left, bytes: left_bytes } = ledger.in_flight();
        shared.counters.retired.add(before.records - left);
        shared.counters.retired_bytes.add(before.bytes - left_bytes);
        committer.turn();
        if stop.asked() {
            ledger.stopping = true;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + plan.drain);
            let late = Instant::now() >= deadline;
            // An empty frontier says that no worker holds anything any more, so none depends on this one. At the
            // deadline it is enough that nothing of our own is left; also where a worker has no part, as then the
            // frontier never gets empty.
            if left == 0 && (late || probe.done() || plan.unopened.load(Ordering::Acquire)) {
                plan.detector.iter().for_each(|detector| detector.work_done());
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
