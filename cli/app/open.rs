//! Opening logs and stores by their URLs, with retries and without passwords in messages.

use std::{cell::Cell, sync::Arc};

use anyhow::Context;
use delaycast::domain::Flights;
use engine::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable},
    finding::Finding,
    log::{self, Log},
    runtime::Stop,
    store::{self, Store},
};

/// Opens the request log at a URL.
pub(crate) fn open_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open::<Flights>(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the prediction store at a URL.
pub(crate) fn open_store(url: &str) -> anyhow::Result<Arc<dyn Store<Flights>>> {
    store::open(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Opens the request log at a URL if it exists: creates no embedded file and no topic in it.
pub(crate) fn open_existing_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_existing::<Flights>(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the prediction store at a URL if it exists: creates no embedded file.
pub(crate) fn open_existing_store(url: &str) -> anyhow::Result<Arc<dyn Store<Flights>>> {
    store::open_existing(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Inspects the request log at a URL, and creates nothing.
pub(crate) fn inspect_log(url: &str) -> anyhow::Result<Vec<Finding>> {
    log::inspect::<Flights>(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Inspects the prediction store at a URL, and creates nothing.
pub(crate) fn inspect_store(url: &str) -> anyhow::Result<Vec<Finding>> {
    store::inspect::<Flights>(url).with_context(|| format!("cannot open the prediction store {}", shown(url)))
}

/// Opens with retries until it succeeds: a file that another process has locked is waited for, as any outage is. `None`
/// if a stop was requested meanwhile.
pub(crate) fn retry_open<T>(
    what: &str,
    stop: &Stop,
    open: impl Fn() -> anyhow::Result<T>,
) -> anyhow::Result<Option<T>> {
    let (health, fatal) = (Health::new(what), Cell::new(None));
    let attempt = || match open() {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if is_transient(&error) => Err(Unavailable::transient(format!("{error:#}"))),
        Err(error) => {
            fatal.set(Some(error));
            Ok(None)
        }
    };
    let opened = health.retry(stop, attempt).flatten();
    fatal.take().map_or(Ok(opened), Err)
}

/// Returns whether an error in opening may pass by itself.
fn is_transient(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(OpenError::Busy(_)) => true,
        Some(OpenError::Unavailable(error)) => !error.needs_operator,
        _ => false,
    }
}

/// Returns a URL as it may be shown and logged: the path of an embedded file, of others the scheme alone. One that
/// cannot be parsed may have a password anywhere.
pub(crate) fn shown(url: &str) -> String {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" && address.of_a_file().is_ok() => {
            format!("sqlite:{}", address.location)
        }
        Some(address) if address.location.starts_with("//") => format!("{}://…", address.scheme),
        _ => "(not shown: it cannot be read as a URL)".to_owned(),
    }
}
