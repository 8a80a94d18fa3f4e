//! Live state: what events say of flights, as of any moment of the last day and a half.
//!
//! [`decode()`] reads the JSON of an event, whose contract is `docs/events.md`; an [`EventMessage`] is written by
//! [`encode()`], and [`events_of`] has those of a flight of the past.

mod activity;
mod context;
mod decode;
mod document;
mod event;
mod habit;
mod known;
mod leg;
mod message;
mod moment;
mod past;
mod pasts;
mod replay;
mod rotation;
mod schema;
mod snapshot;
mod state;
mod turnarounds;

pub use activity::{Activity, Overdue, Totals, WINDOW_HOURS};
pub use context::{Context, HABIT_FLIGHTS, INBOUND_LEGS, Inbound, Link, Query, RECORD_FLIGHTS};
pub use decode::{EVENT_BYTES_MAX, decode};
pub use event::{Event, EventKind, LegId, MINUTE_MS, Millis, Minutes, Times};
pub use habit::Record;
pub use known::Known;
pub use leg::{LegState, Timeline};
pub use message::{EventMessage, encode};
pub use moment::{Moment, NEAR_MINUTES};
pub use past::events_of;
pub use pasts::{HELD_OUT_MAX, HORIZONS, PASTS_MAX, Past, Pasts};
pub use replay::{PastTimes, PastView, replay};
pub use rotation::{LegPhase, Rotation, RotationLeg};
pub use schema::EventField;
pub use snapshot::{ActivityColumn, ActivityMeasure, ActivityOf, Snapshot};
pub use state::{LOOKBACK_MS, RETENTION, State};
pub use turnarounds::{Turnaround, Turnarounds};

#[cfg(test)]
mod tests;
