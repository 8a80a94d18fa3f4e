//! The processes of a cluster hear from each other all the time, and leave together when one of them is not heard.
//!
//! ```text
//!  Beat ──▶ [each process's first worker] ──▶ Hear ──▶ Pulse ◀── watchdog thread ──▶ leave
//! ```
//!
//! A dataflow of its own beside the one that does the work, without sources and sinks: nothing that it waits for can be
//! an outage of a log or a store, so its silence means that a worker hangs or that the network is cut. A process that
//! dies is noticed by its connections, at once; this is for the one that is there and does nothing.
//!
//! The beats also carry each process's clock, so that it is known how far the fastest is ahead, and the word to stop: a generation ends with the first of its processes that is told to stop, after
//! all of them have finished what they had read.

mod pulse;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        Scope,
        channels::pact::Exchange,
        operators::generic::operator::{Operator, source},
    },
};

pub use pulse::{Loss, Pulse};

/// How often each worker says that it is there.
pub const BEAT: Duration = Duration::from_millis(200);
/// Who was not heard for so long is lost.
pub const LOST: Duration = Duration::from_secs(2);

/// One worker is there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Beat {
    /// The worker that is told.
    to: usize,
    /// The one that is there.
    from: usize,
    /// Whether its process was told to stop.
    stopping: bool,
    /// Its process's clock, in milliseconds.
    clock_ms: u64,
}

/// Builds one worker's part. `stopping` tells whether this process was told to stop, `clock_ms` what its clock says.
pub(crate) fn build(
    scope: Scope<'_, u64>,
    pulse: &Arc<Pulse>,
    stopping: impl Fn() -> bool + 'static,
    clock_ms: impl Fn() -> u64 + Copy + 'static,
) {
    let (from, listeners, told) = (scope.worker().index(), pulse.listeners(), Arc::clone(pulse));
    let beats = source::<_, CapacityContainerBuilder<Vec<Beat>>, _, _>(scope, "Beat", |mut capability, info| {
        let activator = scope.activator_for(info.address);
        activator.activate();
        let mut due = Instant::now();
        move |output| {
            let now = Instant::now();
            if now < due {
                return;
            }
            // Set before the timer is armed: see `Ticker` of the score dataflow.
            due = now + BEAT;
            // The word of another is not passed on: all have heard it, and it would seem to be this one's.
            let stopping = stopping() && told.ended_by().is_none_or(|process| process == told.process());
            let clock_ms = clock_ms();
            let beat = |&to| Beat { to, from, stopping, clock_ms };
            output.session(&capability).give_iterator(listeners.iter().map(beat));
            let next = capability.time() + 1;
            capability.downgrade(&next);
            activator.activate_after(BEAT);
        }
    });
    let pulse = Arc::clone(pulse);
    beats.sink(Exchange::new(|beat: &Beat| beat.to as u64), "Hear", move |(input, _)| {
        input.for_each_stamp(|_, containers| {
            for beat in containers.flat_map(|container| container.drain(..)) {
                pulse.heard(beat.from, beat.stopping);
                pulse.compare(beat.clock_ms, clock_ms());
            }
        });
    });
}
