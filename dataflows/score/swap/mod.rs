//! Another model takes effect while the dataflow runs: on all workers of all processes, at one timestamp.
//!
//! ```text
//!  desired ─▶ SendModel ─▶ [each process's first worker] ─▶ CheckModel ─▶ [worker 0] ─▶ CountVotes      dataflow SendModels
//!  (watcher)  worker 0      chunks of the file               │ thread ▲                 │ all are ready
//!                                                            └▶ LoadedModels ┘                 ▼
//!                   Score ◀── Schedule ◀── Apply ◀── [all workers] ◀──────────────── Announce          dataflow AnnounceModels
//! ```
//!
//! Two dataflows of their own, built before a worker opens its log and store. Were the announcements a second input of
//! `Score`, no worker could answer before the last one has built its part, so that one store out of reach would hold up
//! all. Their timestamps are those of the score dataflow; the timestamps of `SendModels` count chunks.
//!
//! # The rules
//!
//! Each has a test of its number in `tests.rs` beside this file.
//!
//! 1. The timestamp of a request alone decides which model answers it: the one announced for the latest timestamp that is
//!    not after it.
//! 2. Nothing is announced before every process has decoded and checked the model, off its worker threads, with routes of
//!    its own. What one process refuses is used by none: the old model stays, and it is said once why.
//! 3. Worker 0's capability to announce is always [`LEAD`] ahead of the fastest process's clock, so that a request finds the frontier of
//!    announcements beyond its timestamp. If it does not, it waits, and is answered in order: late, but by the right model.
//! 4. At most [`WINDOW`] chunks of [`CHUNK_BYTES`] are on their way, so that records and heartbeats get through between
//!    them.
//! 5. One proposal at a time. A newer desired_model takes the position of one that is being sent or checked, and waits for one that
//!    is announced.
//! 6. A model that no request can ask for any more is dropped.
//! 7. Worker 0 announces nothing more once it is told to stop, and then nobody waits for it.

mod announce;
mod check;
mod proposer;
mod schedule;
mod send;
#[cfg(test)]
mod tests;
mod used;

use std::{cell::RefCell, io, rc::Rc, sync::Arc, time::Duration};

use engine::{
    answer::ModelVersion,
    domain::Domain,
    model::{DesiredModels, Loader, Scorer},
    runtime::Stop,
};
use timely::worker::Worker;

use super::{Shared, generation::Generation};

pub(super) use schedule::{ActiveModels, Schedule, SharedSchedule};
pub use used::ModelsInUse;

use proposer::Proposer;

/// A model takes effect so long after it was announced: longer than word takes to go round, shorter than a person waits.
pub const LEAD: Duration = Duration::from_secs(1);
/// How often worker 0 moves its capability to announce on, and looks for desired.
const ANNOUNCE_INTERVAL: Duration = Duration::from_millis(100);
/// How much of a model file goes in one chunk.
const CHUNK_BYTES: usize = 64 << 10;
/// So many chunks may be on their way to the slowest process.
const WINDOW: usize = 8;

/// The model that a scorer starts with, and where others come from.
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
    /// Starts with `first`. What is put among `desired` in process 0 is sent to all processes, and made a scorer by the
    /// `loader` of each.
    pub fn new(first: Arc<dyn Scorer<D>>, desired: &DesiredModels, loader: Arc<dyn Loader<D>>) -> Self {
        Models { first, desired: desired.clone(), loader }
    }

    /// One model, and no other ever.
    pub fn fixed(first: Arc<dyn Scorer<D>>) -> Self {
        Models::new(first, &DesiredModels::default(), Arc::new(NoOther))
    }

    /// The version that a scorer starts with.
    pub(super) fn version(&self) -> &ModelVersion {
        self.first.version()
    }
}

struct NoOther;

impl<D: Domain> Loader<D> for NoOther {
    fn load(&self, _: &ModelVersion, _: &[u8]) -> Result<Arc<dyn Scorer<D>>, String> {
        Err("this process takes no other model".to_owned())
    }
}

/// Where a worker is among the others.
#[derive(Debug, Clone, Copy)]
struct WorkerPosition {
    /// Its number.
    index: usize,
    /// How many there are.
    peers: usize,
    /// How many there are in each process.
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

    fn leads(self) -> bool {
        self.index == 0
    }
}

/// Builds one worker's part; what it returns tells which model answers when.
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
    // Only the first of a process checks.
    let loader_thread = position
        .is_first_of_process()
        .then(|| check::LoaderThread::open(&models.loader, &generation.loaded_models))
        .transpose()?;
    worker.dataflow_named("SendModels", |scope| {
        let addressed_chunks = send::send_model(scope, position, &models.desired, &proposer, stop);
        let votes = check::check_model(addressed_chunks, position, loader_thread);
        proposer::count_votes(votes, &proposer, &shared.counters);
    });
    worker.dataflow_named("AnnounceModels", |scope| {
        announce::announce(scope, position, &proposer, &schedule, generation, shared, stop);
    });
    Ok(schedule)
}
