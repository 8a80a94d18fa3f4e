//! Encoders: tables fitted in training that turn codes into numbers.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{Query, TrainingFlight};
use crate::{code::Code, explanation::Factor};

/// What flights are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    /// The airline.
    Carrier,
    /// Where it starts.
    Origin,
    /// Where it lands.
    Dest,
    /// Where it starts and lands.
    Route,
    /// The airline, where it starts and lands.
    CarrierRoute,
}

/// A value of a [`Group`], in as many parts as the group has.
type Key = (Code, Option<Code>, Option<Code>);

impl Group {
    /// What a group's number tells a person something of.
    pub(super) fn factor(self) -> Factor {
        match self {
            Group::Carrier => Factor::Carrier,
            Group::Origin => Factor::Origin,
            Group::Dest => Factor::Dest,
            Group::Route | Group::CarrierRoute => Factor::Route,
        }
    }

    fn key(self, query: &Query) -> Key {
        match self {
            Group::Carrier => (query.carrier, None, None),
            Group::Origin => (query.origin, None, None),
            Group::Dest => (query.dest, None, None),
            Group::Route => (query.origin, Some(query.dest), None),
            Group::CarrierRoute => (query.carrier, Some(query.origin), Some(query.dest)),
        }
    }
}

/// Numbers by key, in the keys' order; found by bisection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Table(Vec<(Key, f32)>);

impl Table {
    fn get(&self, key: &Key) -> Option<f32> {
        self.0.binary_search_by(|(known, _)| known.cmp(key)).ok().map(|at| self.0[at].1)
    }

    fn is_sound(&self) -> bool {
        self.0.is_sorted_by(|(a, _), (b, _)| a < b) && self.0.iter().all(|(_, number)| number.is_finite())
    }
}

/// The values of a group numbered by how often they occur in training: the most frequent is 0, of equals the first in
/// the alphabet comes first. A value that did not occur gets the number of those that did. (Spark's `StringIndexer`
/// with `handleInvalid = keep`.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyIndex {
    /// What is numbered.
    pub group: Group,
    table: Table,
}

impl FrequencyIndex {
    /// Numbers the values that occur.
    pub fn fit(group: Group, flights: &[TrainingFlight]) -> Self {
        let mut counts: BTreeMap<Key, u64> = BTreeMap::new();
        for flight in flights {
            *counts.entry(group.key(&flight.query)).or_default() += 1;
        }
        let mut keys: Vec<Key> = counts.keys().copied().collect();
        keys.sort_by_key(|key| Reverse(counts[key]));
        let mut table: Vec<(Key, f32)> = keys.into_iter().enumerate().map(|(at, key)| (key, at as f32)).collect();
        table.sort_by_key(|(key, _)| *key);
        FrequencyIndex { group, table: Table(table) }
    }

    /// The number of a query's value.
    pub fn of(&self, query: &Query) -> f32 {
        self.table.get(&self.group.key(query)).unwrap_or(self.table.0.len() as f32)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.table.is_sound()
    }
}

/// What a [`TargetMean`] is a mean of, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The arrival delay.
    ArrDelay,
    /// The departure delay less the arrival delay: what the flight made up on the way.
    MadeUp,
}

impl Outcome {
    /// The minutes, at most three hours either way, so that a few stranded flights do not set a route's mean.
    fn minutes(self, flight: &TrainingFlight) -> f64 {
        let minutes = match self {
            Outcome::ArrDelay => flight.arr_delay,
            Outcome::MadeUp => flight.dep_delay - flight.arr_delay,
        };
        f64::from(minutes.clamp(-180.0, 180.0))
    }
}

/// The mean of an outcome by group, drawn towards the mean of all flights: a group of n flights counts with weight
/// n / (n + [`Self::WEIGHT_OF_ALL`]). A value that did not occur in training gets the mean of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetMean {
    /// What flights are grouped by.
    pub group: Group,
    /// What is averaged.
    pub outcome: Outcome,
    of_all: f32,
    table: Table,
}

impl TargetMean {
    /// As many flights as the mean of all counts for in a group's mean.
    pub const WEIGHT_OF_ALL: f64 = 50.0;

    /// Averages over the flights.
    pub fn fit(group: Group, outcome: Outcome, flights: &[TrainingFlight]) -> Self {
        let mut sums: BTreeMap<Key, (f64, f64)> = BTreeMap::new();
        for flight in flights {
            let (sum, count) = sums.entry(group.key(&flight.query)).or_default();
            *sum += outcome.minutes(flight);
            *count += 1.0;
        }
        let total: f64 = sums.values().map(|(sum, _)| sum).sum();
        let of_all = total / (flights.len().max(1) as f64);
        let drawn = |(sum, count): (f64, f64)| (sum + Self::WEIGHT_OF_ALL * of_all) / (count + Self::WEIGHT_OF_ALL);
        let table = sums.into_iter().map(|(key, sum)| (key, drawn(sum) as f32)).collect();
        TargetMean { group, outcome, of_all: of_all as f32, table: Table(table) }
    }

    /// The mean for a query's value, in minutes.
    pub fn of(&self, query: &Query) -> f32 {
        self.table.get(&self.group.key(query)).unwrap_or(self.of_all)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.of_all.is_finite() && self.table.is_sound()
    }
}
