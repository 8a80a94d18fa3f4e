//! The health of a connection: serving, or waiting since a moment.

use std::time::{Duration, Instant};

use super::Unavailable;
use crate::runtime::{Mutex, Stop, retry};

/// An outage is logged again after this time.
const REMIND: Duration = Duration::from_secs(30);

/// The health of one connection, shared between its user and the monitor.
#[derive(Debug)]
pub struct Health {
    what: String,
    state: Mutex<HealthState>,
}

#[derive(Debug, Default)]
struct HealthState {
    waiting: Option<Waiting>,
    logged_at: Option<Instant>,
}

/// An outage.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its start.
    pub since: Instant,
    /// The error of the last attempt.
    pub reason: String,
    /// True if only an operator can repair it.
    pub needs_operator: bool,
}

impl Health {
    /// Returns the health of `what`, in words for an operator.
    pub fn new(what: impl Into<String>) -> Self {
        Health { what: what.into(), state: Mutex::default() }
    }

    /// Returns the name of the connection.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Records that the last attempt succeeded.
    pub fn serving(&self) {
        let mut state = self.state.lock();
        if let Some(outage) = state.waiting.take() {
            tracing::info!("{} serves again after {:.1} s", self.what, outage.since.elapsed().as_secs_f64());
        }
        state.logged_at = None;
    }

    /// Records that the last attempt failed and will be retried.
    pub fn waiting(&self, error: &Unavailable) {
        let mut state = self.state.lock();
        let since = state.waiting.as_ref().map_or_else(Instant::now, |outage| outage.since);
        let Unavailable { reason, needs_operator } = error.clone();
        state.waiting = Some(Waiting { since, reason, needs_operator });
        if state.logged_at.is_none_or(|at| at.elapsed() >= REMIND) {
            state.logged_at = Some(Instant::now());
            let waited_s = since.elapsed().as_secs();
            tracing::warn!("waiting for {} for {waited_s} s: {}; will keep trying", self.what, error.reason);
        }
    }

    /// Calls `attempt` until it succeeds, with backoff, and records how that goes. Returns `None` once `stop` is
    /// requested. Blocks.
    pub fn retry<T>(&self, stop: &Stop, attempt: impl FnMut() -> Result<T, Unavailable>) -> Option<T> {
        if stop.is_requested() {
            return None;
        }
        self.retry_at_least_once(stop, attempt)
    }

    /// Calls `attempt` as [`Health::retry`] does, but once also after `stop` was requested.
    pub fn retry_at_least_once<T>(
        &self,
        stop: &Stop,
        mut attempt: impl FnMut() -> Result<T, Unavailable>,
    ) -> Option<T> {
        let attempt = || attempt().inspect(|_| self.serving());
        retry(stop, attempt, |error| {
            self.waiting(error);
            error.needs_operator
        })
    }

    /// Returns the current outage, if there is one.
    pub fn outage(&self) -> Option<Waiting> {
        self.state.lock().waiting.clone()
    }
}
