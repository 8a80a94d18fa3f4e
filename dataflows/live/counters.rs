//! Counters of the live dataflow: atomics, each updated once a batch.

use crate::score::Counter;

/// Counters of the events of one process.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages that were read.
    pub read: Counter,
    /// Messages that were no events: dead letters, each once.
    pub broken: Counter,
    /// Events that were new.
    pub kept: Counter,
    /// Events that were known.
    pub repeated: Counter,
    /// Events of subjects that were not kept any more.
    pub expired: Counter,
    /// Events that were removed with their subjects.
    pub removed: Counter,
    /// Changes of subjects that a worker of this process has taken over.
    pub changed: Counter,
}
