//! Where the counts can be read.

use std::{collections::BTreeMap, sync::Arc};

use engine::{delivery::Waiting, runtime::Mutex};

use super::{Key, Timestamp};

/// The counts as they change; in the middle of a turn they are of no moment. Workers share them: a key is one worker's.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<BTreeMap<Key, isize>>>);

impl Counts {
    /// Changes come as the old count taken away and the new one added, in any order.
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

    /// All counts that are not 0.
    pub fn get(&self) -> BTreeMap<Key, isize> {
        self.0.lock().clone()
    }
}

/// The counts at a moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The moment; 0 before the first.
    pub at: Timestamp,
    /// All counts that are not 0.
    pub counts: BTreeMap<Key, isize>,
    /// For so many seconds, by elapsed time, the end of a source was not in sight; none if one's never was.
    pub behind_s: Option<u64>,
    /// What is waited for, in a few words, and since when.
    pub waiting: Vec<(&'static str, Waiting)>,
}

/// Shows the latest snapshot.
#[derive(Debug, Default)]
pub struct SnapshotCell(Mutex<Arc<Snapshot>>);

impl SnapshotCell {
    /// The latest.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.lock())
    }

    pub(super) fn show(&self, snapshot: Snapshot) {
        *self.0.lock() = Arc::new(snapshot);
    }
}
