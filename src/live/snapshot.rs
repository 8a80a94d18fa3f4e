//! The part of a context that the columns of a model are computed of: what a training flight keeps of it.

use serde::{Deserialize, Serialize};

use super::{
    activity::{Activity, WINDOW_HOURS},
    context::{Context, INBOUND_LEGS, Link},
    event::{MINUTE_MS, Minutes},
    habit::Record,
    rotation::{Rotation, RotationLeg},
    turnarounds::Turnarounds,
};
use crate::flight::Code;

/// A place or an airline whose activity is counted, as seen from a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivityOf {
    /// The airport of departure.
    Origin,
    /// The airport of arrival.
    Dest,
    /// The airline at the airport of departure.
    CarrierAtOrigin,
    /// The airline.
    Carrier,
    /// All airlines.
    System,
}

/// A number that says how an airport or an airline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivityMeasure {
    /// Departures.
    Departures,
    /// Mean delay of departures in minutes; unknown without departures.
    DepDelay,
    /// Mean delay of arrivals in minutes; unknown without arrivals.
    ArrDelay,
    /// Cancelled flights.
    Cancelled,
    /// Flights that should have left and have not. (At the moment, not in a window.)
    Overdue,
}

/// A column of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityColumn {
    /// Where.
    pub of: ActivityOf,
    /// The number.
    pub measure: ActivityMeasure,
    /// The index of the window in [`WINDOW_HOURS`](super::WINDOW_HOURS).
    pub window: u8,
}

const fn column(of: ActivityOf, measure: ActivityMeasure, window: u8) -> ActivityColumn {
    ActivityColumn { of, measure, window }
}

use ActivityMeasure::*;
use ActivityOf::*;

impl ActivityColumn {
    /// The columns that snapshots have.
    pub const ALL: [ActivityColumn; 23] = [
        column(Origin, Departures, 1),
        column(Origin, DepDelay, 0),
        column(Origin, DepDelay, 1),
        column(Origin, ArrDelay, 0),
        column(Origin, ArrDelay, 1),
        column(Origin, Cancelled, 1),
        column(Origin, Overdue, 0),
        column(Dest, Departures, 1),
        column(Dest, DepDelay, 0),
        column(Dest, ArrDelay, 0),
        column(Dest, ArrDelay, 1),
        column(Dest, Cancelled, 1),
        column(Dest, Overdue, 0),
        column(CarrierAtOrigin, DepDelay, 0),
        column(CarrierAtOrigin, DepDelay, 1),
        column(CarrierAtOrigin, ArrDelay, 0),
        column(CarrierAtOrigin, ArrDelay, 1),
        column(CarrierAtOrigin, Overdue, 0),
        column(Carrier, DepDelay, 0),
        column(Carrier, ArrDelay, 0),
        column(System, DepDelay, 0),
        column(System, ArrDelay, 0),
        column(System, Cancelled, 0),
    ];

    fn of(self, context: &Context) -> f32 {
        let activity = match self.of {
            Origin => &context.origin,
            Dest => &context.dest,
            CarrierAtOrigin => &context.carrier_at_origin,
            Carrier => &context.carrier,
            System => &context.system,
        };
        self.measure.of(activity, self.window.into())
    }
}

/// The index of each column in [`ActivityColumn::ALL`], by what it is of, measure and window: a row has many look-ups.
static INDEXES: [[[u8; WINDOW_HOURS.len()]; 5]; 5] = {
    let mut indexes = [[[u8::MAX; WINDOW_HOURS.len()]; 5]; 5];
    let mut index = 0;
    while index < ActivityColumn::ALL.len() {
        let ActivityColumn { of, measure, window } = ActivityColumn::ALL[index];
        // There are fewer columns than a byte counts.
        indexes[of as usize][measure as usize][window as usize] = index as u8;
        index += 1;
    }
    indexes
};

impl ActivityMeasure {
    fn of(self, activity: &Activity, window: usize) -> f32 {
        let totals = &activity.windows[window];
        // Counts and sums of three hours of flights are far below 2^24, so they are exact.
        let mean = |sum: i32, count: i32| if count > 0 { sum as f32 / count as f32 } else { f32::NAN };
        match self {
            Departures => totals.departures as f32,
            DepDelay => mean(totals.dep_delay, totals.departures),
            ArrDelay => mean(totals.arr_delay, totals.arrivals),
            Cancelled => totals.cancelled as f32,
            Overdue => activity.overdue.flights as f32,
        }
    }
}

/// The knowledge at a moment that bears on a flight, in the numbers that columns are computed of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// The moment.
    pub now: Minutes,
    /// The scheduled departure.
    pub departs: Minutes,
    /// The legs that bring the aeroplane: the one before, the one before that, and so on.
    pub inbound: [Option<RotationLeg>; INBOUND_LEGS],
    /// The way in which the leg before was found.
    pub link: Option<Link>,
    /// Of the flight's last days.
    pub record: Record,
    /// One for each of [`ActivityColumn::ALL`]; NaN where it is unknown.
    activity: [f32; ActivityColumn::ALL.len()],
}

impl Snapshot {
    /// The snapshot of a context; `None` without a time of departure, without which little can be said.
    pub fn of(context: &Context) -> Option<Self> {
        let mut inbound = [None; INBOUND_LEGS];
        for (place, leg) in inbound.iter_mut().zip(context.inbound.iter().flatten()) {
            *place = RotationLeg::new(leg.id.carrier, leg.id.origin, &leg.state);
        }
        Some(Snapshot {
            now: Minutes::try_from(context.as_of.div_euclid(MINUTE_MS)).ok()?,
            departs: context.departs?,
            inbound,
            link: context.inbound[0].map(|inbound| inbound.link),
            record: context.record,
            activity: ActivityColumn::ALL.map(|column| column.of(context)),
        })
    }

    /// The number of a column of activity; NaN where it is unknown.
    pub fn activity(&self, column: ActivityColumn) -> f32 {
        let index = INDEXES[column.of as usize][column.measure as usize].get(usize::from(column.window));
        index.and_then(|index| self.activity.get(usize::from(*index)).copied()).unwrap_or(f32::NAN)
    }

    /// Projects the legs before the flight of an airline from an airport.
    pub fn rotation(&self, carrier: Code, origin: Code, turnarounds: &Turnarounds) -> Rotation {
        Rotation::of(&self.inbound, (carrier, origin, self.departs), self.now, turnarounds)
    }
}
