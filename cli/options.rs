//! Options that several commands share.

use std::{cell::Cell, num::NonZeroUsize, path::PathBuf, sync::Arc};

use anyhow::Context;
use clap::{ArgAction, Args};
use delaycast::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable},
    domain::Flights,
    finding::Finding,
    log::{self, Log},
    model::{Model, Scorer, VersionedModel},
    store::{self, Store},
};
use delaycast_dataflows::score::{self, Stop};

/// Where `delaycast up` keeps its log and store, so that the other commands find them.
const EMBEDDED: &str = "sqlite:var/delaycast.db";

/// Opens the request log at a URL.
pub(crate) fn open_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the prediction store at a URL.
pub(crate) fn open_store(url: &str) -> anyhow::Result<Arc<dyn Store<Flights>>> {
    store::open(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Opens the request log at a URL if it is there: makes no file and no topic of an embedded one.
pub(crate) fn open_existing_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_existing(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the prediction store at a URL if it is there: makes no embedded file.
pub(crate) fn open_existing_store(url: &str) -> anyhow::Result<Arc<dyn Store<Flights>>> {
    store::open_existing(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Looks at the request log at a URL, and makes nothing.
pub(crate) fn inspect_log(url: &str) -> anyhow::Result<Vec<Finding>> {
    log::inspect(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Looks at the prediction store at a URL, and makes nothing.
pub(crate) fn inspect_store(url: &str) -> anyhow::Result<Vec<Finding>> {
    store::inspect::<Flights>(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Tries to open until it succeeds: a file that somebody has locked is waited for, as any outage is. `None` if told to
/// stop meanwhile.
pub(crate) fn patiently<T>(what: &str, stop: &Stop, open: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    let (health, hopeless) = (Health::new(what), Cell::new(None));
    let attempt = || match open() {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if is_passing(&error) => Err(Unavailable::transient(format!("{error:#}"))),
        Err(error) => {
            hopeless.set(Some(error));
            Ok(None)
        }
    };
    let opened = score::patiently(&health, stop, attempt).flatten();
    hopeless.take().map_or(Ok(opened), Err)
}

/// Whether an error in opening passes by itself.
fn is_passing(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(OpenError::Sqlite(error)) => error.is_busy(),
        Some(OpenError::Unavailable(error)) => !error.needs_operator,
        _ => false,
    }
}

/// A URL as it may be shown and logged: the path of an embedded file, of others the scheme alone. One that cannot be
/// read may have a password in any place.
pub(crate) fn shown(url: &str) -> String {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" && address.of_a_file().is_ok() => {
            format!("sqlite:{}", address.location)
        }
        Some(address) if address.location.starts_with("//") => format!("{}://…", address.scheme),
        _ => "(not shown: it cannot be read as a URL)".to_owned(),
    }
}

/// The request log.
#[derive(Args)]
pub(crate) struct LogOption {
    /// The request log: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(id = "log", long, value_name = "URL", default_value = EMBEDDED, env = "DELAYCAST_LOG_URL", hide_env_values = true)]
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
    #[arg(id = "store", long, value_name = "URL", default_value = EMBEDDED, env = "DELAYCAST_STORE_URL", hide_env_values = true)]
    pub(crate) url: String,
}

impl StoreOption {
    /// Opens it.
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

/// Whether answers say why.
#[derive(Args, Clone, Copy)]
pub(crate) struct ExplainOption {
    /// Whether each answer says why: half as long again, and at full load a fifth of the throughput
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub(crate) explain: bool,
}

impl ExplainOption {
    /// The model as one that answers with reasons, or without.
    pub(crate) fn scorer(&self, model: VersionedModel) -> Arc<dyn Scorer<Flights>> {
        Arc::new(if self.explain { model.map(Model::explaining) } else { model })
    }
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

/// An open log and an open store.
pub(crate) type Opened = (Arc<dyn Log>, Arc<dyn Store<Flights>>);

impl SystemOptions {
    /// Opens log and store; `None` if told to stop while they cannot be opened yet.
    pub(crate) fn open(&self, stop: &Stop) -> anyhow::Result<Option<Opened>> {
        let Some(log) = patiently("the log", stop, || self.log.open())? else { return Ok(None) };
        let Some(store) = patiently("the store", stop, || self.store.open())? else { return Ok(None) };
        Ok(Some((log, store)))
    }
}
