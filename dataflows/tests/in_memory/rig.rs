//! A scorer with events, between logs and a store in memory.

use std::sync::Arc;

use delaycast_dataflows::{
    live::{self, EventLog},
    score::{Config, Connections, Models},
};
use engine::log::Log;

use super::{ByValue, DEADLINE, MemoryLog, MemoryStore, Running, domain::Readings};

/// The scorer's logs and its store.
pub struct Rig {
    pub requests: Arc<MemoryLog>,
    pub events: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
}

#[allow(dead_code, reason = "for those with events")]
impl Rig {
    pub fn new() -> Self {
        let store = MemoryStore::new();
        Rig { requests: MemoryLog::new(4, &store), events: MemoryLog::new(3, &store), store }
    }

    /// Starts a scorer; returns the counters of its events, too.
    pub fn start(&self, workers: usize) -> (Running, Arc<live::Counters>) {
        self.start_with(workers, Arc::clone(&self.events) as _)
    }

    pub fn start_with(&self, workers: usize, events: Arc<dyn Log>) -> (Running, Arc<live::Counters>) {
        let events = EventLog::<Readings>::new(events);
        let counters = Arc::clone(events.counters());
        let connections = Connections::new(Arc::clone(&self.requests) as _, Arc::clone(&self.store) as _);
        let config = Config { drain: DEADLINE, ..Config::new(workers) };
        let models = Models::fixed(ByValue::new());
        (Running::start_connected(config, connections.with_events(Arc::new(events)), models), counters)
    }
}
