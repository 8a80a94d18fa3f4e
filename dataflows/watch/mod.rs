//! What the system does, counted live over a sliding window.
//!
//! ```text
//!  store of answers ──▶ follow ──┐  events,                                       ┌─▶ key: count ──▶ SnapshotCell ──▶ /ops
//!                                ├─ (event, +n) ──▶ Window ──▶ [Exchange] ──▶ Count
//!  dead letters ──────▶ follow ──┘                    │                          └─▶ …
//!                                    (key, enters, +n), (key, leaves, −n)
//! ```
//!
//! # The rules
//!
//! Each has a test of its number in `tests/watch_rules.rs`.
//!
//! 1. What is counted is what the store holds, followed from the beginning of the window. So a start rebuilds the counts,
//!    work that is done again changes none, and the scorer neither knows nor waits.
//! 2. A event enters a window and leaves it: both are updates of a differential collection, the second stamped for the
//!    moment when it happens. So the counts equal a count from scratch at any moment, with any number of workers.
//! 3. A window moves in steps ([`STEP`]; a second for rates), and what waits to leave is consolidated: so the state is
//!    bounded by keys times steps, not by answers. Names beyond [`Config::names_max`] a dimension count as [`OTHER`].
//! 4. Time is this machine's wall clock at the start, and from then on what has elapsed: a clock that is set stops
//!    nothing. A event from the future counts as of now, and one that has just landed with a stamp of long ago, too. One
//!    older than the window that was there at the start is not counted.
//! 5. Following takes a small share of the time, so that it slows nothing else down. What is not yet counted is
//!    reported as the time that has elapsed since a look saw the end of each source.
//! 6. A store that does not answer is asked again with backoff, and what is waited for is said.
//!
//! Later, outcomes are followed as answers are: a third source, joined by id, whose accuracy is one more key.

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

pub use event::{Event, EventKind, Key, Name, OTHER, answer_events, dead_letter_events};
pub use names::Names;
pub use run::{Config, Error, Sources, run};
pub use snapshot::{Counts, Snapshot, SnapshotCell};
pub use window::{RATES_S, STEP};

/// The timestamps of the watch dataflow: milliseconds since 1970.
pub type Timestamp = u64;

/// How often the counts move on when nothing lands.
pub const TURN: Duration = Duration::from_millis(250);

/// One worker's ends of the dataflow.
pub struct Watch {
    /// Where events go in, each under the moment at which it became known.
    pub events: InputSession<Timestamp, Event, isize>,
    /// Stands behind the counts.
    pub probe: ProbeHandle<Timestamp>,
}

impl Watch {
    /// Builds one worker's part. The counts of its keys are kept up to date in `counts`.
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

    /// Moves this worker's time on; what was put in before then is counted once all workers have moved.
    pub fn advance_to(&mut self, now: Timestamp) {
        self.events.advance_to(now);
        self.events.flush();
    }

    /// Whether everything before this worker's time is counted.
    pub fn is_settled(&self) -> bool {
        !self.probe.less_than(self.events.time())
    }
}
