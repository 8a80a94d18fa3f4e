//! Who was heard when, and who watches that.

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

use super::{BEAT, LOST};

/// A last commit takes 8 s at most, and then all leave.
const LINGER: Duration = Duration::from_secs(13);
/// How often the watchdog looks.
const LOOK: Duration = Duration::from_millis(100);

/// When each worker of a cluster was heard last, as one process knows it.
#[derive(Debug)]
pub struct Pulse {
    process: usize,
    workers: usize,
    since: Instant,
    /// By worker, in milliseconds since `since`.
    pub(super) heard_ms: Vec<AtomicU64>,
    /// How far the fastest clock is ahead of this process's.
    ahead_ms: AtomicU64,
    ended_by: OnceLock<usize>,
    over: AtomicBool,
    left: AtomicBool,
}

/// Why a generation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Another process is not heard any more.
    Silent {
        /// Its number.
        process: usize,
        /// For how long.
        silent: Duration,
    },
    /// A worker of this process hangs.
    Stuck {
        /// Its number in the cluster.
        worker: usize,
        /// For how long.
        silent: Duration,
    },
    /// The work is done, and the others have not closed their connections.
    Lingering {
        /// For how long.
        waited: Duration,
    },
    /// This process was held up: the others have lost it, and may have gone on without it.
    HeldUp {
        /// For how long.
        stood: Duration,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Silent { process, silent } => {
                write!(f, "process {process} was not heard for {:.1} s", silent.as_secs_f64())
            }
            Loss::Stuck { worker, silent } => {
                write!(f, "worker {worker}, of this process, has done nothing for {:.1} s", silent.as_secs_f64())
            }
            Loss::Lingering { waited } => {
                write!(f, "the others have not left within {:.0} s after the work was done", waited.as_secs_f64())
            }
            Loss::HeldUp { stood } => {
                write!(f, "this process was held up for {:.1} s, and the others have lost it", stood.as_secs_f64())
            }
        }
    }
}

impl Pulse {
    /// For process `process` of `processes`, each with so many workers. All count as heard just now.
    pub fn new(process: usize, processes: usize, workers: usize) -> Self {
        Pulse {
            process,
            workers,
            since: Instant::now(),
            heard_ms: (0..processes * workers).map(|_| AtomicU64::new(0)).collect(),
            ahead_ms: AtomicU64::new(0),
            ended_by: OnceLock::new(),
            over: AtomicBool::new(false),
            left: AtomicBool::new(false),
        }
    }

    /// This process's number.
    pub(super) fn process(&self) -> usize {
        self.process
    }

    /// The process that was told to stop first, if any was.
    pub fn ended_by(&self) -> Option<usize> {
        self.ended_by.get().copied()
    }

    /// All that was read is durable: from now on the others may leave when they like, but not too late.
    pub(crate) fn over(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// This process has left the generation.
    pub(crate) fn left(&self) {
        self.left.store(true, Ordering::Release);
    }

    /// The workers that are told: the first of each process.
    pub(super) fn listeners(&self) -> Vec<usize> {
        (0..self.heard_ms.len()).step_by(self.workers).collect()
    }

    /// A worker was heard just now.
    pub(super) fn heard(&self, worker: usize, stopping: bool) {
        if let Some(heard_ms) = self.heard_ms.get(worker) {
            heard_ms.store(self.since.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
        if stopping {
            // Somebody else's word came first: that one is the reason.
            let _ = self.ended_by.set(worker / self.workers);
        }
    }

    /// Another process's clock said this a moment ago, and this one's says that now.
    pub(crate) fn compare(&self, theirs_ms: u64, ours_ms: u64) {
        self.ahead_ms.fetch_max(theirs_ms.saturating_sub(ours_ms), Ordering::Relaxed);
    }

    /// How far the fastest clock of all processes was seen ahead of this one's, less the time that word takes. They all
    /// count from one moment, but not all have heard of it at the same time.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Starts a thread that calls `leave` when the generation is over; it ends when the work is done.
    pub(crate) fn watch(self: &Arc<Self>, leave: impl FnOnce(Loss) + Send + 'static) -> std::io::Result<()> {
        let pulse = Arc::clone(self);
        let watch = move || {
            let (mut looked, mut over) = (Instant::now(), None);
            loop {
                thread::sleep(LOOK);
                if pulse.left.load(Ordering::Acquire) {
                    return;
                }
                if pulse.over.load(Ordering::Acquire) {
                    let waited = over.get_or_insert_with(Instant::now).elapsed();
                    if waited >= LINGER {
                        return leave(Loss::Lingering { waited });
                    }
                    continue;
                }
                if let ControlFlow::Break(loss) = pulse.look(Instant::now(), looked) {
                    return leave(loss);
                }
                looked = Instant::now();
            }
        };
        thread::Builder::new().name("watchdog".into()).spawn(watch).map(drop)
    }

    /// What there is to see now, when it was looked before at `looked`.
    pub(super) fn look(&self, now: Instant, looked: Instant) -> ControlFlow<Loss> {
        let stood = now.saturating_duration_since(looked);
        if stood >= LOST {
            return ControlFlow::Break(Loss::HeldUp { stood });
        }
        // The watchdog itself was late: then so was the worker that it asks, and what it has not heard says nothing.
        if stood >= LOOK + BEAT {
            return ControlFlow::Continue(());
        }
        let now_ms = now.saturating_duration_since(self.since).as_millis() as u64;
        for (worker, heard_ms) in self.heard_ms.iter().enumerate() {
            let silent = Duration::from_millis(now_ms.saturating_sub(heard_ms.load(Ordering::Relaxed)));
            if silent >= LOST {
                let process = worker / self.workers;
                return ControlFlow::Break(match process == self.process {
                    true => Loss::Stuck { worker, silent },
                    false => Loss::Silent { process, silent },
                });
            }
        }
        ControlFlow::Continue(())
    }
}
