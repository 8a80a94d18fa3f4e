//! What flights are grouped by, and tables by group.

use serde::{Deserialize, Serialize};

use super::Known;
use crate::{code::Code, explanation::Factor};

/// What flights are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    /// The airline.
    Carrier,
    /// Where it starts.
    Origin,
    /// Where it lands.
    Dest,
    /// Where it starts and lands.
    Route,
    /// The airline, and where it starts.
    CarrierOrigin,
    /// The airline, and where it lands.
    CarrierDest,
    /// The airline, where it starts and lands.
    CarrierRoute,
    /// Where it starts, and the hour of its scheduled departure.
    OriginHour,
    /// Where it lands, and the hour of its scheduled arrival.
    DestHour,
    /// The airline, where it starts and lands, and the hour of its scheduled departure.
    CarrierRouteHour,
    /// The airline's number for it, where it starts and lands.
    FlightRoute,
}

/// A value of a [`Group`], in as many parts as the group has; the number is that of an hour or a flight.
pub(super) type Key = (Code, Option<Code>, Option<Code>, Option<u32>);

impl Group {
    /// What it tells a person something of. An airline at an airport is mostly the airport's doing.
    pub(super) fn factor(self) -> Factor {
        match self {
            Group::Carrier => Factor::Carrier,
            Group::Origin | Group::CarrierOrigin => Factor::Origin,
            Group::Dest | Group::CarrierDest => Factor::Dest,
            Group::Route | Group::CarrierRoute => Factor::Route,
            Group::OriginHour | Group::DestHour | Group::CarrierRouteHour => Factor::Schedule,
            Group::FlightRoute => Factor::FlightNum,
        }
    }

    /// Whether it takes the schedule to know a flight's group.
    pub fn needs_schedule(self) -> bool {
        matches!(self, Group::OriginHour | Group::DestHour | Group::CarrierRouteHour | Group::FlightRoute)
    }

    /// A flight's group; `None` if what decides it is not known.
    pub(super) fn key(self, known: &Known<'_>) -> Option<Key> {
        let query = known.query;
        let hour = |minute: u16| Some(u32::from(minute / 60));
        Some(match self {
            Group::Carrier => (query.carrier, None, None, None),
            Group::Origin => (query.origin, None, None, None),
            Group::Dest => (query.dest, None, None, None),
            Group::Route => (query.origin, Some(query.dest), None, None),
            Group::CarrierOrigin => (query.carrier, Some(query.origin), None, None),
            Group::CarrierDest => (query.carrier, Some(query.dest), None, None),
            Group::CarrierRoute => (query.carrier, Some(query.origin), Some(query.dest), None),
            Group::OriginHour => (query.origin, None, None, hour(known.schedule?.dep_min)),
            Group::DestHour => (query.dest, None, None, hour(known.schedule?.arr_min)),
            Group::CarrierRouteHour => {
                (query.carrier, Some(query.origin), Some(query.dest), hour(known.schedule?.dep_min))
            }
            Group::FlightRoute => (query.carrier, Some(query.origin), Some(query.dest), Some(query.flight_num?)),
        })
    }
}

/// Values by key, in the keys' order; found by bisection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Table<V>(Vec<(Key, V)>);

impl<V: Copy> Table<V> {
    /// Takes keys in their order, each once.
    pub(super) fn new(sorted: Vec<(Key, V)>) -> Self {
        Table(sorted)
    }

    pub(super) fn get(&self, key: &Key) -> Option<V> {
        self.0.binary_search_by(|(known, _)| known.cmp(key)).ok().map(|at| self.0[at].1)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_sound(&self, sound: impl Fn(V) -> bool) -> bool {
        self.0.is_sorted_by(|(a, _), (b, _)| a < b) && self.0.iter().all(|(_, value)| sound(*value))
    }
}
