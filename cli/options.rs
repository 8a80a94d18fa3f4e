//! Options that several commands share, and the format of their results.

use std::{
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{ArgAction, Args, ValueEnum, value_parser};
use delaycast::{
    domain::Flights,
    features::Preset,
    forest::{DEPTH_MAX, ForestSettings, MaxFeatures, Trainer},
};
use delaycast_train::TrainingPlan;
use engine::{log::Log, store::Store};
use serde::Serialize;

use crate::{
    app::{HealthOption, NO_EVENTS, Urls, events_at, open_log, open_store},
    cluster::ClusterOptions,
};

/// The default file of `delaycast up`: the other commands find its log and store there.
pub(crate) const EMBEDDED: &str = "sqlite:var/delaycast.db";

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

/// The log of events of a scorer.
#[derive(Args)]
pub(crate) struct EventsOption {
    /// The log of events, which answers take into account: sqlite:PATH, kafka://HOST:PORT/TOPIC, or none
    #[arg(
        id = "events",
        long,
        value_name = "URL",
        default_value = NO_EVENTS,
        env = "DELAYCAST_EVENTS",
        hide_env_values = true
    )]
    url: String,
}

impl EventsOption {
    /// Returns the URL, unless it is `none`.
    pub(crate) fn url(&self) -> Option<&str> {
        events_at(&self.url)
    }
}

/// The output topic: a scorer writes it, and a page without a store reads it.
#[derive(Args)]
pub(crate) struct OutputOption {
    /// A topic that answers are written to as messages, too: sqlite:PATH, or kafka://HOST:PORT/TOPIC. With --store none
    /// it has them alone
    #[arg(id = "answers", long = "answers", value_name = "URL", env = "DELAYCAST_ANSWERS", hide_env_values = true)]
    pub(crate) url: Option<String>,
}

/// The prediction store.
#[derive(Args)]
pub(crate) struct StoreOption {
    /// The prediction store: sqlite:PATH, mongodb://HOST/DATABASE, or none, if a scorer has --answers
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

    /// Fails if it is a file that is not there: opening it would create an empty one. `kept` is for the error, as in
    /// "the scorer keeps its answers".
    pub(crate) fn check_is_there(&self, kept: &str) -> anyhow::Result<()> {
        match self.url.strip_prefix("sqlite:").and_then(|rest| rest.split('?').next()) {
            Some(path) if !Path::new(path).exists() => {
                bail!("there is no file {path}: --store says where {kept}")
            }
            _ => Ok(()),
        }
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
        Urls { log: &self.log.url, store: &self.store.url, events: None, output: None }
    }
}

/// The options of a scorer, alone or as one process of a cluster.
#[derive(Args)]
pub(crate) struct ScorerOptions {
    #[command(flatten)]
    pub(crate) system: SystemOptions,
    #[command(flatten)]
    pub(crate) events: EventsOption,
    #[command(flatten)]
    pub(crate) output: OutputOption,
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

impl ScorerOptions {
    /// The URLs of the log, the store and the events.
    pub(crate) fn urls(&self) -> Urls<'_> {
        Urls { events: self.events.url(), output: self.output.url.as_deref(), ..self.system.urls() }
    }
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

/// Upper bound on trees: more would take hours and gain nothing.
const TREES_MAX: i64 = 10_000;

/// The features and settings of the forests.
#[derive(Args)]
#[group(skip)]
pub(crate) struct ForestOptions {
    /// The features and the size of forest: default, or seed, the system that this one replaces
    #[arg(long, default_value_t = Preset::Default)]
    preset: Preset,
    /// The algorithm that grows the trees: histogram, or linfa, the reference
    #[arg(long, default_value_t = Trainer::Histogram)]
    trainer: Trainer,
    /// The number of trees of each forest [default: 20]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=TREES_MAX))]
    trees: Option<u32>,
    /// The greatest depth of a tree [default: 14, or 5 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(DEPTH_MAX)))]
    depth: Option<u32>,
    /// The columns that are tried at a node: a number, or a share of those that the forest may use [default: 40%, or 3
    /// with --preset seed]
    #[arg(long, value_name = "N|N%")]
    columns: Option<MaxFeatures>,
    /// The least weight of rows in a leaf [default: 130, or 1 with --preset seed]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    leaf: Option<u32>,
    /// A leaf's probabilities are drawn towards its parent's, which count for so many rows [default: 10, or 1 with
    /// --preset seed]; only of the histogram trainer
    #[arg(long, value_name = "N")]
    smoothing: Option<u32>,
    /// The seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The number of threads that grow trees [default: one a processor]
    #[arg(long, value_name = "N", value_parser = workers)]
    workers: Option<NonZeroUsize>,
}

impl ForestOptions {
    /// The options that have no effect on an existing forest.
    pub(crate) const OF_THE_FOREST: [&str; 6] = ["preset", "trees", "depth", "columns", "leaf", "smoothing"];

    /// The seed of every random draw.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The settings of a training.
    pub(crate) fn plan(&self, holdout_from: Option<NaiveDate>) -> TrainingPlan {
        let preset = ForestSettings::from_preset(self.preset, self.seed);
        let settings = ForestSettings {
            trainer: self.trainer,
            trees: self.trees.unwrap_or(preset.trees),
            depth: self.depth.unwrap_or(preset.depth),
            max_features: self.columns.unwrap_or(preset.max_features),
            min_samples_leaf: self.leaf.unwrap_or(preset.min_samples_leaf),
            path_smooth: self.smoothing.unwrap_or(preset.path_smooth),
            ..preset
        };
        let workers = self.workers.or(thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        TrainingPlan { preset: self.preset, settings: settings.into(), holdout_from, workers }
    }
}
