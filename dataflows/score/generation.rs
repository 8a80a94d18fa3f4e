//! The settings of a generation of workers, and the model that a process has loaded for the next swap.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use engine::{domain::Domain, model::Scorer, runtime::Mutex};

use super::{ClusterClock, InFlightSize};
use crate::heartbeat::FailureDetector;

/// The number of a proposal, from 1 on.
pub(super) type ProposalNumber = u64;

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
