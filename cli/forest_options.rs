//! The options of the forests, which `train` and `evaluate` share.

use std::{num::NonZeroUsize, thread};

use chrono::NaiveDate;
use clap::{Args, value_parser};
use delaycast::{
    features::Preset,
    forest::{DEPTH_MAX, ForestSettings, MaxFeatures, Trainer},
};
use delaycast_train::TrainingPlan;

use crate::options;

/// Upper bound on trees: more would take hours and gain nothing.
const TREES_MAX: i64 = 10_000;

/// The features and settings of the forests.
#[derive(Args)]
#[group(skip)]
pub(crate) struct ForestOptions {
    /// The features and the size of forest: default, or seed, the system that this one replaces
    #[arg(long, default_value_t = Preset::Default)]
    preset: Preset,
    /// The algorithm that grows the trees: histogram, or linfa, the reference
    #[arg(long, default_value_t = Trainer::Histogram)]
    trainer: Trainer,
    /// The number of trees of each forest [default: 20]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=TREES_MAX))]
    trees: Option<u32>,
    /// The greatest depth of a tree [default: 14, or 5 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(DEPTH_MAX)))]
    depth: Option<u32>,
    /// The columns that are tried at a node: a number, or a share of those that the forest may use [default: 40%, or 3
    /// with --preset seed]
    #[arg(long, value_name = "N|N%")]
    columns: Option<MaxFeatures>,
    /// The least weight of rows in a leaf [default: 130, or 1 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    leaf: Option<u32>,
    /// A leaf's probabilities are drawn towards its parent's, which count for so many rows [default: 10, or 1 with
    /// --preset seed]; only of the histogram trainer
    #[arg(long, value_name = "N")]
    smoothing: Option<u32>,
    /// The seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The number of threads that grow trees [default: one a processor]
    #[arg(long, value_name = "N", value_parser = options::workers)]
    workers: Option<NonZeroUsize>,
}

impl ForestOptions {
    /// The options that have no effect on an existing forest.
    pub(crate) const OF_THE_FOREST: [&str; 6] = ["preset", "trees", "depth", "columns", "leaf", "smoothing"];

    /// The seed of every random draw.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The settings of a training.
    pub(crate) fn plan(&self, holdout_from: Option<NaiveDate>) -> TrainingPlan {
        let preset = ForestSettings::from_preset(self.preset, self.seed);
        let settings = ForestSettings {
            trainer: self.trainer,
            trees: self.trees.unwrap_or(preset.trees),
            depth: self.depth.unwrap_or(preset.depth),
            max_features: self.columns.unwrap_or(preset.max_features),
            min_samples_leaf: self.leaf.unwrap_or(preset.min_samples_leaf),
            path_smooth: self.smoothing.unwrap_or(preset.path_smooth),
            ..preset
        };
        let workers = self.workers.or(thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        TrainingPlan { preset: self.preset, settings: settings.into(), holdout_from, workers }
    }
}
