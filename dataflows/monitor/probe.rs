//! Asking a dependency now and then whether it answers.

use std::{
    cell::RefCell,
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use delaycast::delivery::{Health, Unavailable};

use crate::score::{Stop, TICK, patiently};

use super::Monitor;

/// How often one that answers is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Asks `look` on a thread of its own until `stop` is asked, and lets `monitor` know under `name`. A store that nobody
/// writes to for a while would seem well for ever, as no write fails.
pub fn probe(
    monitor: &Arc<Monitor>,
    name: &'static str,
    health: Health,
    stop: &Stop,
    look: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
) -> io::Result<()> {
    let (monitor, health, stop) = (Arc::clone(monitor), Arc::new(health), stop.clone());
    monitor.lacks(name, "has not answered yet");
    monitor.depends_on(name, Arc::clone(&health));
    let run = move || {
        let look = RefCell::new(look);
        while patiently(&health, &stop, || (look.borrow_mut())()).is_some() {
            monitor.has(name);
            let again_at = Instant::now() + EVERY;
            while Instant::now() < again_at && !stop.asked() {
                thread::sleep(TICK);
            }
        }
    };
    thread::Builder::new().name(format!("probe-{name}")).spawn(run)?;
    Ok(())
}
