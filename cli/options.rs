//! Options that several commands share, and the format of their results.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use clap::{ArgAction, Args, ValueEnum};
use delaycast::domain::Flights;
use engine::{log::Log, store::Store};
use serde::Serialize;

use crate::{
    app::{HealthOption, Urls, open_log, open_store},
    cluster::ClusterOptions,
};

/// The default file of `delaycast up`: the other commands find its log and store there.
const EMBEDDED: &str = "sqlite:var/delaycast.db";

/// The request log.
#[derive(Args)]
pub(crate) struct LogOption {
    /// The request log: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(
        id = "log",
        long,
        value_name = "URL",
        default_value = EMBEDDED,
        env = "DELAYCAST_LOG_URL",
        hide_env_values = true
    )]
    pub(crate) url: String,
}

impl LogOption {
    /// Opens the URL.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Log>> {
        open_log(&self.url)
    }
}

/// The prediction store.
#[derive(Args)]
pub(crate) struct StoreOption {
    /// The prediction store: sqlite:PATH, or mongodb://HOST/DATABASE
    #[arg(
        id = "store",
        long,
        value_name = "URL",
        default_value = EMBEDDED,
        env = "DELAYCAST_STORE_URL",
        hide_env_values = true
    )]
    pub(crate) url: String,
}

impl StoreOption {
    /// Opens the URL.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store<Flights>>> {
        open_store(&self.url)
    }
}

/// The model directory.
#[derive(Args)]
pub(crate) struct ModelsOption {
    /// The model directory
    #[arg(long, value_name = "DIR", default_value = "var/models", env = "DELAYCAST_MODELS")]
    pub(crate) models: PathBuf,
}

/// The choice of answers with or without explanations.
#[derive(Args, Clone, Copy)]
pub(crate) struct ExplainOption {
    /// Explain each answer, which makes it half as long again, and costs a fifth of the throughput at full load
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub(crate) explain: bool,
}

/// Upper bound on worker threads: more would only wait for a processor.
const WORKERS_MAX: usize = 256;

/// Parses a number of worker threads.
pub(crate) fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= WORKERS_MAX);
    number.ok_or_else(|| format!("a number from 1 to {WORKERS_MAX} is wanted"))
}

/// A log, a store and models: the options of `score` and `web`.
#[derive(Args)]
pub(crate) struct SystemOptions {
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) store: StoreOption,
    #[command(flatten)]
    pub(crate) models: ModelsOption,
}

impl SystemOptions {
    /// The URLs of the log and the store.
    pub(crate) fn urls(&self) -> Urls<'_> {
        Urls { log: &self.log.url, store: &self.store.url }
    }
}

/// The options of a scorer, alone or as one process of a cluster.
#[derive(Args)]
pub(crate) struct ScorerOptions {
    #[command(flatten)]
    pub(crate) system: SystemOptions,
    /// Worker threads, in each process
    #[arg(long, value_name = "N", default_value = "2", value_parser = workers)]
    pub(crate) workers: NonZeroUsize,
    #[command(flatten)]
    pub(crate) explain: ExplainOption,
    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
    #[command(flatten)]
    pub(crate) health: HealthOption,
}

/// The format of a result on standard output. Progress and warnings go to standard error in either format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object, for programs.
    Json,
}

impl Format {
    /// Prints a result; `text` renders it for people.
    pub(crate) fn print<T: Serialize>(self, result: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        let printed = match self {
            Format::Text => text(result),
            Format::Json => serde_json::to_string(result)?,
        };
        match writeln!(io::stdout(), "{printed}") {
            // The reader has closed the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the result to standard output"),
        }
    }
}
