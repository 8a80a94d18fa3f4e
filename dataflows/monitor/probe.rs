//! Asking a dependency now and then whether it answers.

use std::{io, sync::Arc, time::Duration};

use engine::{
    delivery::{Health, Unavailable},
    runtime::{Stop, Thread},
};

use super::Monitor;

/// How often one that answers is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Timeout of the join: a look under way holds on to the store, which is to be closed in good order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A thread that asks. Dropping this waits for its end, which comes once `stop` is asked.
#[must_use = "the thread holds on to what it asks"]
pub struct Probing {
    stop: Stop,
    thread: Thread,
}

impl Drop for Probing {
    fn drop(&mut self) {
        if self.stop.asked() {
            self.thread.join(JOIN_TIMEOUT);
        }
    }
}

/// Asks `look` on a thread of its own until `stop` is asked, and lets `monitor` know under `name`. A store that nobody
/// writes to for a while would seem well for ever, as no write fails.
pub fn probe(
    monitor: &Arc<Monitor>,
    name: &'static str,
    health: Health,
    stop: &Stop,
    mut look: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
) -> io::Result<Probing> {
    let (monitor, health, told) = (Arc::clone(monitor), Arc::new(health), stop.clone());
    monitor.lacks(name, "has not answered yet");
    monitor.depends_on(name, Arc::clone(&health));
    let run = move || {
        while health.retry(&told, &mut look).is_some() {
            monitor.has(name);
            told.sleep(EVERY);
        }
    };
    let thread = Thread::spawn(&format!("probe-{name}"), run)?;
    Ok(Probing { stop: stop.clone(), thread })
}
