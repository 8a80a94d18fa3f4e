//! A guard against slips that cost instructions: it counts, with callgrind, the instructions that each step of a
//! request takes, and compares them with a committed baseline. `bench/guard/run` builds it and runs it, as `./test`
//! does.
//!
//! Instructions don't depend on the load of the machine, so a limit of a few per cent holds where a time does not.
//! docs/adr/0036-a-guard-by-counted-instructions.md has the decision, and what the guard does not see.

#![allow(clippy::print_stdout)]

mod baseline;
mod callgrind;
mod compare;
mod environment;
mod fixture;
mod measure;
mod report;
mod steps;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand};

use baseline::Baseline;
use compare::{Compared, Comparison, Outcome, WHY_MAX, share_of_saying_why};
use measure::Measurement;
use mimalloc::MiMalloc;

/// The allocator that delaycast has. That of glibc takes instructions by what was allocated and freed before, in the
/// order of hash tables whose seeds are random.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
#[command(about = "Counts the instructions of each step of a request")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Count, and compare with the baseline; fails if a step takes over 3 % more
    Check(Options),
    /// Count, print the differences, and write them as the new baseline
    Renew(Options),
    /// Count, and write the counts to a file in the form of a baseline
    Measure {
        #[command(flatten)]
        options: Options,
        /// The file to write
        #[arg(long)]
        to: PathBuf,
    },
    /// Run one step; this is what callgrind counts
    #[command(hide = true)]
    Run {
        /// The folder of the data
        data: PathBuf,
        step: String,
        count: usize,
        /// The number of the run, for the names of new files
        run: usize,
    },
}

#[derive(clap::Args)]
struct Options {
    /// The baseline
    #[arg(long, default_value = "bench/guard/baseline.json")]
    baseline: PathBuf,
    /// The program that trains the model
    #[arg(long, default_value = "target/up/release/delaycast")]
    program: PathBuf,
    /// The folder for the data and callgrind's files; it is emptied first
    #[arg(long, default_value = "target/guard")]
    folder: PathBuf,
    /// Compare the steps that both have: the baseline is of another commit
    #[arg(long)]
    common: bool,
    /// The steps to count [default: all]
    steps: Vec<String>,
}

impl Options {
    fn measure(&self) -> anyhow::Result<Measurement> {
        measure::measure(&self.program, &self.folder, &self.steps)
    }
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Run { data, step, count, run } => {
            (steps::find(&step)?.run)(&fixture::Fixture::of_run(&data, run), count)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(options) => {
            let baseline = Baseline::read(&options.baseline)?;
            let compared = match options.common {
                true => Compared::Common,
                false if options.steps.is_empty() => Compared::All,
                false => Compared::Counted,
            };
            let measured = options.measure()?.into();
            let comparison = Comparison::new(&baseline, &measured, compared);
            let why = share_of_saying_why(&measured.instructions);
            print!("{}", report::table(&comparison));
            print!("{}{}", report::saying_why(why), report::verdict(&comparison));
            let fails = comparison.outcome() == Outcome::Fails || why.is_some_and(|share| share > WHY_MAX);
            Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        Command::Renew(options) => {
            anyhow::ensure!(options.steps.is_empty(), "a baseline has all steps: name none");
            renew(&options.baseline, options.measure()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Measure { options, to } => {
            Baseline::from(options.measure()?).write(&to)?;
            println!("written to {}", to.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes a new baseline, and prints the differences to the old one, for the message of the commit.
fn renew(path: &Path, measured: Measurement) -> anyhow::Result<()> {
    let measured = Baseline::from(measured);
    let is_new = !path.try_exists().with_context(|| format!("cannot look for {}", path.display()))?;
    let old = if is_new { Baseline::empty(&measured) } else { Baseline::read(path)? };
    let comparison = Comparison::new(&old, &measured, Compared::All);
    print!("{}{}", report::table(&comparison), report::environment(&comparison));
    measured.write(path)?;
    println!("\n{} is renewed; the table belongs into the commit's message, with the reason", path.display());
    Ok(())
}
