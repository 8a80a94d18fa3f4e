//! The seam for a state that requests are scored with (`crate::live` fills it).

use std::{rc::Rc, sync::Arc};

use engine::{delivery::Health, domain::Domain, live::EventTime, runtime::Stop};
use timely::{scheduling::Activator, worker::Worker};

use super::clock::ClusterClock;

/// Gives requests what bears on them, as of their moments. One a worker.
pub trait Observer<D: Domain> {
    /// Gives a request what bears on it; it was read at this time.
    fn observe(&self, request: &mut D::Request, read_at: EventTime);

    /// Returns how far the state is.
    fn progress(&self) -> StateProgress;

    /// Has an operator of the same worker activated whenever the state changes.
    fn activate_on_change(&self, activator: Activator);
}

/// The progress of a worker's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateProgress {
    /// The number of changes that it has taken over.
    pub changes: u64,
    /// The time of the latest event; 0 before the first one.
    pub latest: EventTime,
    /// True once it has all events that their log had when it was opened.
    pub is_rebuilt: bool,
}

/// A source of events: it hides their types, as a domain without events has none.
pub trait Events<D: Domain>: Send + Sync {
    /// Builds a dataflow on a worker, and returns the observer of its state. Does not block.
    fn build(&self, worker: &mut Worker, clock: ClusterClock, stop: &Stop) -> Rc<dyn Observer<D>>;

    /// Returns the health of reading events.
    fn health(&self) -> &Arc<Health>;
}
