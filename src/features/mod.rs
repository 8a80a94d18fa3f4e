//! A flight as numbers: the one feature module, for training and for scoring.
//!
//! A [`FeatureSet`] is fitted to the flights of the training window and travels in the model file, so that a request is
//! encoded exactly as a training flight was. It writes one row of `f32` a [`Query`]; every number is finite.
//! A value that did not occur in training gets the encoder's stated stand-in and, where an asker should know, a [`Remark`].

mod encoders;
mod preset;
mod query;

use std::collections::BTreeSet;

use chrono::Datelike;
use serde::{Deserialize, Serialize};

pub use encoders::{FrequencyIndex, Group, Outcome, TargetMean};
pub use preset::{Preset, UnknownPreset};
pub use query::{Query, TrainingFlight};

use crate::{answer::Remark, atlas::Atlas, code::Code, explanation::Factor};

/// At most this many columns: a node of the forest numbers them in one byte.
pub const COLUMNS_MAX: usize = 255;

/// A number in the row, and how it comes about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Column {
    /// Minutes behind the schedule at departure.
    DepDelay,
    /// Miles.
    Distance,
    /// 1–31.
    DayOfMonth,
    /// 1–7, Monday 1.
    DayOfWeek,
    /// 1–366.
    DayOfYear,
    /// Values numbered by frequency.
    Index(FrequencyIndex),
    /// The mean of an outcome over the training flights with the same value.
    Mean(TargetMean),
    /// Minutes behind the schedule at departure, less the mean that such flights made up on the way.
    ExpectedArrDelay(TargetMean),
}

impl Column {
    /// Whether the column cannot be known before departure.
    pub fn needs_dep_delay(&self) -> bool {
        matches!(self, Column::DepDelay | Column::ExpectedArrDelay(_))
    }

    /// What it tells a person something of. The delay that a flight is expected to arrive with is its departure delay for the
    /// most part: what the airline makes up on the route is minutes.
    pub fn factor(&self) -> Factor {
        match self {
            Column::DepDelay | Column::ExpectedArrDelay(_) => Factor::DepDelay,
            Column::Distance => Factor::Distance,
            Column::DayOfWeek => Factor::DayOfWeek,
            Column::DayOfMonth | Column::DayOfYear => Factor::FlightDate,
            Column::Index(FrequencyIndex { group, .. }) | Column::Mean(TargetMean { group, .. }) => group.factor(),
        }
    }

    fn name(&self) -> String {
        match self {
            Column::Index(index) => format!("{:?}Index", index.group),
            Column::Mean(mean) => format!("{:?}Of{:?}", mean.outcome, mean.group),
            Column::ExpectedArrDelay(mean) => format!("ExpectedArrDelayBy{:?}", mean.group),
            plain => format!("{plain:?}"),
        }
    }
}

/// There is nothing to fit features to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no flight in the data has departed, arrived and a delay for both: import flown flights")]
pub struct NoFlights;

/// A feature set that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unusable features: {0}")]
pub struct UnusableFeatures(&'static str);

/// What there is to know about a row besides its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// The distance that was used, in miles.
    pub distance: f32,
    /// What the row lacks.
    pub remarks: Vec<Remark>,
}

/// The columns of a row, with their fitted encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSet {
    columns: Vec<Column>,
    carriers: BTreeSet<Code>,
    origins: BTreeSet<Code>,
    dests: BTreeSet<Code>,
    mean_distance: f32,
}

impl FeatureSet {
    /// Fits the columns of a preset to flights. The result does not depend on the flights' order but for rounding.
    pub fn fit(preset: Preset, flights: &[TrainingFlight]) -> Result<Self, NoFlights> {
        if flights.is_empty() {
            return Err(NoFlights);
        }
        let distances: Vec<f32> = flights.iter().filter_map(|flight| flight.query.distance).collect();
        let sum: f64 = distances.iter().map(|&miles| f64::from(miles)).sum();
        Ok(FeatureSet {
            columns: preset.columns(flights),
            carriers: flights.iter().map(|flight| flight.query.carrier).collect(),
            origins: flights.iter().map(|flight| flight.query.origin).collect(),
            dests: flights.iter().map(|flight| flight.query.dest).collect(),
            mean_distance: (sum / distances.len().max(1) as f64) as f32,
        })
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The columns' names, in order.
    pub fn names(&self) -> Vec<String> {
        self.columns.iter().map(Column::name).collect()
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns that are known before departure.
    pub fn columns_before_departure(&self) -> Vec<usize> {
        (0..self.width()).filter(|&column| !self.columns[column].needs_dep_delay()).collect()
    }

    /// Appends a query's row. Where the departure delay is absent, the columns that need it are 0 and mean nothing.
    pub fn encode(&self, query: &Query, atlas: &Atlas, row: &mut Vec<f32>) -> Encoded {
        let mut remarks = Vec::new();
        let mut note = |lacking: bool, remark| {
            if lacking {
                remarks.push(remark);
            }
        };
        let known_distance = query.distance.or_else(|| atlas.distance_miles(query.origin, query.dest));
        note(query.dep_delay.is_none(), Remark::NoDepDelay);
        note(!self.carriers.contains(&query.carrier), Remark::UnseenCarrier);
        note(!self.origins.contains(&query.origin), Remark::UnseenOrigin);
        note(!self.dests.contains(&query.dest), Remark::UnseenDest);
        note(known_distance.is_none(), Remark::UnknownDistance);
        let distance = known_distance.unwrap_or(self.mean_distance);
        row.extend(self.columns.iter().map(|column| value(column, query, distance)));
        Encoded { distance, remarks }
    }

    /// Holds a feature set that was read from a file against what [`Self::encode`] relies on.
    pub fn check(&self) -> Result<(), UnusableFeatures> {
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            return Err(UnusableFeatures("there must be 1 to 255 columns"));
        }
        if !self.mean_distance.is_finite() {
            return Err(UnusableFeatures("the mean distance is not a number"));
        }
        let sound = self.columns.iter().all(|column| match column {
            Column::Index(index) => index.is_sound(),
            Column::Mean(mean) | Column::ExpectedArrDelay(mean) => mean.is_sound(),
            _ => true,
        });
        if sound { Ok(()) } else { Err(UnusableFeatures("an encoder's table is out of order or not finite")) }
    }
}

fn value(column: &Column, query: &Query, distance: f32) -> f32 {
    // Days are far below 2^24, so they are exact.
    match column {
        Column::DepDelay => query.dep_delay.unwrap_or(0.0),
        Column::Distance => distance,
        Column::DayOfMonth => query.date.day() as f32,
        Column::DayOfWeek => query.date.weekday().number_from_monday() as f32,
        Column::DayOfYear => query.date.ordinal() as f32,
        Column::Index(index) => index.of(query),
        Column::Mean(mean) => mean.of(query),
        Column::ExpectedArrDelay(mean) => query.dep_delay.map_or(0.0, |minutes| minutes - mean.of(query)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
