//! What flights are grouped by.

use serde::{Deserialize, Serialize};

use crate::explanation::Factor;

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

impl Group {
    /// All groups, numbered in their order.
    pub(super) const ALL: [Group; 11] = [
        Group::Carrier,
        Group::Origin,
        Group::Dest,
        Group::Route,
        Group::CarrierOrigin,
        Group::CarrierDest,
        Group::CarrierRoute,
        Group::OriginHour,
        Group::DestHour,
        Group::CarrierRouteHour,
        Group::FlightRoute,
    ];

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

    /// What has to be placed to place a flight in the group, which is the last: see [`super::seen`].
    pub(super) fn lineage(self) -> &'static [Group] {
        use Group::*;
        match self {
            Carrier => &[Carrier],
            Origin => &[Origin],
            Dest => &[Dest],
            Route => &[Origin, Dest, Route],
            CarrierOrigin => &[Carrier, Origin, CarrierOrigin],
            CarrierDest => &[Carrier, Dest, CarrierDest],
            CarrierRoute => &[Carrier, Origin, Dest, Route, CarrierRoute],
            OriginHour => &[Origin, OriginHour],
            DestHour => &[Dest, DestHour],
            CarrierRouteHour => &[Carrier, Origin, Dest, Route, CarrierRoute, CarrierRouteHour],
            FlightRoute => &[Carrier, Origin, Dest, Route, CarrierRoute, FlightRoute],
        }
    }
}
