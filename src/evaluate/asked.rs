//! Asking a forest about flights of the past.

use crate::{
    airports::Airports,
    features::{FeatureSet, KnownInputs, Query},
    flight::Probabilities,
    forest::Forest,
};

/// So many flights are encoded at a time: some megabytes of rows.
const CHUNK: usize = 1 << 16;

/// A forest, and what it takes to ask it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The features that it was grown on.
    pub features: &'a FeatureSet,
    /// Where unknown distances come from.
    pub airports: &'a Airports,
    /// The forest.
    pub forest: &'a Forest,
    /// What it is given; the rest is kept from it.
    pub given: KnownInputs,
}

impl Asked<'_> {
    /// What it says, in the order in which it is asked.
    pub fn predictions<'q>(&self, queries: impl Iterator<Item = Query<'q>>) -> Vec<Probabilities> {
        let mut predictions = Vec::with_capacity(queries.size_hint().0);
        let mut rows = Vec::new();
        for query in queries {
            self.encode(query, &mut rows);
            if rows.len() >= CHUNK * self.features.width() {
                predictions.extend(self.forest.probabilities_of_all(&rows));
                rows.clear();
            }
        }
        predictions.extend(self.forest.probabilities_of_all(&rows));
        predictions
    }

    /// Appends a query's row, without what the forest may not know.
    pub(super) fn encode(&self, query: Query<'_>, rows: &mut Vec<f32>) {
        self.features.encode(&query.restricted_to(self.given), self.airports, rows);
    }
}
