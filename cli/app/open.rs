//! Opening logs and stores by their URLs, with retries and without passwords in messages.

use std::{cell::Cell, sync::Arc};

use anyhow::Context;
use delaycast::domain::Flights;
use delaycast_dataflows::live::EventLog;
use engine::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable},
    domain::Domain,
    finding::Finding,
    log::{self, Log},
    runtime::{Mutex, Stop},
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

/// Opens the log of answers at a URL.
pub(crate) fn open_answers(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_output::<Flights>(url).with_context(|| format!("cannot open the output topic {}", shown(url)))
}

/// The word in place of the URL of a log of events, for scoring without events.
pub(crate) const NO_EVENTS: &str = "none";

/// Returns the URL of a log of events; `None` if it is `none`.
pub(crate) fn events_at(url: &str) -> Option<&str> {
    (url != NO_EVENTS).then_some(url)
}

/// Returns the URL of the log of events beside the request log at a URL: another topic of the same file or brokers.
pub(crate) fn events_beside(url: &str) -> anyhow::Result<String> {
    log::events_url::<Flights>(url)
        .with_context(|| format!("no log of events is beside the request log {}: name one with --events", shown(url)))
}

/// Returns the URL of the log of events of a system: the one that is named, or the one beside an embedded request log.
pub(crate) fn events_of(named: Option<&str>, log: &str) -> anyhow::Result<Option<String>> {
    match named {
        Some(url) => Ok(events_at(url).map(str::to_owned)),
        None if is_embedded(log) => events_beside(log).map(Some),
        None => Ok(None),
    }
}

/// Returns whether a URL names an embedded file.
fn is_embedded(url: &str) -> bool {
    Address::parse(url).is_some_and(|address| address.scheme == "sqlite")
}

/// Opens the log of events at a URL.
pub(crate) fn open_events(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_events::<Flights>(url).with_context(|| format!("cannot open the log of events {}", shown(url)))
}

/// Returns the events at a URL, for a scorer. Their log is opened now, or by the scorer's threads if what prevents it
/// may pass by itself: answers do not wait for events.
pub(super) fn events(url: &str) -> anyhow::Result<EventLog<Flights>> {
    let error = match open_events(url) {
        Ok(log) => return Ok(EventLog::new(log)),
        Err(error) if is_transient(&error) => error,
        Err(error) => return Err(error),
    };
    tracing::warn!("scoring without events until their log can be opened: {error:#}");
    let (owned, opened) = (url.to_owned(), Mutex::<Option<Arc<dyn Log>>>::default());
    let open = move || {
        let mut opened = opened.lock();
        if let Some(log) = &*opened {
            return Ok(Arc::clone(log));
        }
        let log = open_events(&owned).map_err(|error| match is_transient(&error) {
            true => Unavailable::transient(format!("{error:#}")),
            false => Unavailable::needs_operator(format!("{error:#}")),
        })?;
        Ok(Arc::clone(opened.insert(log)))
    };
    Ok(EventLog::opened_later(events_place(url), Arc::new(open)))
}

/// Returns the place of a log of events in the words of [`Log::describe`], which processes of a cluster compare.
fn events_place(url: &str) -> String {
    match (Address::parse(url), Flights::EVENTS) {
        (Some(address), Some(events)) if address.scheme == "sqlite" && address.of_a_file().is_ok() => {
            format!("topic {} in {}", address.parameter("topic").unwrap_or(events.topic), address.location)
        }
        _ => shown(url),
    }
}

/// Inspects the log of events at a URL, and creates nothing.
pub(crate) fn inspect_events(url: &str) -> anyhow::Result<Vec<Finding>> {
    log::inspect_events::<Flights>(url).with_context(|| format!("cannot open the log of events {}", shown(url)))
}

/// Opens the request log at a URL if it exists: creates no embedded file and no topic in it.
pub(crate) fn open_existing_log(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_existing::<Flights>(url).with_context(|| format!("cannot open the request log {}", shown(url)))
}

/// Opens the log of events at a URL if it exists, as [`open_existing_log`] does.
pub(crate) fn open_existing_events(url: &str) -> anyhow::Result<Arc<dyn Log>> {
    log::open_existing_events::<Flights>(url).with_context(|| format!("cannot open the log of events {}", shown(url)))
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
