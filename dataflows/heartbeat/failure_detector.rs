//! The failure detector of a process: records the heartbeats of all workers, and a watchdog thread checks them.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Interval of each worker's heartbeats.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);
/// A worker without a heartbeat for this time has failed.
pub const FAILURE_TIMEOUT: Duration = Duration::from_secs(2);
/// Upper bound on the wait for the others after this process's work is done: their last commit takes at most 8 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(13);
/// Interval of the watchdog's checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The last heartbeat of each worker of a cluster, as one process has received them.
#[derive(Debug)]
pub struct FailureDetector {
    process: usize,
    workers: usize,
    started: Instant,
    /// By worker, in milliseconds since `started`.
    pub(super) heartbeats_ms: Vec<AtomicU64>,
    /// Lead of the fastest clock over this process's.
    clock_lead_ms: AtomicU64,
    stopped_by: OnceLock<usize>,
    work_done: AtomicBool,
    left: AtomicBool,
}

/// A detected failure: the reason to leave the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Another process sends no heartbeats.
    PeerTimeout {
        /// Its number.
        process: usize,
        /// The time since its last heartbeat.
        silent: Duration,
    },
    /// A worker of this process hangs.
    WorkerTimeout {
        /// Its number in the cluster.
        worker: usize,
        /// The time since its last heartbeat.
        silent: Duration,
    },
    /// The work is done, and the others have not closed their connections.
    ShutdownTimeout {
        /// The time since the work was done.
        waited: Duration,
    },
    /// This process was suspended: the others have detected its failure, and may run the next generation without it.
    Suspended {
        /// For how long.
        stalled: Duration,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::PeerTimeout { process, silent } => {
                write!(f, "process {process} was not heard for {:.1} s", silent.as_secs_f64())
            }
            Failure::WorkerTimeout { worker, silent } => {
                write!(f, "worker {worker}, of this process, has done nothing for {:.1} s", silent.as_secs_f64())
            }
            Failure::ShutdownTimeout { waited } => {
                write!(f, "the others have not left within {:.0} s after the work was done", waited.as_secs_f64())
            }
            Failure::Suspended { stalled } => {
                write!(f, "this process was held up for {:.1} s, and the others have lost it", stalled.as_secs_f64())
            }
        }
    }
}

impl FailureDetector {
    /// Returns the detector of process `process` of `processes` with `workers` each. All workers count as alive now.
    pub fn new(process: usize, processes: usize, workers: usize) -> Self {
        FailureDetector {
            process,
            workers,
            started: Instant::now(),
            heartbeats_ms: (0..processes * workers).map(|_| AtomicU64::new(0)).collect(),
            clock_lead_ms: AtomicU64::new(0),
            stopped_by: OnceLock::new(),
            work_done: AtomicBool::new(false),
            left: AtomicBool::new(false),
        }
    }

    /// Returns the number of this process.
    pub(super) fn process(&self) -> usize {
        self.process
    }

    /// Returns the first process that was told to stop, if any was.
    pub fn stopped_by(&self) -> Option<usize> {
        self.stopped_by.get().copied()
    }

    /// Notes that all that was read is durable: from now on the others may leave, within [`SHUTDOWN_TIMEOUT`].
    pub(crate) fn work_done(&self) {
        self.work_done.store(true, Ordering::Release);
    }

    /// Notes that this process has left the generation; ends the watchdog.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    /// Returns the workers that receive heartbeats: the first of each process.
    pub(super) fn receivers(&self) -> Vec<usize> {
        (0..self.heartbeats_ms.len()).step_by(self.workers).collect()
    }

    /// Records a heartbeat of a worker.
    pub(super) fn record_heartbeat(&self, worker: usize, stopping: bool) {
        if let Some(heartbeat_ms) = self.heartbeats_ms.get(worker) {
            heartbeat_ms.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
        if stopping {
            // The first request counts as the reason; `set` fails for later ones.
            let _ = self.stopped_by.set(worker / self.workers);
        }
    }

    /// Records another process's clock beside this one's.
    pub(crate) fn record_clock(&self, theirs_ms: u64, ours_ms: u64) {
        self.clock_lead_ms.fetch_max(theirs_ms.saturating_sub(ours_ms), Ordering::Relaxed);
    }

    /// Returns how far the fastest clock of all processes was ahead of this one's, less the latency of heartbeats. All
    /// clocks have the same origin, but not all processes have received it at the same time.
    pub(crate) fn clock_lead(&self) -> Duration {
        Duration::from_millis(self.clock_lead_ms.load(Ordering::Relaxed))
    }

    /// Starts a thread that calls `on_failure` at the first failure; the thread ends when this process has left.
    pub(crate) fn spawn_watchdog(
        self: &Arc<Self>,
        on_failure: impl FnOnce(Failure) + Send + 'static,
    ) -> std::io::Result<()> {
        let detector = Arc::clone(self);
        let watch = move || {
            let (mut checked, mut work_done) = (Instant::now(), None);
            loop {
                thread::sleep(CHECK_INTERVAL);
                if detector.left.load(Ordering::Acquire) {
                    return;
                }
                if detector.work_done.load(Ordering::Acquire) {
                    let waited = work_done.get_or_insert_with(Instant::now).elapsed();
                    if waited >= SHUTDOWN_TIMEOUT {
                        return on_failure(Failure::ShutdownTimeout { waited });
                    }
                    continue;
                }
                if let ControlFlow::Break(failure) = detector.check(Instant::now(), checked) {
                    return on_failure(failure);
                }
                checked = Instant::now();
            }
        };
        thread::Builder::new().name("watchdog".into()).spawn(watch).map(drop)
    }

    /// Checks for a failure; `checked` is the time of the previous check.
    pub(super) fn check(&self, now: Instant, checked: Instant) -> ControlFlow<Failure> {
        let stalled = now.saturating_duration_since(checked);
        if stalled >= FAILURE_TIMEOUT {
            return ControlFlow::Break(Failure::Suspended { stalled });
        }
        // The watchdog itself was late, and so may be the worker that receives: missing heartbeats prove nothing.
        if stalled >= CHECK_INTERVAL + HEARTBEAT_INTERVAL {
            return ControlFlow::Continue(());
        }
        let now_ms = now.saturating_duration_since(self.started).as_millis() as u64;
        for (worker, heartbeat_ms) in self.heartbeats_ms.iter().enumerate() {
            let silent = Duration::from_millis(now_ms.saturating_sub(heartbeat_ms.load(Ordering::Relaxed)));
            if silent >= FAILURE_TIMEOUT {
                let process = worker / self.workers;
                return ControlFlow::Break(match process == self.process {
                    true => Failure::WorkerTimeout { worker, silent },
                    false => Failure::PeerTimeout { process, silent },
                });
            }
        }
        ControlFlow::Continue(())
    }
}
