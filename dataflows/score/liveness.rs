//! The liveness of the workers' main loops, and the lag of their frontiers behind the clock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use engine::runtime::{Mutex, MutexGuard};

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
    pub(super) fn start(workers: &Workers, worker: usize, clock: ClusterClock) -> Self {
        let now = clock.now();
        let liveness = Arc::new(Liveness { clock, stepped_at: AtomicU64::new(now), frontier: AtomicU64::new(now) });
        workers.state().running.insert(worker, Arc::clone(&liveness));
        LivenessGuard { workers: workers.clone(), worker, liveness }
    }

    /// Records a step of the main loop, and the frontier of the probe.
    pub(super) fn record_step(&self, frontier: Option<Timestamp>) {
        self.liveness.stepped_at.store(self.liveness.clock.now(), Ordering::Relaxed);
        self.liveness.frontier.store(frontier.unwrap_or(DONE), Ordering::Relaxed);
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
        let (zero, one) = (LivenessGuard::start(&workers, 0, clock), LivenessGuard::start(&workers, 1, clock));
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
        let (zero, one) = (LivenessGuard::start(&workers, 0, clock), LivenessGuard::start(&workers, 1, clock));
        zero.record_step(None);
        one.record_step(Some(clock.now() - 5_000));
        assert!(workers.frontier_lag().unwrap() >= Duration::from_secs(5));
        one.record_step(None);
        assert_eq!(workers.frontier_lag(), Some(Duration::ZERO));
    }
}
