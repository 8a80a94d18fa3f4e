//! The replacement of a model while the dataflow runs: on all workers of all processes, at one timestamp.
//!
//! ```text
//!  dataflow SendModels:
//!
//!  desired ─▶ SendModel ─▶ [each process's first worker] ─▶ CheckModel ─▶ [worker 0] ─▶ CountVotes
//!  (watcher)  worker 0      chunks of the file               │ thread                   │ all processes
//!                                                            ▼                          │ are ready
//!                                                       LoadedModels                    │
//!  dataflow AnnounceModels:                                  │                          │
//!                                                            ▼                          ▼
//!                              Score ◀── Schedule ◀── Apply ◀── [all workers] ◀── Announce
//! ```
//!
//! Both dataflows are built before a worker opens its log and store. If the announcements were a second input of
//! `Score`, no worker could answer before the last one has built its part, and one unavailable store would stop all
//! workers. `AnnounceModels` has the timestamps of the score dataflow; the timestamps of `SendModels` count chunks.
//!
//! # The rules
//!
//! Each has a test of its number in `tests.rs` beside this file, rule 5 in `proposer.rs`.
//!
//! 1. The timestamp of a request alone determines the model that answers it: the model announced for the latest
//!    timestamp that is not after the request's.
//! 2. A model is announced when every process has decoded and checked it, outside of its worker threads, with its own
//!    routes. A model that one process refuses is used by none: the current model stays, and the reason is logged once.
//! 3. Worker 0's capability to announce is always [`LEAD`] ahead of the fastest process's clock, so that the frontier
//!    of announcements is beyond the timestamp of a request. Otherwise the request waits, and is answered in order, by
//!    the model that rule 1 determines.
//! 4. At most [`WINDOW`] chunks of [`CHUNK_BYTES`] are in flight, so that records and heartbeats are sent between them.
//! 5. There is one proposal at a time. A newer desired model replaces a proposal that is being sent or checked, and
//!    waits for the end of one that is announced.
//! 6. A model is dropped when no request can have a timestamp at which it is active.
//! 7. After a stop worker 0 announces no more models, and no worker waits for it.

mod announce;
mod proposer;
mod schedule;
mod send;
#[cfg(test)]
mod tests;

use std::{cell::RefCell, io, rc::Rc, sync::Arc, time::Duration};

use engine::{
    answer::ModelVersion,
    domain::Domain,
    model::{DesiredModels, Loader, Scorer},
    runtime::Stop,
};
use timely::worker::Worker;

use super::generation::{Generation, Shared};

pub(super) use schedule::{ActiveModels, Schedule, SharedSchedule};

use proposer::Proposer;

/// Delay between the announcement and the activation of a model; it must exceed the latency of the broadcast.
pub const LEAD: Duration = Duration::from_secs(1);
/// Interval at which worker 0 downgrades its capability to announce, and polls the desired models.
const ANNOUNCE_INTERVAL: Duration = Duration::from_millis(100);
/// Length of a chunk of a model file.
const CHUNK_BYTES: usize = 64 << 10;
/// Upper bound on the chunks in flight to the slowest process.
const WINDOW: usize = 8;

/// The first model of a scorer, and the source of its successors.
pub struct Models<D: Domain> {
    first: Arc<dyn Scorer<D>>,
    desired: DesiredModels,
    loader: Arc<dyn Loader<D>>,
}

impl<D: Domain> Clone for Models<D> {
    fn clone(&self) -> Self {
        Models { first: Arc::clone(&self.first), desired: self.desired.clone(), loader: Arc::clone(&self.loader) }
    }
}

impl<D: Domain> Models<D> {
    /// Starts with `first`. Models that are put into `desired` in process 0 are sent to all processes, and the `loader`
    /// of each makes scorers of them.
    pub fn new(first: Arc<dyn Scorer<D>>, desired: &DesiredModels, loader: Arc<dyn Loader<D>>) -> Self {
        Models { first, desired: desired.clone(), loader }
    }

    /// Starts with `first` and refuses all other models.
    pub fn fixed(first: Arc<dyn Scorer<D>>) -> Self {
        Models::new(first, &DesiredModels::default(), Arc::new(RefusingLoader))
    }

    /// Returns the version of the first model.
    pub(super) fn version(&self) -> &ModelVersion {
        self.first.version()
    }
}

struct RefusingLoader;

impl<D: Domain> Loader<D> for RefusingLoader {
    fn load(&self, _: &ModelVersion, _: &[u8]) -> Result<Arc<dyn Scorer<D>>, String> {
        Err("this process takes no other model".to_owned())
    }
}

/// The position of a worker among all workers.
#[derive(Debug, Clone, Copy)]
struct WorkerPosition {
    /// The worker's number.
    index: usize,
    /// The number of all workers.
    peers: usize,
    /// The number of workers in each process.
    workers: usize,
}

impl WorkerPosition {
    fn processes(self) -> usize {
        self.peers / self.workers
    }

    fn process(self) -> usize {
        self.index / self.workers
    }

    fn is_first_of_process(self) -> bool {
        self.index.is_multiple_of(self.workers)
    }

    fn is_worker_0(self) -> bool {
        self.index == 0
    }
}

/// Builds one worker's part, and returns the schedule of its models.
pub(super) fn build<D: Domain>(
    worker: &mut Worker,
    models: &Models<D>,
    generation: &Generation<D>,
    shared: &Shared<D>,
    stop: &Stop,
) -> io::Result<SharedSchedule<D>> {
    let position = WorkerPosition { index: worker.index(), peers: worker.peers(), workers: generation.workers };
    let schedule = Rc::new(RefCell::new(Schedule::new(Arc::clone(&models.first))));
    let proposer = Rc::new(RefCell::new(Proposer::new(position.processes(), models.version())));
    // The first worker of each process has its models checked.
    let loader_thread = position
        .is_first_of_process()
        .then(|| send::LoaderThread::start(&models.loader, &generation.loaded_models))
        .transpose()?;
    worker.dataflow_named("SendModels", |scope| {
        let addressed_chunks = send::send_model(scope, position, &models.desired, &proposer, stop);
        let votes = send::check_model(addressed_chunks, position, loader_thread);
        proposer::count_votes(votes, &proposer, &shared.counters);
    });
    worker.dataflow_named("AnnounceModels", |scope| {
        announce::announce(scope, position, &proposer, &schedule, generation, shared, stop);
    });
    Ok(schedule)
}
