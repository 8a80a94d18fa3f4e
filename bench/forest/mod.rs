//! Growing forests and scoring with them. `bench/forest/run` takes these steps in turns with the same steps of others, on
//! the same rows, and makes the table in docs/benchmarks.md.

mod beside;
mod linfa;
mod ours;
mod rows;

use std::{num::NonZeroUsize, path::PathBuf, thread};

use anyhow::Context;
use clap::Subcommand;
use delaycast::{
    features::Preset,
    forest::{ColumnsTried, ForestSettings},
};
use serde::Serialize;

use crate::clock::{Clock, Cost};
use rows::Matrix;

#[derive(Subcommand)]
pub(crate) enum Step {
    /// Encode flights and write the rows for all who are compared
    Rows(rows::Options),
    /// Grow a forest with the histogram trainer, and score with it
    Ours(Options),
    /// The same with linfa-trees as it comes
    Linfa(Options),
    /// Both score in batches, by short turns, on one thread
    Beside(Options),
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the rows are
    #[arg(long)]
    rows: PathBuf,
    /// How many trees
    #[arg(long, default_value_t = 20)]
    trees: u32,
    /// How deep, at most
    #[arg(long)]
    depth: u32,
    /// How many columns are tried at a node: a number, or a share as in 40%
    #[arg(long)]
    tried: ColumnsTried,
    /// The least weight of a leaf
    #[arg(long, default_value_t = 1)]
    leaf: u32,
    /// Train on the first so many thousandths of the rows
    #[arg(long, default_value_t = 1000)]
    thousandths: usize,
    /// Threads
    #[arg(long, default_value_t = NonZeroUsize::MIN)]
    threads: NonZeroUsize,
    /// Leave out the scoring
    #[arg(long)]
    train_only: bool,
}

impl Options {
    fn settings(&self) -> ForestSettings {
        ForestSettings {
            trees: self.trees,
            depth: self.depth,
            columns_per_node: self.tried,
            rows_per_leaf: self.leaf,
            ..ForestSettings::of(Preset::Default, 1)
        }
    }
}

/// A line of output.
#[derive(Serialize)]
struct Line {
    who: &'static str,
    what: &'static str,
    threads: usize,
    rows: usize,
    cpu_s: f64,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_loss: Option<f64>,
}

pub(crate) fn take(step: &Step) -> anyhow::Result<()> {
    match step {
        Step::Rows(options) => rows::write(options),
        Step::Ours(options) => ours::measure(options),
        Step::Linfa(options) => linfa::measure(options),
        Step::Beside(options) => beside::measure(options),
    }
}

/// Batches of so many rows: what the score dataflow comes to under load.
const BATCH: usize = 1000;
/// So many rows are scored one by one.
const ONE_BY_ONE: usize = 2000;
/// Batches are scored until this much CPU time has gone by.
const LONG_ENOUGH_S: f64 = 1.0;

/// Has rows scored as often as it takes to tell the time, by some threads at once.
fn score(
    who: &'static str,
    what: &'static str,
    threads: usize,
    rows: &Matrix,
    score: &(impl Fn(&[f32]) + Sync),
) -> anyhow::Result<()> {
    let (scored, Cost { cpu_s, seconds }) = score_for(LONG_ENOUGH_S, threads, rows, score);
    say(&Line { who, what, threads, rows: scored, cpu_s, seconds, log_loss: None })
}

/// The same, until so much CPU time has gone by: how many rows, and what it took.
fn score_for(least_s: f64, threads: usize, rows: &Matrix, score: &(impl Fn(&[f32]) + Sync)) -> (usize, Cost) {
    let mut scored = 0;
    let clock = Clock::start();
    loop {
        let share = rows.len().div_ceil(threads) * rows.width;
        thread::scope(|scope| {
            // The last share is done here: one thread is none more.
            let mut shares = rows.numbers.chunks(share);
            let last = shares.next_back();
            shares.for_each(|rows| drop(scope.spawn(|| score(rows))));
            last.map(score);
        });
        scored += rows.len();
        let cost = clock.read();
        if cost.cpu_s >= least_s {
            return (scored, cost);
        }
    }
}

fn say(line: &Line) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(line).context("a line of output")?);
    Ok(())
}
