//! Leaving a training flight's own time out.

use std::sync::Arc;

use chrono::Datelike;

use crate::features::{Group, Known, TrainingFlight, table::NO_VALUE};

/// Days are dealt out to this many folds.
pub(super) const FOLDS: usize = 8;

/// The window's days in [`FOLDS`] blocks one after the other. What a flight of the future is scored with is as old as the
/// flights of other blocks are to a training flight: were the folds of every eighth day, the same week's weather would be in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    first: i32,
    days: i32,
}

impl Blocks {
    pub(super) fn of(flights: &[TrainingFlight]) -> Self {
        let days = || flights.iter().map(|flight| flight.query().date.num_days_from_ce());
        let first = days().min().unwrap_or(0);
        Blocks { first, days: days().max().unwrap_or(0) - first + 1 }
    }

    pub(super) fn fold(self, flight: &TrainingFlight) -> usize {
        let day = (flight.query().date.num_days_from_ce() - self.first).clamp(0, self.days - 1);
        // Not negative, and below the number of folds.
        (i64::from(day) * FOLDS as i64 / i64::from(self.days)) as usize
    }
}

/// A number for each fold that is left out.
pub(super) type ByFold = [f32; FOLDS];

/// What a training flight is encoded with in place of a [`super::TargetMean`]: the mean over the flights of other folds, so that a
/// forest does not learn to read a flight's own outcome out of a small group's mean.
#[derive(Debug)]
pub(in crate::features) struct OutOfFold {
    pub(super) group: Group,
    pub(super) blocks: Blocks,
    /// Over all flights.
    pub(super) all: ByFold,
    /// By place in the group; [`NO_VALUE`] where the outcome is not known of any flight.
    pub(super) by_place: Vec<ByFold>,
    pub(super) wider: Option<Arc<OutOfFold>>,
}

impl OutOfFold {
    /// The mean for a training flight.
    pub(in crate::features) fn of(&self, known: &Known<'_>, flight: &TrainingFlight) -> f32 {
        self.mean(known, self.blocks.fold(flight))
    }

    pub(super) fn mean(&self, known: &Known<'_>, fold: usize) -> f32 {
        let mean = known.places.of(self.group).map(|place| self.by_place[place][fold]);
        match (mean.filter(|mean| *mean != NO_VALUE), &self.wider) {
            (Some(mean), _) => mean,
            (None, Some(wider)) => wider.mean(known, fold),
            (None, None) => self.all[fold],
        }
    }
}
