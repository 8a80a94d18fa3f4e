//! The watch dataflow: counts answers and dead letters over a sliding window.
//!
//! ```text
//!  store of answers ──▶ follow ──┐  events,
//!                                ├─ (event, +n) ──▶ Window ──▶ [Exchange] ──▶ Count ──▶ SnapshotCell ──▶ /ops
//!  dead letters ──────▶ follow ──┘                    │                    key: count
//!                                    (key, enters, +n), (key, leaves, −n)
//! ```
//!
//! # The rules
//!
//! Each has a test of its number in `tests/watch_rules.rs`.
//!
//! 1. The counts are those of the rows in the store, which is followed from the beginning of the window. So a start
//!    rebuilds the counts, rows that are written again change none, and the scorer does not depend on the watch.
//! 2. An event enters a window and leaves it: both are updates of a differential collection, and the second has the
//!    timestamp of the leaving. So the counts equal a count from scratch at any time, with any number of workers.
//! 3. A window moves in steps ([`STEP`]; a second for rates), and future updates are consolidated: so the state is
//!    bounded by keys times steps, not by answers. Names beyond [`Config::names_max`] a dimension count as [`OTHER`].
//! 4. Time is this machine's wall clock at the start plus the elapsed time: setting the clock has no effect. An event
//!    with a timestamp in the future counts as of now, and so does one that has just landed with a timestamp long ago.
//!    An event older than the window that was stored before the start is not counted.
//! 5. Following takes a small share of the time, so that it does not slow down other work. The delay of the counts is
//!    reported: the elapsed time since the end of each source was reached.
//! 6. A read from a source that is unavailable is retried with backoff, and the outage is reported.

mod event;
mod follow;
mod names;
mod run;
mod snapshot;
mod time;
mod window;

use std::time::Duration;

use differential_dataflow::{VecCollection, input::InputSession, operators::CountTotal};
use timely::{
    dataflow::{ProbeHandle, operators::Probe},
    worker::Worker,
};

pub use event::{Event, EventKind, Key, answer_events, dead_letter_events};
pub use names::{Name, Names, OTHER};
pub use run::{Config, Error, Sources, run};
pub use snapshot::{Counts, Snapshot, SnapshotCell};
pub use time::STEP;
pub use window::RATES_S;

/// The timestamps of the watch dataflow: milliseconds since 1970.
pub type Timestamp = u64;

/// Interval at which the counts are updated.
pub const UPDATE_INTERVAL: Duration = Duration::from_millis(250);

/// One worker's input and probe of the dataflow.
pub struct Watch {
    /// The input of events, each at the timestamp at which it was read.
    pub events: InputSession<Timestamp, Event, isize>,
    /// The probe that follows the counts.
    pub probe: ProbeHandle<Timestamp>,
}

impl Watch {
    /// Builds one worker's part, which updates the counts of its keys in `counts`.
    pub fn build(worker: &mut Worker, window: Duration, counts: &Counts) -> Self {
        let mut events = InputSession::new();
        let counts = counts.clone();
        let probe = worker.dataflow_named("Watch", |scope| {
            let keys = window::window(events.to_collection(scope), window);
            let totals: VecCollection<'_, Timestamp, (Key, isize), isize> = keys.count_total();
            let shown = totals.inspect(move |((key, count), _, diff)| counts.add(key, count * diff));
            let (probe, _) = shown.inner.probe();
            probe
        });
        Watch { events, probe }
    }

    /// Advances this worker's input; earlier events are counted when the inputs of all workers have advanced.
    pub fn advance_to(&mut self, now: Timestamp) {
        self.events.advance_to(now);
        self.events.flush();
    }

    /// Returns true if all events before the input's time are counted.
    pub fn is_up_to_date(&self) -> bool {
        !self.probe.less_than(self.events.time())
    }
}
