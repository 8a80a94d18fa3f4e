//! Target statistics: the mean of an outcome by group, and for the training flights, without their own outcome.

mod fit;
mod folds;

use serde::{Deserialize, Serialize};

pub(super) use fit::TargetMeans;
pub(super) use folds::OutOfFold;

use super::{Group, Known, TrainingFlight, table::Table};

/// What a [`TargetMean`] is a mean of, in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The arrival delay.
    ArrDelay,
    /// The departure delay less the arrival delay: what the flight made up on the way.
    MadeUp,
    /// From leaving to arriving by the two clocks ([`super::Schedule::between_clocks_min`]), as it came about.
    Duration,
}

impl Outcome {
    /// Sixteenths of minutes, so that sums are exact. At most three hours of delay either way count, so that a few stranded
    /// flights do not set a route's mean.
    fn of(self, flight: &TrainingFlight) -> Option<i64> {
        let most = |minutes: f32| minutes.clamp(-180.0, 180.0);
        let made_up = most(flight.dep_delay - flight.arr_delay);
        let minutes = match self {
            Outcome::ArrDelay => most(flight.arr_delay),
            Outcome::MadeUp => made_up,
            Outcome::Duration => flight.query().schedule?.between_clocks_min() - made_up,
        };
        Some((minutes * 16.0).round() as i64)
    }
}

/// A mean is drawn towards the mean of a wider group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Wider {
    /// The mean of all flights, in minutes.
    All(f32),
    /// That of another group.
    Group(Box<TargetMean>),
}

/// The mean of an outcome by group, drawn towards the mean of a wider group: n flights count with weight
/// n / (n + weight). A group that did not occur in training, or is not known, gets the mean of the wider one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetMean {
    /// What flights are grouped by.
    pub group: Group,
    /// What is averaged.
    pub outcome: Outcome,
    weight: f32,
    wider: Wider,
    /// By place in the group; a model file has it apart.
    #[serde(skip)]
    table: Table,
}

impl TargetMean {
    /// Whether it takes the schedule to know the mean.
    pub fn needs_schedule(&self) -> bool {
        self.group.needs_schedule() || self.outcome == Outcome::Duration
    }

    /// The mean for a flight, in minutes.
    pub(super) fn of(&self, known: &Known<'_>) -> f32 {
        match self.table.get(known.places.of(self.group)) {
            Some(mean) => mean,
            None => match &self.wider {
                Wider::All(mean) => *mean,
                Wider::Group(wider) => wider.of(known),
            },
        }
    }

    /// Its table, then those of the wider groups.
    pub(super) fn tables(&self) -> Vec<(Group, &Table)> {
        let mut tables = vec![(self.group, &self.table)];
        let mut wider = &self.wider;
        while let Wider::Group(mean) = wider {
            tables.push((mean.group, &mean.table));
            wider = &mean.wider;
        }
        tables
    }

    /// The same, to be filled.
    pub(super) fn tables_mut(&mut self) -> Vec<&mut Table> {
        let mut tables = vec![&mut self.table];
        let mut wider = &mut self.wider;
        while let Wider::Group(mean) = wider {
            tables.push(&mut mean.table);
            wider = &mut mean.wider;
        }
        tables
    }

    /// The mean of all flights is a number; the tables are checked with the places that they go by.
    pub(super) fn is_sound(&self) -> bool {
        match &self.wider {
            Wider::All(mean) => mean.is_finite(),
            Wider::Group(wider) => wider.is_sound(),
        }
    }
}
