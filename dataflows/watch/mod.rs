//! The watch dataflow: counts answers and dead letters over a sliding window.
//!
//! ```text
//!  store of answers ──▶ follow ──┐  events,
//!                                ├─ (event, +n) ──▶ Window ──▶ [Exchange] ──▶ Count ──▶ SnapshotCell ──▶ /ops
//!  dead letters, of ──▶ follow ──┘                    │                    key: count
//!  requests and events
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
mod run;
mod time;
mod window;

pub use event::{Event, EventKind, Key, Name, Names, OTHER, answer_events, dead_letter_events};
pub use follow::{EventSource, Sources};
pub use run::{Config, Error, Snapshot, SnapshotCell, UPDATE_INTERVAL, run};
pub use time::{STEP, Timestamp};
pub use window::{Counts, RATES_S, Watch};
