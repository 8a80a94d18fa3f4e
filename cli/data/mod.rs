//! `delaycast data`: histories of flights.

mod fetch;
mod import;
mod meter;

use clap::Subcommand;

use crate::routes;

/// Get the flights that models learn from
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Fetch(fetch::Args),
    Import(import::Args),
    LoadRoutes(routes::LoadArgs),
}

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Fetch(args) => fetch::run(&args),
        Command::Import(args) => import::run(&args),
        Command::LoadRoutes(args) => routes::run(&args),
    }
}
