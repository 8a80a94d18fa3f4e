//! How forests are grown: the options that `train` and `evaluate` share.

use std::{num::NonZeroUsize, thread};

use chrono::NaiveDate;
use clap::{Args, value_parser};
use delaycast::{
    features::Preset,
    forest::{ColumnsTried, DEPTH_MAX, ForestSettings, Trainer},
};
use delaycast_train::Plan;

use crate::options;

/// More trees than this are a slip of the finger.
const TREES_MAX: i64 = 10_000;

/// Which forests are grown, and how.
#[derive(Args)]
#[group(skip)]
pub(crate) struct GrowthOptions {
    /// Which features and what size of forest: default, or seed, the system that this one replaces
    #[arg(long, default_value_t = Preset::Default)]
    preset: Preset,
    /// What grows the trees: histogram, or linfa, the reference
    #[arg(long, default_value_t = Trainer::Histogram)]
    trainer: Trainer,
    /// How many trees each forest has [default: 20]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=TREES_MAX))]
    trees: Option<u32>,
    /// How deep a tree is, at most [default: 14, or 5 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(DEPTH_MAX)))]
    depth: Option<u32>,
    /// How many columns are tried at a node: a number, or a share of those that the forest may use [default: 40%, or 3
    /// with --preset seed]
    #[arg(long, value_name = "N|N%")]
    columns: Option<ColumnsTried>,
    /// The least weight of rows in a leaf [default: 130, or 1 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    leaf: Option<u32>,
    /// A leaf's probabilities are drawn towards its parent's, which count for so many rows [default: 10, or 1 with --preset
    /// seed]; only of the histogram trainer
    #[arg(long, value_name = "N")]
    smoothing: Option<u32>,
    /// Decides every random draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many threads grow trees [default: one a processor]
    #[arg(long, value_name = "N", value_parser = options::workers)]
    workers: Option<NonZeroUsize>,
}

impl GrowthOptions {
    /// The options that say what forest, and so are of no use with one that is there.
    pub(crate) const OF_THE_FOREST: [&str; 6] = ["preset", "trees", "depth", "columns", "leaf", "smoothing"];

    /// Decides every random draw.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// What is to be trained.
    pub(crate) fn plan(&self, holdout_from: Option<NaiveDate>) -> Plan {
        let preset = ForestSettings::of(self.preset, self.seed);
        let settings = ForestSettings {
            trainer: self.trainer,
            trees: self.trees.unwrap_or(preset.trees),
            depth: self.depth.unwrap_or(preset.depth),
            columns_per_node: self.columns.unwrap_or(preset.columns_per_node),
            rows_per_leaf: self.leaf.unwrap_or(preset.rows_per_leaf),
            smoothing_rows: self.smoothing.unwrap_or(preset.smoothing_rows),
            ..preset
        };
        let workers = self.workers.or(thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        Plan { preset: self.preset, settings, holdout_from, workers }
    }
}
