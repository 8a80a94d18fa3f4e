//! The health of a connection: serving, or waiting since a moment.

use std::time::{Duration, Instant};

use super::Unavailable;
use crate::runtime::{Mutex, Stop, retry};

/// An outage is logged again after this time.
const REMIND: Duration = Duration::from_secs(30);

/// The state of one connection, shared between who uses it and who reports on it.
#[derive(Debug)]
pub struct Health {
    what: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Option<Waiting>,
    said: Option<Instant>,
}

/// An outage.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Since when.
    pub since: Instant,
    /// What the last try said.
    pub reason: String,
    /// Whether only a person can mend it.
    pub needs_operator: bool,
}

impl Health {
    /// The health of `what`, as one would name it to an operator.
    pub fn new(what: impl Into<String>) -> Self {
        Health { what: what.into(), state: Mutex::default() }
    }

    /// What this is the health of.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The last try succeeded.
    pub fn serving(&self) {
        let mut state = self.state.lock();
        if let Some(outage) = state.waiting.take() {
            tracing::info!("{} serves again after {:.1} s", self.what, outage.since.elapsed().as_secs_f64());
        }
        state.said = None;
    }

    /// The last try failed, and it will be tried again.
    pub fn waiting(&self, error: &Unavailable) {
        let mut state = self.state.lock();
        let since = state.waiting.as_ref().map_or_else(Instant::now, |outage| outage.since);
        let Unavailable { reason, needs_operator } = error.clone();
        state.waiting = Some(Waiting { since, reason, needs_operator });
        if state.said.is_none_or(|at| at.elapsed() >= REMIND) {
            state.said = Some(Instant::now());
            let waited_s = since.elapsed().as_secs();
            tracing::warn!("waiting for {} for {waited_s} s: {}; will keep trying", self.what, error.reason);
        }
    }

    /// Calls `attempt` until it succeeds, with backoff, and records how that goes. Returns `None` once `stop` is asked.
    /// Blocks.
    pub fn retry<T>(&self, stop: &Stop, mut attempt: impl FnMut() -> Result<T, Unavailable>) -> Option<T> {
        if stop.asked() {
            return None;
        }
        let attempt = || attempt().inspect(|_| self.serving());
        retry(stop, attempt, |error| {
            self.waiting(error);
            error.needs_operator
        })
    }

    /// The outage under way, if any.
    pub fn outage(&self) -> Option<Waiting> {
        self.state.lock().waiting.clone()
    }
}
