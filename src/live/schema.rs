//! The fields of an event's message, listed once.

use crate::wire::fields;

fields! {
    /// A field of an event on the wire. The names are those of BTS as far as it has the field.
    pub enum EventField;
    /// The kind of the event; required.
    Event = "Event",
    /// Airline; required.
    Carrier = "Carrier",
    /// Flight number; required.
    FlightNum = "FlightNum",
    /// Local date of the scheduled departure; required.
    FlightDate = "FlightDate",
    /// Airport of departure; required.
    Origin = "Origin",
    /// Scheduled airport of arrival; required beside a schedule.
    Dest = "Dest",
    /// Registration of the aeroplane.
    TailNum = "TailNum",
    /// Scheduled departure, `hhmm`.
    CrsDepTime = "CRSDepTime",
    /// Scheduled arrival, `hhmm`.
    CrsArrTime = "CRSArrTime",
    /// Scheduled duration in minutes.
    CrsElapsedTime = "CRSElapsedTime",
    /// Departure delay in minutes; required with `departed`.
    DepDelay = "DepDelay",
    /// Arrival delay in minutes; required with `arrived`.
    ArrDelay = "ArrDelay",
    /// The time at which the event was known; required.
    At = "At",
    /// The kind of the events that do not hold.
    Withdraws = "Withdraws",
}
