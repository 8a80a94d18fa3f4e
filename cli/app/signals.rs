//! Handling of SIGINT and SIGTERM.

use std::thread;

use anyhow::Context;
use engine::runtime::Stop;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// Requests a stop at the first SIGINT or SIGTERM. A second one ends the process at once: nothing is lost by it.
pub(crate) fn on_stop(stop: &Stop) -> anyhow::Result<()> {
    let stop = stop.clone();
    at_first("stopping: waiting for what is in flight (again to leave at once)", move || stop.request())
}

/// Logs `message` and runs `act` at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(crate) fn at_first(message: &'static str, act: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
    let watch = move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            tracing::info!("{message}");
            act();
        }
        if let Some(signal) = arriving.next() {
            std::process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(watch).context("cannot start a thread for signals")?;
    Ok(())
}
