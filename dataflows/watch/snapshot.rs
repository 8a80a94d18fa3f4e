//! The counts, and the snapshots of them that other threads read.

use std::{collections::BTreeMap, sync::Arc};

use engine::{delivery::Waiting, runtime::Mutex};

use super::{Key, Timestamp};

/// The current counts; between two snapshots they are inconsistent. Workers share them, and each key has one worker.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<Key, isize>>>);

impl Counts {
    /// Adds a change to a count. A new count arrives as two changes, minus the old one and plus the new, in any order.
    pub(super) fn add(&self, key: &Key, change: isize) {
        let mut counts = self.0.lock();
        match counts.get_mut(key) {
            Some(count) => *count += change,
            None => drop(counts.insert(key.clone(), change)),
        }
        if counts.get(key) == Some(&0) {
            counts.remove(key);
        }
    }

    /// Returns all counts that are not 0.
    pub fn get(&self) -> BTreeMap<Key, isize> {
        self.0.lock().clone()
    }
}

/// The counts at a time.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The time; 0 before the first snapshot.
    pub at: Timestamp,
    /// All counts that are not 0.
    pub counts: BTreeMap<Key, isize>,
    /// The elapsed seconds since the end of every source was reached; `None` if the end of one never was.
    pub behind_s: Option<u64>,
    /// The outages, each with the name of its source.
    pub waiting: Vec<(&'static str, Waiting)>,
}

/// A cell that holds the latest snapshot.
#[derive(Debug, Default)]
pub struct SnapshotCell(Mutex<Arc<Snapshot>>);

impl SnapshotCell {
    /// Returns the latest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock())
    }

    pub(super) fn set(&self, snapshot: Snapshot) {
        *self.0.lock() = Arc::new(snapshot);
    }
}
