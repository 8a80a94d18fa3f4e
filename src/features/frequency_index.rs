//! Numbering values by frequency.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{
    Group, Known, TrainingFlight,
    group::{Key, Table},
};

/// The values of a group numbered by how often they occur in training: the most frequent is 0, of equals the first in
/// the alphabet comes first. A value that did not occur gets the number of those that did. (Spark's `StringIndexer`
/// with `handleInvalid = keep`.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyIndex {
    /// What is numbered.
    pub group: Group,
    table: Table<f32>,
}

impl FrequencyIndex {
    /// Numbers the values that occur.
    pub fn fit(group: Group, flights: &[TrainingFlight]) -> Self {
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for key in flights.iter().filter_map(|flight| group.key(&Known::of(flight))) {
            *counts.entry(key).or_default() += 1;
        }
        let mut keys: Vec<Key> = counts.keys().copied().collect();
        keys.sort_by_key(|key| Reverse(counts[key]));
        let mut table: Vec<(Key, f32)> = keys.into_iter().enumerate().map(|(at, key)| (key, at as f32)).collect();
        table.sort_by_key(|(key, _)| *key);
        FrequencyIndex { group, table: Table::new(table) }
    }

    /// The number of a flight's value.
    pub(super) fn of(&self, known: &Known<'_>) -> f32 {
        let number = self.group.key(known).and_then(|key| self.table.get(&key));
        number.unwrap_or(self.table.len() as f32)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.table.is_sound(f32::is_finite)
    }
}
