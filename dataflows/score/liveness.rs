//! Whether the workers' main loops turn, and how far behind the clock their frontiers are.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use engine::runtime::{Mutex, MutexGuard};

use super::{ClusterClock, Counters, Timestamp};

/// A worker whose main loop has not turned for this long hangs: nothing in it may block.
const HANGS_AFTER: Duration = Duration::from_secs(30);
/// Stands for an empty frontier: everything is done.
const DONE: Timestamp = Timestamp::MAX;

/// One worker's marks, set by its main loop at each turn.
#[derive(Debug)]
struct Liveness {
    clock: ClusterClock,
    turned_at: AtomicU64,
    frontier: AtomicU64,
}

impl Liveness {
    fn silence(&self) -> Duration {
        since(self.clock, &self.turned_at)
    }

    fn frontier_lag(&self) -> Duration {
        since(self.clock, &self.frontier)
    }
}

fn since(clock: ClusterClock, mark: &AtomicU64) -> Duration {
    Duration::from_millis(clock.now().saturating_sub(mark.load(Ordering::Relaxed)))
}

/// The workers of a process.
#[derive(Debug, Default)]
pub struct Workers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wanted: Option<usize>,
    turning: BTreeMap<usize, Arc<Liveness>>,
}

impl Workers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// So many will turn, once log and store are open.
    pub(super) fn want(&self, count: usize) {
        self.state().wanted = Some(count);
    }

    /// What is missing until all of them turn.
    pub fn missing(&self) -> Option<String> {
        let State { wanted, turning } = &*self.state();
        match wanted {
            None => Some("not started".to_owned()),
            Some(wanted) => (turning.len() < *wanted).then(|| format!("{} of {wanted} have started", turning.len())),
        }
    }

    /// Which one hangs, and for how long.
    pub fn hanging(&self) -> Option<String> {
        let state = self.state();
        let silent = state.turning.iter().map(|(worker, marks)| (worker, marks.silence()));
        let (worker, silence) =
            silent.filter(|(_, silence)| *silence >= HANGS_AFTER).max_by_key(|(_, silence)| *silence)?;
        Some(format!("worker {worker} has not turned for {} s", silence.as_secs()))
    }

    /// How far the clock is ahead of the frontier, where it is farthest; `None` while no worker turns.
    pub fn frontier_lag(&self) -> Option<Duration> {
        self.state().turning.values().map(|marks| marks.frontier_lag()).max()
    }
}

/// A worker that turns, until this is dropped.
pub(super) struct LivenessGuard {
    counters: Arc<Counters>,
    worker: usize,
    marks: Arc<Liveness>,
}

impl LivenessGuard {
    pub(super) fn start(counters: &Arc<Counters>, worker: usize, clock: ClusterClock) -> Self {
        let now = clock.now();
        let marks = Arc::new(Liveness { clock, turned_at: AtomicU64::new(now), frontier: AtomicU64::new(now) });
        counters.workers.state().turning.insert(worker, Arc::clone(&marks));
        LivenessGuard { counters: Arc::clone(counters), worker, marks }
    }

    /// The main loop turns, with this frontier behind everything.
    pub(super) fn turn(&self, frontier: Option<Timestamp>) {
        self.marks.turned_at.store(self.marks.clock.now(), Ordering::Relaxed);
        self.marks.frontier.store(frontier.unwrap_or(DONE), Ordering::Relaxed);
    }
}

impl Drop for LivenessGuard {
    fn drop(&mut self) {
        self.counters.workers.state().turning.remove(&self.worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_hangs_is_named_and_one_that_left_is_not() {
        let (counters, clock) = (Arc::new(Counters::of::<delaycast::domain::Flights>()), ClusterClock::start());
        let workers = &counters.workers;
        assert_eq!(workers.missing().as_deref(), Some("not started"));
        workers.want(2);
        let (zero, one) = (LivenessGuard::start(&counters, 0, clock), LivenessGuard::start(&counters, 1, clock));
        zero.turn(None);
        one.turn(Some(clock.now()));
        assert_eq!((workers.missing(), workers.hanging()), (None, None));

        let long_ago = clock.now() - HANGS_AFTER.as_millis() as u64;
        one.marks.turned_at.store(long_ago - 1000, Ordering::Relaxed);
        assert!(workers.hanging().unwrap().starts_with("worker 1 has not turned for 3"));
        drop(one);
        assert_eq!(workers.hanging(), None);
        assert_eq!(workers.missing().as_deref(), Some("1 of 2 have started"));
    }

    #[test]
    fn the_frontier_that_is_farthest_behind_counts() {
        let (counters, clock) = (Arc::new(Counters::of::<delaycast::domain::Flights>()), ClusterClock::start());
        assert_eq!(counters.workers.frontier_lag(), None);
        let (zero, one) = (LivenessGuard::start(&counters, 0, clock), LivenessGuard::start(&counters, 1, clock));
        zero.turn(None);
        one.turn(Some(clock.now() - 5_000));
        assert!(counters.workers.frontier_lag().unwrap() >= Duration::from_secs(5));
        one.turn(None);
        assert_eq!(counters.workers.frontier_lag(), Some(Duration::ZERO));
    }
}
