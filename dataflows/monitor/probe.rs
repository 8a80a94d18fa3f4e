//! Asking a dependency now and then whether it answers.

use std::{
    cell::RefCell,
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use delaycast::delivery::{Health, Unavailable};

use crate::score::{Stop, TICK, patiently};

use super::Monitor;

/// How often one that answers is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Who leaves waits so long for a look under way: it holds on to the store, which is to be closed in good order.
const FAREWELL: Duration = Duration::from_secs(2);

/// A thread that asks. Dropping this waits for its end, which comes once `stop` is asked.
#[must_use = "the thread holds on to what it asks"]
pub struct Probing {
    stop: Stop,
    thread: JoinHandle<()>,
}

impl Drop for Probing {
    fn drop(&mut self) {
        let deadline = Instant::now() + FAREWELL;
        while self.stop.asked() && !self.thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
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
    look: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
) -> io::Result<Probing> {
    let (monitor, health, told) = (Arc::clone(monitor), Arc::new(health), stop.clone());
    monitor.lacks(name, "has not answered yet");
    monitor.depends_on(name, Arc::clone(&health));
    let run = move || {
        let look = RefCell::new(look);
        while patiently(&health, &told, || (look.borrow_mut())()).is_some() {
            monitor.has(name);
            let again_at = Instant::now() + EVERY;
            while Instant::now() < again_at && !told.asked() {
                thread::sleep(TICK);
            }
        }
    };
    let thread = thread::Builder::new().name(format!("probe-{name}")).spawn(run)?;
    Ok(Probing { stop: stop.clone(), thread })
}
