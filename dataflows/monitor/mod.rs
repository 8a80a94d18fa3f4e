//! Liveness, readiness and metrics of a process.
//!
//! A [`Monitor`] knows which parts have not started, and holds the counters and healths of those that run. It answers
//! at any time, from any thread, and blocks none.
//!
//! 1. Live: no worker's main loop is silent for 30 s. An outage, however long, is no reason to restart.
//! 2. Ready: the clock is within bounds, nothing is missing, all workers run their main loop, every connection serves,
//!    and no stop was requested.
//! 3. The text of the metrics is made at each request; the dataflow touches only atomics.

mod exposition;
mod probe;
mod status;

pub use probe::{Probe, start_probe};
pub use status::Monitor;
