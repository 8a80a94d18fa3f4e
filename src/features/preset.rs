//! Which columns a preset has.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Column, FrequencyIndex, Group, Outcome, TargetMean, TrainingFlight};

/// A choice of features and of the forest's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// What did best on flights later than those trained on.
    Default,
    /// The nine features of the system that this one replaces, for comparison.
    Seed,
}

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 2] = [Preset::Default, Preset::Seed];

    /// The preset's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Seed => "seed",
        }
    }

    /// The preset's columns, fitted to flights.
    pub(super) fn columns(self, flights: &[TrainingFlight]) -> Vec<Column> {
        let index = |group| Column::Index(FrequencyIndex::fit(group, flights));
        let mean = |group, outcome| Column::Mean(TargetMean::fit(group, outcome, flights));
        match self {
            // Days of the month and of the year are left out: a forest cannot learn a season from one year,
            // and a later flight would fall into the last day's leaf.
            Preset::Default => vec![
                Column::DepDelay,
                Column::ExpectedArrDelay(TargetMean::fit(Group::CarrierRoute, Outcome::MadeUp, flights)),
                Column::Distance,
                Column::DayOfWeek,
                mean(Group::Carrier, Outcome::ArrDelay),
                mean(Group::Dest, Outcome::ArrDelay),
                mean(Group::Route, Outcome::ArrDelay),
                mean(Group::Route, Outcome::MadeUp),
            ],
            Preset::Seed => vec![
                Column::DepDelay,
                Column::Distance,
                Column::DayOfMonth,
                Column::DayOfWeek,
                Column::DayOfYear,
                index(Group::Carrier),
                index(Group::Origin),
                index(Group::Dest),
                index(Group::Route),
            ],
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset {0:?}: try default or seed")]
pub struct UnknownPreset(String);

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == name).ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}
