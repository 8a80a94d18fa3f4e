//! Numbering values by frequency.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Group, Known, TrainingFlight, seen::Seen, table::Table};

/// The values of a group numbered by how often they occur in training: the most frequent is 0, of equals the first in
/// the alphabet comes first. A value that did not occur gets the number of those that did. (Spark's `StringIndexer`
/// with `handleInvalid = keep`.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyIndex {
    /// What is numbered.
    pub group: Group,
    /// By place in the group; a model file has it apart.
    #[serde(skip)]
    pub(super) table: Table,
}

impl FrequencyIndex {
    /// Numbers the values that occur.
    pub(super) fn fit(group: Group, seen: &Seen, flights: &[TrainingFlight]) -> Self {
        let mut counts = vec![0u64; seen.len(group)];
        for flight in flights {
            let query = &flight.query();
            if let Some(place) = seen.place(group, query, query.schedule) {
                counts[place] += 1;
            }
        }
        let mut places: Vec<usize> = (0..counts.len()).collect();
        places.sort_by_key(|&place| Reverse(counts[place]));
        let mut table = vec![0.0; counts.len()];
        for (number, place) in places.into_iter().enumerate() {
            table[place] = number as f32;
        }
        FrequencyIndex { group, table: Table(table.into()) }
    }

    /// The number of a flight's value.
    pub(super) fn of(&self, known: &Known<'_>) -> f32 {
        self.table.get(known.places.of(self.group)).unwrap_or(self.table.len() as f32)
    }
}
