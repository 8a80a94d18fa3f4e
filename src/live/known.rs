//! The knowledge that a request is answered with.

use chrono::DateTime;

use super::{
    context::Context,
    event::{MINUTE_MS, Millis},
    rotation::Rotation,
    snapshot::Snapshot,
    turnarounds::Turnarounds,
};
use crate::{
    flight::{Code, Schedule, zoned::to_local},
    history::zone,
};

/// The knowledge of the flight of a request as of its moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// All of it, for a reader.
    pub context: Context,
    /// The numbers that columns are computed of, if the time of departure is known.
    pub snapshot: Option<Snapshot>,
    /// The flight's own schedule, in local times, if an event had it.
    pub schedule: Option<Schedule>,
}

impl Known {
    /// The knowledge of a flight between two airports.
    pub fn new(context: Context, origin: Code, dest: Code) -> Self {
        let local = |airport, minutes: i32| {
            let instant = DateTime::from_timestamp_millis(Millis::from(minutes) * MINUTE_MS)?;
            Some(to_local(zone(airport)?, instant).1)
        };
        let schedule = context.own.schedule.and_then(|times| {
            Some(Schedule { dep_min: local(origin, times.departs)?, arr_min: local(dest, times.arrives)? })
        });
        Known { snapshot: Snapshot::of(&context), schedule, context }
    }

    /// Projects the aeroplane's way to the flight of an airline from an airport, without knowledge of turnarounds.
    pub(crate) fn rotation(&self, carrier: Code, origin: Code) -> Rotation {
        let project = |live: &Snapshot| live.rotation(carrier, origin, &Turnarounds::default());
        self.snapshot.as_ref().map(project).unwrap_or_default()
    }
}
