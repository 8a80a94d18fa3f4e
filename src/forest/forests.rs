//! The forests of a model: one for each kind of question.

use std::collections::BTreeMap;

use super::Forest;
use crate::features::KnownInputs;

/// Forests by what they are given. Those that do without schedule and weather are always there; the others are if the
/// flights that they were trained on had these.
#[derive(Debug, Clone, PartialEq)]
pub struct Forests(BTreeMap<KnownInputs, Forest>);

/// Forests that cannot answer every question, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Incomplete(&'static str);

impl Forests {
    /// Takes the forests, all over rows of the same width.
    pub fn new(forests: BTreeMap<KnownInputs, Forest>) -> Result<Self, Incomplete> {
        let there = |given: &KnownInputs| forests.contains_key(given);
        if !KnownInputs::COMBINATIONS.iter().filter(|given| !given.schedule && !given.weather).all(there) {
            return Err(Incomplete("a forest that does without the schedule is not there"));
        }
        let mut widths = forests.values().map(Forest::width);
        let first = widths.next();
        if widths.any(|width| Some(width) != first) {
            return Err(Incomplete("the forests are for rows of different widths"));
        }
        Ok(Forests(forests))
    }

    /// The forest that makes the most of what a question gives, and what it is given.
    pub fn of(&self, given: KnownInputs) -> (KnownInputs, &Forest) {
        let mut best = None;
        for (&taken, forest) in &self.0 {
            // The order of `KnownInputs` puts the departure delay before the schedule, and that before the weather.
            if taken.is_subset_of(given) {
                best = Some((taken, forest));
            }
        }
        // `new` has seen that the one which is given nothing is there.
        best.unwrap_or_else(|| unreachable!("a forest that is given nothing"))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (KnownInputs, &Forest)> {
        self.0.iter().map(|(&given, forest)| (given, forest))
    }
}
