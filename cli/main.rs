//! The command line of delaycast: one file a subcommand, and this one place where errors are printed.

mod answer;
mod app;
mod arguments;
mod ask;
mod batch;
mod cluster;
mod data;
mod demo;
mod doctor;
mod evaluate;
mod events;
mod feed;
mod groups;
mod mesh;
mod models;
mod options;
mod predict;
mod progress;
mod replay;
mod routes;
mod score;
mod send;
mod sender;
mod simulate;
mod topics;
mod train;
mod up;
mod web;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use delaycast::ask::AskError;
use delaycast_dataflows::score::Error as ScoreError;
use engine::clock;
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How late will this flight be?
///
/// `delaycast up` runs everything on this machine. The other commands are its parts, and tools around them.
#[derive(Parser)]
#[command(name = "delaycast", version, max_term_width = 100)]
#[command(after_help = "Example:\n  delaycast up --port 8080\n
Environment:
  DELAYCAST_LOG_LEVEL  what is logged to standard error [default: info]")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Args),
    Score(Box<score::Args>),
    Web(web::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    Models(models::Args),
    Data(data::Args),
    Ask(ask::Args),
    Answer(answer::Args),
    Send(send::Args),
    Events(events::Args),
    Predict(predict::Args),
    Batch(batch::Args),
    Simulate(simulate::Args),
    Replay(replay::Args),
    Topics(topics::Args),
    Groups(groups::Args),
    Doctor(doctor::Args),
    Mesh(mesh::Args),
}

/// The variables that set what is logged, in the order of precedence; the second is the former name of the first.
const LOG_LEVEL_VARIABLES: [&str; 2] = ["DELAYCAST_LOG_LEVEL", "DELAYCAST_LOG"];
/// The default of the log level.
const LOG_LEVEL: &str = "info";
/// An embedded file is closed in order within this time, or left to the next start.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// `EX_TEMPFAIL` of sysexits.h: nothing is lost, start again, or look again.
const EXIT_TEMPORARY: u8 = 75;
/// `EX_SOFTWARE`: a thread died.
const EXIT_DEFECT: i32 = 70;

fn main() -> ExitCode {
    let cli: Cli = arguments::parse();
    log_to_stderr();
    exit_when_a_thread_panics();
    let stamps = matches!(cli.command, Command::Up(_) | Command::Score(_) | Command::Web(_) | Command::Train(_));
    if stamps && let Err(wrong) = clock::wall() {
        report(&wrong.into());
        return ExitCode::FAILURE;
    }
    let result = match cli.command {
        Command::Up(args) => up::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Web(args) => web::run(&args),
        Command::Train(args) => train::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Models(args) => models::run(&args),
        Command::Data(args) => data::run(args),
        Command::Ask(args) => ask::run(&args),
        Command::Answer(args) => answer::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Topics(args) => topics::run(&args),
        Command::Groups(args) => groups::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Mesh(args) => mesh::run(&args),
    };
    engine::sqlite::close(CLOSE_TIMEOUT);
    let Err(error) = result else { return ExitCode::SUCCESS };
    if let Some(ended @ ScoreError::Ended { .. }) = error.downcast_ref() {
        // A regular end: everything is durable and committed.
        progress::say(&ended.to_string());
        return ExitCode::SUCCESS;
    }
    report(&error);
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(ScoreError::Undrained { .. }), _) | (_, Some(AskError::NoAnswer { .. })) => {
            ExitCode::from(EXIT_TEMPORARY)
        }
        _ => ExitCode::FAILURE,
    }
}

/// Prints one line for the error and one for each cause. Errors of libraries repeat their cause, which is skipped.
fn report(error: &anyhow::Error) {
    let mut message = error.to_string();
    progress::say(&format!("error: {message}"));
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.ends_with(&cause) && !cause.ends_with(&message) {
            progress::say(&format!("  because: {cause}"));
        }
        message = cause;
    }
}

fn log_to_stderr() {
    let filter = log_filter(|variable| std::env::var(variable).ok()).unwrap_or_else(|warning| {
        progress::say(&format!("warning: {warning}; {LOG_LEVEL} is taken"));
        EnvFilter::new(LOG_LEVEL)
    });
    let stderr = std::io::stderr;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr)
        .init();
}

/// Returns the filter of log lines that the environment sets, or the reason for which it cannot be used.
fn log_filter(get: impl Fn(&str) -> Option<String>) -> Result<EnvFilter, String> {
    let set = LOG_LEVEL_VARIABLES.into_iter().find_map(|name| Some((name, get(name).filter(|text| !text.is_empty())?)));
    let Some((variable, text)) = set else { return Ok(EnvFilter::new(LOG_LEVEL)) };
    // A URL may contain a password, so its text is not repeated.
    if arguments::is_like_a_url(&text) {
        return Err(format!(
            "{variable} holds a URL: the request log is named by DELAYCAST_LOG_URL, the log level here"
        ));
    }
    EnvFilter::try_new(&text).map_err(|error| format!("{variable}={text} is not understood ({error})"))
}

/// Ends the process when a thread panics: the other threads would wait for it forever. The supervisor restarts the
/// process from the committed offsets. The web's runtime catches the panics of its own threads.
fn exit_when_a_thread_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        cluster::leave_if_a_peer_is_lost();
        usual(info);
        if !std::thread::current().name().is_some_and(|name| name.starts_with("tokio")) {
            std::process::exit(EXIT_DEFECT);
        }
    }));
}
