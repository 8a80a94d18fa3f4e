//! Probes: periodic requests to a dependency, to learn whether it serves.

use std::{io, sync::Arc, time::Duration};

use engine::{
    delivery::{Health, Unavailable},
    runtime::{Stop, Thread},
};

use super::status::Monitor;

/// Interval of the probes of a dependency that serves.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// Upper bound on the wait for a running probe at the end: it holds the store, which must be closed in good order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The thread of a probe. Dropping it waits for the thread's end after `stop` was requested.
#[must_use = "the thread holds the dependency"]
pub struct Probe {
    stop: Stop,
    thread: Thread,
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.stop.is_requested() {
            self.thread.join(JOIN_TIMEOUT);
        }
    }
}

/// Starts a thread that calls `request` until `stop` is requested, and reports to `monitor` under `name`. Without
/// probes, an unused store would seem to serve, because no write fails.
pub fn start_probe(
    monitor: &Arc<Monitor>,
    name: &'static str,
    health: Health,
    stop: &Stop,
    mut request: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
) -> io::Result<Probe> {
    let (monitor, health, stopping) = (Arc::clone(monitor), Arc::new(health), stop.clone());
    monitor.lacks(name, "has not answered yet");
    monitor.depends_on(name, Arc::clone(&health));
    let run = move || {
        while health.retry(&stopping, &mut request).is_some() {
            monitor.has(name);
            stopping.sleep(PROBE_INTERVAL);
        }
    };
    let thread = Thread::spawn(&format!("probe-{name}"), run)?;
    Ok(Probe { stop: stop.clone(), thread })
}
