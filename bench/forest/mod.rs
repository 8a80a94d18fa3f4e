//! The growth and scoring of forests. `bench/forest/run` alternates these steps with those of other libraries on the
//! same rows, and makes the table in docs/benchmarks.md.

mod beside;
mod linfa;
mod measure;
mod ours;
mod rows;

use clap::Subcommand;

use measure::Options;

#[derive(Subcommand)]
pub(crate) enum Step {
    /// Encode flights, and write the rows for all libraries
    Rows(rows::Options),
    /// Grow a forest with the histogram trainer, and score with it
    Ours(Options),
    /// The same with linfa-trees and its default settings
    Linfa(Options),
    /// Both score in batches, by short turns, on one thread
    Beside(Options),
}

pub(crate) fn run(step: &Step) -> anyhow::Result<()> {
    match step {
        Step::Rows(options) => rows::write(options),
        Step::Ours(options) => ours::measure(options),
        Step::Linfa(options) => linfa::measure(options),
        Step::Beside(options) => beside::measure(options),
    }
}
