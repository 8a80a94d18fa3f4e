//! Heartbeats among the processes of a cluster: when one of them fails, the others leave the generation together.
//!
//! ```text
//!  SendHeartbeats ──▶ [first worker of each process] ──▶ ReceiveHeartbeats ──▶ FailureDetector ◀── watchdog thread
//! ```
//!
//! The heartbeats have their own dataflow without sources and sinks. It waits for no log and no store, so a missing
//! heartbeat means that a worker hangs or that the network is partitioned. The failure of a process closes its
//! connections and is noticed at once; heartbeats detect a process that runs and does nothing.
//!
//! Heartbeats also carry each process's clock, to measure how far the fastest is ahead, and the request to stop: a
//! generation ends with the first of its processes that is told to stop, after all of them have finished what they had
//! read.

mod failure_detector;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        Scope,
        channels::pact::Exchange,
        operators::generic::operator::{Operator, source},
    },
};

pub use failure_detector::{FAILURE_TIMEOUT, Failure, FailureDetector, HEARTBEAT_INTERVAL};

/// A heartbeat of one worker.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Heartbeat {
    /// The receiving worker.
    to: usize,
    /// The sending worker.
    from: usize,
    /// True if the sending process was told to stop.
    stopping: bool,
    /// The sending process's clock, in milliseconds.
    clock_ms: u64,
}

/// Builds one worker's part. `stopping` returns whether this process was told to stop, `clock_ms` reads its clock.
pub(crate) fn build(
    scope: Scope<'_, u64>,
    detector: &Arc<FailureDetector>,
    stopping: impl Fn() -> bool + 'static,
    clock_ms: impl Fn() -> u64 + Copy + 'static,
) {
    let (from, receivers, stops) = (scope.worker().index(), detector.receivers(), Arc::clone(detector));
    let heartbeats =
        source::<_, CapacityContainerBuilder<Vec<Heartbeat>>, _, _>(scope, "SendHeartbeats", |mut capability, info| {
            let activator = scope.activator_for(info.address);
            activator.activate();
            let mut due = Instant::now();
            move |output| {
                let now = Instant::now();
                if now < due {
                    return;
                }
                // Set before the timer is armed: see `Ticker` of the score dataflow.
                due = now + HEARTBEAT_INTERVAL;
                // Another process's request is not forwarded: all have received it, and it would seem to be this one's.
                let stopping = stopping() && stops.stopped_by().is_none_or(|process| process == stops.process());
                let clock_ms = clock_ms();
                let heartbeat = |&to| Heartbeat { to, from, stopping, clock_ms };
                output.session(&capability).give_iterator(receivers.iter().map(heartbeat));
                let next = capability.time() + 1;
                capability.downgrade(&next);
                activator.activate_after(HEARTBEAT_INTERVAL);
            }
        });
    let detector = Arc::clone(detector);
    let route = Exchange::new(|heartbeat: &Heartbeat| heartbeat.to as u64);
    heartbeats.sink(route, "ReceiveHeartbeats", move |(input, _)| {
        input.for_each_stamp(|_, containers| {
            for heartbeat in containers.flat_map(|container| container.drain(..)) {
                detector.record_heartbeat(heartbeat.from, heartbeat.stopping);
                detector.record_clock(heartbeat.clock_ms, clock_ms());
            }
        });
    });
}
