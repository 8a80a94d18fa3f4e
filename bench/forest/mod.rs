//! The growth and scoring of forests. `compare` alternates the other steps with those of other libraries on the same
//! rows; `bench/forest/run` installs these.

mod compare;
mod linfa;
mod measure;
mod ours;
mod rows;
mod values;

use clap::Subcommand;

pub(crate) use compare::{Options as CompareOptions, lines, measure as compare};
use measure::Options;
pub(crate) use measure::{BATCH, IN_BATCHES, Line, ONE_BY_ONE};
pub(crate) use ours::LIBRARY;
pub(crate) use rows::{Written, write_numbers};

#[derive(Subcommand)]
pub(crate) enum Step {
    /// Compare all libraries
    Compare(CompareOptions),
    /// Encode flights, and write the rows for all libraries
    Rows(rows::Options),
    /// Grow a forest with the histogram trainer, and score with it
    Ours(Options),
    /// The same with linfa-trees and its default settings
    Linfa(Options),
}

pub(crate) fn run(step: Step, results: &std::path::Path) -> anyhow::Result<()> {
    match step {
        Step::Compare(options) => crate::results::record(results, options, compare),
        Step::Rows(options) => rows::write(&options),
        Step::Ours(options) => ours::measure(&options),
        Step::Linfa(options) => linfa::measure(&options),
    }
}
