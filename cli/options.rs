//! Options that several commands share.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

use anyhow::Context;
use clap::Args;
use delaycast::{
    log::{self, Log},
    store::{self, Store},
};

/// Where `delaycast up` keeps its log and store, so that the other commands find them.
const EMBEDDED: &str = "sqlite:var/delaycast.db";

/// Opens the request log at a URL.
pub(crate) fn open_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the prediction store at a URL.
pub(crate) fn open_store(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    store::open(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// A URL as it may be shown and logged. One with a host may have a password in it, so of that only the scheme is.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => url.to_owned(),
    }
}

/// The request log.
#[derive(Args)]
pub(crate) struct LogOption {
    /// The request log: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(id = "log", long, value_name = "URL", default_value = EMBEDDED)]
    pub(crate) url: String,
}

impl LogOption {
    /// Opens it.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Log>> {
        open_log(&self.url)
    }
}

/// The prediction store.
#[derive(Args)]
pub(crate) struct StoreOption {
    /// The prediction store: sqlite:PATH, or mongodb://HOST/DATABASE
    #[arg(id = "store", long, value_name = "URL", default_value = EMBEDDED)]
    pub(crate) url: String,
}

impl StoreOption {
    /// Opens it.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        open_store(&self.url)
    }
}

/// The model directory.
#[derive(Args)]
pub(crate) struct ModelsOption {
    /// The model directory
    #[arg(long, value_name = "DIR", default_value = "var/models")]
    pub(crate) models: PathBuf,
}

/// More worker threads than this are a slip of the finger.
const WORKERS_MAX: usize = 256;

/// Reads a number of worker threads.
pub(crate) fn workers(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= WORKERS_MAX);
    number.ok_or_else(|| format!("a number from 1 to {WORKERS_MAX} is wanted"))
}

/// A log, a store and models: what `score` and `web` work with.
#[derive(Args)]
pub(crate) struct SystemOptions {
    #[command(flatten)]
    pub(crate) log: LogOption,
    #[command(flatten)]
    pub(crate) store: StoreOption,
    #[command(flatten)]
    pub(crate) models: ModelsOption,
}
