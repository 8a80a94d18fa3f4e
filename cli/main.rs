//! The command line of delaycast: one file a subcommand, which reads its arguments, calls the crate that does the work,
//! and shows progress and result.

mod data;
mod format;
mod progress;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// How late will this flight be?
#[derive(Parser)]
#[command(name = "delaycast", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Data(data::Args),
    Train(train::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Data(args) => data::run(args),
        Command::Train(args) => train::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The alternate form appends the chain of causes, which no error's own text repeats.
            progress::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
