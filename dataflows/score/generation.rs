//! A generation of workers: its settings, the parts that its workers share, and the reasons for its end.

use std::{
    io,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use engine::{delivery::Unavailable, domain::Domain, model::Scorer, runtime::Mutex};

use super::{
    clock::ClusterClock,
    commit::{InFlightSize, SharedInFlight},
    counters::Counters,
    observe::Observer,
    shadow::ShadowQueue,
};
use crate::heartbeat::FailureDetector;

/// The settings of the score dataflow.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads in this process.
    pub workers: usize,
    /// Upper bound on the records in flight, for each worker.
    pub in_flight: InFlightSize,
    /// Timeout within which a stopping worker's records must become durable.
    pub drain: Duration,
}

impl Config {
    /// The default bound of a worker: the first of both limits that is reached.
    pub const IN_FLIGHT: InFlightSize = InFlightSize { records: 20_000, bytes: 64 << 20 };
    /// The default timeout: less than the 10 s after which container runtimes kill a process.
    pub const DRAIN: Duration = Duration::from_secs(8);

    /// Returns the defaults, for a number of workers.
    pub fn new(workers: usize) -> Self {
        Config { workers, in_flight: Self::IN_FLIGHT, drain: Self::DRAIN }
    }
}

/// The reason why the dataflow has ended with unfinished work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store or the log did not acknowledge the records in flight before the timeout of a stop. Nothing is lost:
    /// they are read again from the committed offsets.
    #[error("stopped with {records} records not yet durable: they will be read again at the next start")]
    Undrained {
        /// The number of records in flight.
        records: usize,
        /// The outage.
        #[source]
        reason: Option<Unavailable>,
    },
    /// A part has failed by a defect. No offset is committed after that.
    #[error("the scorer cannot go on: {0}")]
    Broken(String),
    /// Another process of the cluster was stopped, which has ended the generation without a loss.
    #[error("generation {generation} has ended: process {process} was told to stop")]
    Ended {
        /// The number of the generation.
        generation: u64,
        /// The number of the process that was stopped.
        process: usize,
    },
    /// The operating system has refused a thread or a socket.
    #[error("cannot start the scorer's threads")]
    NoThread(#[from] io::Error),
    /// Timely could not start, or a worker has panicked.
    #[error("timely: {0}")]
    Timely(String),
}

/// The settings and the shared parts of one generation of workers.
pub(super) struct Generation<D: Domain> {
    pub(super) rebalance: bool,
    pub(super) drain: Duration,
    pub(super) in_flight: InFlightSize,
    pub(super) clock: ClusterClock,
    /// Worker threads in each process.
    pub(super) workers: usize,
    /// Shared by the workers of this process.
    pub(super) loaded_models: LoadedModels<D>,
    pub(super) detector: Option<Arc<FailureDetector>>,
    /// Set when a worker of this process has left before it built its part.
    pub(super) unopened: Arc<AtomicBool>,
}

impl<D: Domain> Clone for Generation<D> {
    fn clone(&self) -> Self {
        Generation {
            rebalance: self.rebalance,
            drain: self.drain,
            in_flight: self.in_flight,
            clock: self.clock,
            workers: self.workers,
            loaded_models: self.loaded_models.clone(),
            detector: self.detector.clone(),
            unopened: self.unopened.clone(),
        }
    }
}

/// The parts that the operators of one worker share.
pub(super) struct Shared<D: Domain> {
    pub(super) clock: ClusterClock,
    pub(super) in_flight: SharedInFlight,
    pub(super) counters: Arc<Counters>,
    pub(super) shadow_queue: Option<ShadowQueue<D>>,
    /// The state of this worker that requests are scored with, if there are events.
    pub(super) observer: Option<Rc<dyn Observer<D>>>,
}

impl<D: Domain> Clone for Shared<D> {
    fn clone(&self) -> Self {
        let Shared { clock, in_flight, counters, shadow_queue, observer } = self;
        let (in_flight, counters) = (Rc::clone(in_flight), Arc::clone(counters));
        Shared { clock: *clock, in_flight, counters, shadow_queue: shadow_queue.clone(), observer: observer.clone() }
    }
}

/// The number of a proposal, from 1 on.
pub(super) type ProposalNumber = u64;

/// The model that a process has loaded; its workers share it. One slot suffices, as the next proposal is not sent
/// before all workers have received the announcement of the last.
pub(super) struct LoadedModels<D: Domain>(Arc<Mutex<Option<LoadedModel<D>>>>);

/// A proposal and its model.
type LoadedModel<D> = (ProposalNumber, Arc<dyn Scorer<D>>);

impl<D: Domain> Default for LoadedModels<D> {
    fn default() -> Self {
        LoadedModels(Arc::default())
    }
}

impl<D: Domain> Clone for LoadedModels<D> {
    fn clone(&self) -> Self {
        LoadedModels(Arc::clone(&self.0))
    }
}

impl<D: Domain> LoadedModels<D> {
    pub(super) fn put(&self, proposal: ProposalNumber, scorer: Arc<dyn Scorer<D>>) {
        *self.0.lock() = Some((proposal, scorer));
    }

    /// Returns the model of a proposal that was announced.
    pub(super) fn get(&self, proposal: ProposalNumber) -> Option<Arc<dyn Scorer<D>>> {
        let loaded_models = self.0.lock();
        loaded_models.as_ref().filter(|(number, _)| *number == proposal).map(|(_, scorer)| Arc::clone(scorer))
    }
}
