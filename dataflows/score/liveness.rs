//! The liveness of the workers' main loops, and the lag of their frontiers behind the clock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use engine::{
    runtime::{Mutex, MutexGuard},
    status::WorkerStatus,
};

use super::clock::{ClusterClock, Timestamp};

/// A worker whose main loop has not run for this time hangs: nothing in the loop may block.
const HANGS_AFTER: Duration = Duration::from_secs(30);
/// Stands for an empty frontier: all work is done.
const DONE: Timestamp = Timestamp::MAX;

/// The times that a worker's main loop records at each step.
#[derive(Debug)]
struct Liveness {
    clock: ClusterClock,
    stepped_at: AtomicU64,
    frontier: AtomicU64,
    process: usize,
    started_at: Instant,
    parked_us: AtomicU64,
    in_flight: AtomicU64,
    /// The timestamp of the oldest batch in flight.
    oldest: AtomicU64,
}

/// The records of a worker that are read and not yet durable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unfinished {
    pub(super) records: usize,
    /// The timestamp of the oldest closed batch.
    pub(super) oldest: Option<Timestamp>,
}

impl Liveness {
    fn since_step(&self) -> Duration {
        since(self.clock, &self.stepped_at)
    }

    fn frontier_lag(&self) -> Duration {
        since(self.clock, &self.frontier)
    }
}

fn since(clock: ClusterClock, at: &AtomicU64) -> Duration {
    Duration::from_millis(clock.now().saturating_sub(at.load(Ordering::Relaxed)))
}

/// The workers of a process; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    expected: Option<usize>,
    running: BTreeMap<usize, Arc<Liveness>>,
}

impl Workers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Sets the number of workers that start when log and store are open.
    pub(super) fn expect(&self, count: usize) {
        self.state().expected = Some(count);
    }

    /// Returns the progress of the start; `None` when all expected workers run.
    pub fn start_progress(&self) -> Option<String> {
        let State { expected, running } = &*self.state();
        match expected {
            None => Some("not started".to_owned()),
            Some(expected) => {
                (running.len() < *expected).then(|| format!("{} of {expected} have started", running.len()))
            }
        }
    }

    /// Returns a description of the worker that has hung for longest, if one hangs.
    pub fn hanging(&self) -> Option<String> {
        let state = self.state();
        let silences = state.running.iter().map(|(worker, liveness)| (worker, liveness.since_step()));
        let (worker, silence) =
            silences.filter(|(_, silence)| *silence >= HANGS_AFTER).max_by_key(|(_, silence)| *silence)?;
        Some(format!("worker {worker} has not turned for {} s", silence.as_secs()))
    }

    /// Returns the state of each running worker.
    pub fn status(&self) -> Vec<WorkerStatus> {
        let status = |(index, it): (&usize, &Arc<Liveness>)| WorkerStatus {
            index: *index,
            process: it.process,
            stepped_ms_ago: it.since_step().as_millis() as u64,
            frontier_lag_ms: it.frontier_lag().as_millis() as u64,
            parked_us: it.parked_us.load(Ordering::Relaxed),
            lived_us: it.started_at.elapsed().as_micros() as u64,
            in_flight: it.in_flight.load(Ordering::Relaxed),
            oldest_ms: (it.oldest.load(Ordering::Relaxed) != DONE)
                .then(|| since(it.clock, &it.oldest).as_millis() as u64),
        };
        self.state().running.iter().map(status).collect()
    }

    /// Returns the largest lag of a worker's frontier behind the clock; `None` while no worker runs.
    pub fn frontier_lag(&self) -> Option<Duration> {
        self.state().running.values().map(|liveness| liveness.frontier_lag()).max()
    }
}

/// Registers a running worker until it is dropped.
pub(super) struct LivenessGuard {
    workers: Workers,
    worker: usize,
    liveness: Arc<Liveness>,
}

impl LivenessGuard {
    /// Registers worker `worker` of the cluster, which is in process `process`.
    pub(super) fn start(workers: &Workers, worker: usize, process: usize, clock: ClusterClock) -> Self {
        let now = clock.now();
        let liveness = Arc::new(Liveness {
            clock,
            stepped_at: AtomicU64::new(now),
            frontier: AtomicU64::new(now),
            process,
            started_at: Instant::now(),
            parked_us: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            oldest: AtomicU64::new(DONE),
        });
        workers.state().running.insert(worker, Arc::clone(&liveness));
        LivenessGuard { workers: workers.clone(), worker, liveness }
    }

    /// Records a step of the main loop, and the frontier of the probe.
    pub(super) fn record_step(&self, frontier: Option<Timestamp>) {
        self.liveness.stepped_at.store(self.liveness.clock.now(), Ordering::Relaxed);
        self.liveness.frontier.store(frontier.unwrap_or(DONE), Ordering::Relaxed);
    }

    /// Records what is not durable yet.
    pub(super) fn record_unfinished(&self, Unfinished { records, oldest }: Unfinished) {
        self.liveness.in_flight.store(records as u64, Ordering::Relaxed);
        self.liveness.oldest.store(oldest.unwrap_or(DONE), Ordering::Relaxed);
    }

    /// Records the time that the worker was parked.
    pub(super) fn record_parked(&self, parked: Duration) {
        self.liveness.parked_us.store(parked.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Drop for LivenessGuard {
    fn drop(&mut self) {
        self.workers.state().running.remove(&self.worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_hangs_is_reported_and_one_that_left_is_not() {
        let (workers, clock) = (Workers::default(), ClusterClock::start());
        assert_eq!(workers.start_progress().as_deref(), Some("not started"));
        workers.expect(2);
        let (zero, one) = (LivenessGuard::start(&workers, 0, 0, clock), LivenessGuard::start(&workers, 1, 0, clock));
        zero.record_step(None);
        one.record_step(Some(clock.now()));
        assert_eq!((workers.start_progress(), workers.hanging()), (None, None));

        let long_ago = clock.now() - HANGS_AFTER.as_millis() as u64;
        one.liveness.stepped_at.store(long_ago - 1000, Ordering::Relaxed);
        assert!(workers.hanging().unwrap().starts_with("worker 1 has not turned for 3"));
        drop(one);
        assert_eq!(workers.hanging(), None);
        assert_eq!(workers.start_progress().as_deref(), Some("1 of 2 have started"));
    }

    #[test]
    fn the_frontier_lag_is_the_largest_of_all_workers() {
        let (workers, clock) = (Workers::default(), ClusterClock::start());
        assert_eq!(workers.frontier_lag(), None);
        let (zero, one) = (LivenessGuard::start(&workers, 0, 0, clock), LivenessGuard::start(&workers, 1, 0, clock));
        zero.record_step(None);
        one.record_step(Some(clock.now() - 5_000));
        assert!(workers.frontier_lag().unwrap() >= Duration::from_secs(5));
        one.record_step(None);
        assert_eq!(workers.frontier_lag(), Some(Duration::ZERO));

        one.record_unfinished(Unfinished { records: 3, oldest: Some(clock.now() - 7_000) });
        let status = workers.status();
        assert_eq!((status[0].in_flight, status[0].oldest_ms, status[0].frontier_lag_ms), (0, None, 0));
        assert!(status[1].in_flight == 3 && status[1].oldest_ms >= Some(7_000), "{status:?}");
    }
}
