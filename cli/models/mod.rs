//! `delaycast models`: the versions of the model directory, and the choice of the one in use.

mod choose;
mod list;
mod show;

use clap::{Args as ClapArgs, Subcommand};

/// Look through the model directory, and choose the model that answers
///
/// Scorers that run take up what is promoted within seconds, without a restart.
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Promote(choose::PromoteArgs),
    Rollback(choose::RollbackArgs),
    Shadow(choose::ShadowArgs),
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::List(args) => list::run(args),
        Command::Show(args) => show::run(args),
        Command::Promote(args) => choose::promote(args),
        Command::Rollback(args) => choose::roll_back(args),
        Command::Shadow(args) => choose::shadow(args),
    }
}

/// Returns an error with its causes, on one line.
fn in_one_line(error: &(impl std::error::Error + ?Sized)) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
