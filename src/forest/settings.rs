//! The settings of a forest: hyperparameters, trainer and seed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{flat::DEPTH_MAX, max_features::MaxFeatures};
use crate::{features::Preset, live::Moment};

/// The algorithm that grows the trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trainer {
    /// The histogram trainer of [`super::histogram`].
    Histogram,
    /// linfa-trees, the reference; see [`super::linfa`].
    Linfa,
}

impl fmt::Display for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trainer::Histogram => f.pad("histogram"),
            Trainer::Linfa => f.pad("linfa"),
        }
    }
}

/// A name that no trainer has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no trainer {0:?}: try histogram or linfa")]
pub struct UnknownTrainer(String);

impl FromStr for Trainer {
    type Err = UnknownTrainer;

    fn from_str(name: &str) -> Result<Self, UnknownTrainer> {
        match name {
            "histogram" => Ok(Trainer::Histogram),
            "linfa" => Ok(Trainer::Linfa),
            other => Err(UnknownTrainer(other.to_owned())),
        }
    }
}

/// The settings of a forest. JSON has the names of the first model files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// The algorithm that grows the trees.
    pub trainer: Trainer,
    /// The number of trees.
    pub trees: u32,
    /// Upper bound on the depth of a tree.
    pub depth: u32,
    /// The columns that are tried at a node, drawn anew at each. A node that none of them splits is a leaf; with
    /// linfa-trees as many more are tried.
    #[serde(rename = "columns_per_node")]
    pub max_features: MaxFeatures,
    /// Rows that are drawn with replacement to find a tree's splits; its leaves are filled from all rows. (linfa-trees
    /// only: the histogram trainer gives each row a bootstrap weight.)
    #[serde(rename = "rows_per_tree")]
    pub max_samples: usize,
    /// Least weight of the rows of a leaf.
    #[serde(rename = "rows_per_leaf")]
    pub min_samples_leaf: u32,
    /// A node's probabilities are shrunk towards its parent's, which count for this many rows, as with LightGBM's
    /// `path_smooth`. (The histogram trainer only.)
    #[serde(rename = "smoothing_rows")]
    pub path_smooth: u32,
    /// The seed of every random draw: the same seed, settings and rows give the same forest, bit for bit.
    pub seed: u64,
}

impl ForestSettings {
    /// The settings of the forest for a moment. What is known a few hours before the departure and later decides much
    /// more, so that deeper trees and smaller leaves pay: with those of the other forests, answers are less sure than
    /// they could be.
    #[must_use]
    pub fn at(self, moment: Option<Moment>) -> Self {
        match moment {
            None | Some(Moment::Early) => self,
            Some(Moment::Near | Moment::Overdue | Moment::Departed) => ForestSettings {
                depth: (self.depth + 4).min(DEPTH_MAX),
                min_samples_leaf: (self.min_samples_leaf / 3).max(1),
                ..self
            },
        }
    }

    /// The settings of a preset.
    pub fn from_preset(preset: Preset, seed: u64) -> Self {
        let shared = ForestSettings {
            trainer: Trainer::Histogram,
            trees: 20,
            depth: 5,
            max_features: MaxFeatures::Count(3),
            max_samples: 60_000,
            min_samples_leaf: 1,
            path_smooth: 1,
            seed,
        };
        match preset {
            // Spark tries the square root of the columns, 3 of 9, at a node. It draws as many rows as there are, and so
            // does the histogram trainer. linfa-trees draws fewer: with 240,000 its forest gained less than 0.01 of
            // log-loss, and took four times as long.
            Preset::Legacy => shared,
            Preset::Default => ForestSettings {
                depth: 14,
                max_features: MaxFeatures::Percent(40),
                max_samples: 20_000,
                min_samples_leaf: 130,
                path_smooth: 10,
                ..shared
            },
        }
    }
}
