//! The message of an event, with times as airports have them: what it says, its limits, and its JSON.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat};
use engine::request::Invalid;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    event::{Event, EventKind, HOUR_MS, LegId, MINUTE_MS, Millis, Minutes, Times},
    schema::EventField,
};
use crate::{
    flight::{
        Code, DEP_DELAY_MINUTES, FLIGHT_NUM_MAX, Schedule, Tz,
        time::{MINUTES_PER_DAY, to_hhmm},
        zoned::{ELAPSED_MINUTES_MAX, arrival_utc, to_utc},
    },
    history, wire,
};

const DAY_MS: Millis = 24 * HOUR_MS;
/// An event is known at most this many days before the scheduled departure: an earlier one bears on no answer.
const DAYS_BEFORE: Millis = 8;
/// An event is known at most this many days after the scheduled departure: a later one bears on no answer.
const DAYS_AFTER: Millis = 4;
/// Local time is ahead of UTC by at most this.
const AHEAD_OF_UTC_MS: Millis = 14 * HOUR_MS;
/// Local time is behind UTC by at most this.
const BEHIND_UTC_MS: Millis = 12 * HOUR_MS;

/// The message of an event. Its times are local times of the airports, except the one at which it was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMessage {
    /// The kind.
    pub kind: EventKind,
    /// The time at which it was known.
    pub at: Millis,
    /// The airline.
    pub carrier: Code,
    /// The flight number, at most [`FLIGHT_NUM_MAX`].
    pub number: u32,
    /// The local date of the scheduled departure.
    pub date: NaiveDate,
    /// The airport of departure.
    pub origin: Code,
    /// The scheduled airport of arrival.
    pub dest: Option<Code>,
    /// The registration of the aeroplane, or a placeholder, which counts as none.
    pub tail: Option<Code>,
    /// Scheduled departure and arrival, each in the local time of its airport.
    pub schedule: Option<Schedule>,
    /// The scheduled duration in minutes, at most [`ELAPSED_MINUTES_MAX`]: it tells the day of the arrival.
    pub elapsed_min: Option<u16>,
    /// The delay of a departure or an arrival, in minutes; negative when early.
    pub delay: Option<i16>,
    /// The kind that a withdrawal is of; `None` if it is of all, or if the event is no withdrawal.
    pub withdraws: Option<EventKind>,
}

impl EventMessage {
    /// An event of this kind that says nothing else of its leg.
    pub fn new(kind: EventKind, at: Millis, leg: LegId) -> Self {
        let LegId { carrier, number, origin, date } = leg;
        EventMessage {
            kind,
            at,
            carrier,
            number,
            date,
            origin,
            dest: None,
            tail: None,
            schedule: None,
            elapsed_min: None,
            delay: None,
            withdraws: None,
        }
    }

    /// Checks every limit that needs no clock, and returns the event with its times in UTC. A withdrawal says nothing
    /// else of its leg.
    pub fn resolve(&self) -> Result<(LegId, Event), Invalid> {
        self.check()?;
        let times = self.times()?;
        self.check_window(times)?;
        let event = Event { withdraws: self.withdraws, ..Event::new(self.kind, self.at) };
        let leg = LegId { carrier: self.carrier, number: self.number, origin: self.origin, date: self.date };
        if self.kind == EventKind::Withdrawn {
            return Ok((leg, event));
        }
        // A history may have a letter in lower case, which no message has when it is read.
        let tail = self.tail.map(Code::to_upper).filter(|tail| !is_placeholder(tail.as_str()));
        Ok((leg, Event { dest: self.dest, tail, schedule: times, delay: self.delay, ..event }))
    }

    fn check(&self) -> Result<(), Invalid> {
        let invalid = |field: EventField, reason: String| Err(Invalid::new(field.name(), reason));
        if self.number > FLIGHT_NUM_MAX {
            return invalid(EventField::FlightNum, format!("must be a whole number from 0 to {FLIGHT_NUM_MAX}"));
        }
        wire::check_year(EventField::FlightDate.name(), self.date.year())?;
        // What is no time at all is of no year of flights.
        let year = DateTime::from_timestamp_millis(self.at).map_or(i32::MIN, |at| at.year());
        wire::check_year(EventField::At.name(), year)?;
        if self.dest == Some(self.origin) {
            return invalid(EventField::Dest, "must differ from Origin".to_owned());
        }
        match (delay_field(self.kind), self.delay) {
            (Some(field), None) => return invalid(field, "is missing".to_owned()),
            (Some(field), Some(delay)) if !DEP_DELAY_MINUTES.contains(&f64::from(delay)) => {
                return invalid(field, delay_limits());
            }
            (None, Some(_)) => {
                return invalid(EventField::Event, "must be departed or arrived beside a delay".to_owned());
            }
            _ => {}
        }
        if self.elapsed_min.is_some_and(|elapsed| elapsed > ELAPSED_MINUTES_MAX) {
            return invalid(EventField::CrsElapsedTime, elapsed_limits());
        }
        match self.withdraws {
            Some(_) if self.kind != EventKind::Withdrawn => {
                invalid(EventField::Withdraws, "is for the event withdrawn alone".to_owned())
            }
            Some(EventKind::Withdrawn) => invalid(EventField::Withdraws, "must be another kind of event".to_owned()),
            _ => Ok(()),
        }
    }

