//! How many records went which way.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
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
