//! How many records went which way.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many messages each worker has yet to commit, where its log knows.
#[derive(Debug, Default)]
pub struct Lag(Mutex<BTreeMap<usize, Option<u64>>>);

impl Lag {
    pub(super) fn set(&self, worker: usize, lag: Option<u64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(worker, lag);
    }

    /// Of all workers of this process; `None` if one does not know, or none has said.
    pub fn get(&self) -> Option<u64> {
        let lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lags.is_empty() { None } else { lags.values().copied().sum() }
    }
}

/// What the workers of a process have done since it started. A record that is read again is counted again.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records read from the log.
    pub read: Counter,
    /// Records that are durable, whatever became of them, under timestamps that have passed.
    pub retired: Counter,
    /// Answers that the store has acknowledged.
    pub answers: Counter,
    /// Dead letters that their log has acknowledged.
    pub dead_letters: Counter,
    /// Rejections that the store has acknowledged.
    pub rejections: Counter,
    /// Messages of the log that are not yet committed.
    pub lag: Lag,
}

impl Counters {
    /// Records read and not yet retired.
    pub fn in_flight(&self) -> u64 {
        let retired = self.retired.get();
        self.read.get().saturating_sub(retired)
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { read, answers, dead_letters, .. } = self;
        write!(f, "{} read, {} answered, {} dead letters", read.get(), answers.get(), dead_letters.get())
    }
}
