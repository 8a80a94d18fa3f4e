//! The measurement of a step: its options, its output, and the repetition of scoring.

use std::{num::NonZeroUsize, path::PathBuf, thread};

use anyhow::Context;
use delaycast::{
    features::Preset,
    forest::{ForestSettings, MaxFeatures},
};
use serde::{Deserialize, Serialize};

use super::rows::Matrix;
use crate::clock::{Clock, Cost};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder of the rows
    #[arg(long)]
    pub(super) rows: PathBuf,
    /// The number of trees
    #[arg(long, default_value_t = 20)]
    pub(super) trees: u32,
    /// Upper bound on the depth of a tree
    #[arg(long)]
    pub(super) depth: u32,
    /// The columns that are tried at a node: a number, or a share as in 40%
    #[arg(long)]
    pub(super) max_features: MaxFeatures,
    /// The least weight of a leaf
    #[arg(long, default_value_t = 1)]
    pub(super) min_samples_leaf: u32,
    /// Train on the first rows, as many thousandths of all
    #[arg(long, default_value_t = 1000)]
    pub(super) thousandths: usize,
    /// The number of threads
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    pub(super) threads: NonZeroUsize,
    /// Leave out the scoring
    #[arg(long)]
    pub(super) train_only: bool,
}

impl Options {
    /// The settings of the forest.
    pub(super) fn settings(&self) -> ForestSettings {
        ForestSettings {
            trees: self.trees,
            depth: self.depth,
            max_features: self.max_features,
            min_samples_leaf: self.min_samples_leaf,
            ..ForestSettings::from_preset(Preset::Default, 1)
        }
    }
}

/// A line of output, of this program or of `peers.py`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) library: String,
    pub(crate) step: String,
    pub(crate) threads: usize,
    pub(crate) rows: usize,
    pub(crate) cpu_s: f64,
    pub(crate) seconds: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_loss: Option<f64>,
}

/// The steps, by the names in the output.
pub(super) const TRAIN: &str = "train";
pub(super) const ALL_AT_ONCE: &str = "score all at once";
pub(crate) const IN_BATCHES: &str = "score in batches";
pub(crate) const ONE_BY_ONE: &str = "score one by one";

/// Rows of a batch, as many as the score dataflow has under load.
pub(crate) const BATCH: usize = 1000;
/// Rows that are scored one by one.
pub(super) const ROWS_ONE_BY_ONE: usize = 2000;
/// Least CPU time of a measurement.
const LONG_ENOUGH_S: f64 = 1.0;

/// Scores rows with some threads until the time can be measured, and prints it.
pub(super) fn score(
    library: &str,
    step: &str,
    threads: usize,
    rows: &Matrix,
    score: &(impl Fn(&[f32]) + Sync),
) -> anyhow::Result<()> {
    let (mut scored, clock) = (0, Clock::start());
    let cost = loop {
        let share = rows.len().div_ceil(threads) * rows.width;
        thread::scope(|scope| {
            // This thread takes the last share, so that one thread starts no other.
            let mut shares = rows.numbers.chunks(share);
            let last = shares.next_back();
            shares.for_each(|rows| drop(scope.spawn(|| score(rows))));
            last.map(score);
        });
        scored += rows.len();
        let cost = clock.read();
        if cost.cpu_s >= LONG_ENOUGH_S {
            break cost;
        }
    };
    print_line(library, step, threads, scored, cost, None)
}

pub(super) fn print_line(
    library: &str,
    step: &str,
    threads: usize,
    rows: usize,
    Cost { cpu_s, seconds }: Cost,
    log_loss: Option<f64>,
) -> anyhow::Result<()> {
    let (library, step) = (library.to_owned(), step.to_owned());
    let line = Line { library, step, threads, rows, cpu_s, seconds, log_loss };
    println!("{}", serde_json::to_string(&line).context("a line of output")?);
    Ok(())
}