    /// The scheduled departure and arrival in UTC.
    pub(super) fn times(&self) -> Result<Option<Times>, Invalid> {
        let Some(schedule) = self.schedule else { return Ok(None) };
        if !schedule.is_valid() {
            let reason = format!("must be, as CRSArrTime, below {MINUTES_PER_DAY} minutes of the day");
            return Err(Invalid::new(EventField::CrsDepTime.name(), reason));
        }
        let missing = || Invalid::new(EventField::Dest.name(), "is missing: a schedule needs its time zone");
        let dest = self.dest.ok_or_else(missing)?;
        let departure = to_utc(zone(EventField::Origin, self.origin)?, self.date, schedule.dep_min);
        let dest_zone = zone(EventField::Dest, dest)?;
        let arrival = arrival_utc(departure, dest_zone, schedule.arr_min, self.elapsed_min.map(f32::from));
        let never = || {
            let reason = "is a day or more after CRSDepTime: give CRSElapsedTime, too";
            Invalid::new(EventField::CrsArrTime.name(), reason)
        };
        let minutes = |at: DateTime<_>| at.timestamp().div_euclid(60) as Minutes;
        Ok(Some(Times { departs: minutes(departure), arrives: minutes(arrival.ok_or_else(never)?) }))
    }

    /// Checks that the event is known about the time of the departure: others bear on no answer, and the state has a
    /// bound.
    fn check_window(&self, times: Option<Times>) -> Result<(), Invalid> {
        let (earliest, latest) = match times {
            Some(times) => (Millis::from(times.departs) * MINUTE_MS, Millis::from(times.departs) * MINUTE_MS),
            // Any time of the day, wherever the airport is.
            None => {
                let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
                let next = self.date.checked_add_days(Days::new(1)).unwrap_or(self.date);
                (midnight(self.date) - AHEAD_OF_UTC_MS, midnight(next) + BEHIND_UTC_MS)
            }
        };
        if (earliest - DAYS_BEFORE * DAY_MS..=latest + DAYS_AFTER * DAY_MS).contains(&self.at) {
            return Ok(());
        }
        let departure = if times.is_some() { "the scheduled departure" } else { "the day of FlightDate" };
        let reason = format!("must be at most {DAYS_BEFORE} days before {departure} and at most {DAYS_AFTER} after it");
        Err(Invalid::new(EventField::At.name(), reason))
    }
}

fn zone(field: EventField, airport: Code) -> Result<Tz, Invalid> {
    let unknown = || Invalid::new(field.name(), "is an airport whose time zone is not known: leave out the schedule");
    history::zone(airport).ok_or_else(unknown)
}

/// The field that has the delay of an event of a kind.
pub(super) fn delay_field(kind: EventKind) -> Option<EventField> {
    match kind {
        EventKind::Departed => Some(EventField::DepDelay),
        EventKind::Arrived => Some(EventField::ArrDelay),
        _ => None,
    }
}

/// The reason of a delay beyond its limits.
pub(super) fn delay_limits() -> String {
    format!("must be {} to {} minutes", DEP_DELAY_MINUTES.start(), DEP_DELAY_MINUTES.end())
}

/// The reason of a scheduled duration beyond its limits.
pub(super) fn elapsed_limits() -> String {
    format!("must be 0 to {ELAPSED_MINUTES_MAX} minutes")
}

/// Returns whether a text stands for no aeroplane.
fn is_placeholder(tail: &str) -> bool {
    matches!(tail, "UNKNOW" | "UNKNOWN") || tail.bytes().all(|byte| byte == b'0')
}

/// Writes a message as one line of JSON.
pub fn encode(message: &EventMessage) -> String {
    // Strings and integers always serialize.
    serde_json::to_string(&Json(message)).unwrap_or_default()
}

struct Json<'a>(&'a EventMessage);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let EventMessage { kind, at, carrier, number, date, origin, .. } = self.0;
        let EventMessage { dest, tail, schedule, elapsed_min, delay, withdraws, .. } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(EventField::Event.name(), kind.name())?;
        let at = DateTime::from_timestamp_millis(*at).unwrap_or_default();
        map.serialize_entry(EventField::At.name(), &at.to_rfc3339_opts(SecondsFormat::AutoSi, true))?;
        map.serialize_entry(EventField::Carrier.name(), carrier)?;
        map.serialize_entry(EventField::FlightNum.name(), number)?;
        map.serialize_entry(EventField::FlightDate.name(), &date.format("%Y-%m-%d").to_string())?;
        map.serialize_entry(EventField::Origin.name(), origin)?;
        if let Some(dest) = dest {
            map.serialize_entry(EventField::Dest.name(), dest)?;
        }
        if let Some(tail) = tail {
            map.serialize_entry(EventField::TailNum.name(), tail)?;
        }
        if let Some(Schedule { dep_min, arr_min }) = schedule {
            map.serialize_entry(EventField::CrsDepTime.name(), &to_hhmm(*dep_min))?;
            map.serialize_entry(EventField::CrsArrTime.name(), &to_hhmm(*arr_min))?;
        }
        if let Some(elapsed) = elapsed_min {
            map.serialize_entry(EventField::CrsElapsedTime.name(), elapsed)?;
        }
        if let (Some(field), Some(delay)) = (delay_field(*kind), delay) {
            map.serialize_entry(field.name(), delay)?;
        }
        if let Some(kind) = withdraws {
            map.serialize_entry(EventField::Withdraws.name(), kind.name())?;
        }
        map.end()
    }
}
