//! Decodes the message of an event.
//!
//! The rules, each with a test of its number. Rules 1 to 6 are those of requests.
//!
//! 1. A message is one JSON object in UTF-8, at most [`EVENT_BYTES_MAX`] long; nothing may follow it. A byte order mark
//!    before it is skipped.
//! 2. Unknown fields are ignored, but nothing may nest deeper than 127 levels.
//! 3. A known field appears once: of two values it is unknown which was meant.
//! 4. `null` is the same as absent, and so is a NaN, bare or as a string.
//! 5. The reason names the field and repeats nothing of the message; another encoding or format is named.
//! 6. Surrounding blanks do not count, an empty text is absent, codes and kinds may be in either case, a number may be
//!    in a string. `FlightDate` has any form of ISO 8601; its day is taken as written.
//! 7. `Carrier`, `FlightNum`, `FlightDate` and `Origin` are the identity of the leg, and required. `FlightNum` is a
//!    whole number, at most [`FLIGHT_NUM_MAX`].
//! 8. `Event` is required: the name of a kind. `departed` requires `DepDelay` and `arrived` requires `ArrDelay`, in
//!    minutes, which are rounded. The delays are not read with other kinds.
//! 9. `Withdraws` is allowed with `withdrawn` alone, and is a kind other than that. Nothing else that a withdrawal says
//!    has an effect.
//! 10. `At` is required: an ISO time with an offset from UTC, cut to the millisecond. It is of the years of flights,
//!     and at most ten minutes ahead of the clock of this machine: an event of the future makes all others seem old.
//! 11. `CRSDepTime` and `CRSArrTime` are both present or both absent. Present, they require `Dest` and the time zones
//!     of both airports. The arrival is the one nearest to the departure plus `CRSElapsedTime`; without it, the first
//!     one after the departure.
//! 12. `At` is at most 8 days before and at most 4 days after the scheduled departure: other events bear on no answer.
//!     Without a schedule, that holds for some time of the day of `FlightDate`.
//! 13. A `TailNum` that stands for no aeroplane is absent: `0`, zeros alone, `UNKNOW`, `UNKNOWN`.
//! 14. `Dest` differs from `Origin`.

use std::ops::RangeInclusive;

use engine::{
    clock,
    request::{Invalid, Malformed, MalformedKind},
};

use super::{
    event::{Event, EventKind, LegId, MINUTE_MS, Millis},
    message::{EventMessage, delay_field, delay_limits, elapsed_limits},
    schema::EventField,
};
use crate::{
    flight::{Code, DEP_DELAY_MINUTES, FLIGHT_NUM_MAX, zoned::ELAPSED_MINUTES_MAX},
    wire::{self, Damage, Raw, RawFields, Value},
};

/// Upper bound on the length of a message, in bytes.
pub const EVENT_BYTES_MAX: usize = 8 * 1024;
/// Upper bound on the time by which an event may be ahead of the clock of this machine, in minutes.
const AHEAD_MINUTES_MAX: Millis = 10;

/// The values of an event's fields.
type EventFields<'de> = RawFields<'de, EventField, { EventField::ALL.len() }>;

/// Decodes the JSON of an event.
pub fn decode(message: &[u8]) -> Result<(LegId, Event), Malformed> {
    decode_at(message, clock::now().timestamp_millis())
}

/// Decodes the JSON of an event while the clock shows `now`.
pub(super) fn decode_at(message: &[u8], now: Millis) -> Result<(LegId, Event), Malformed> {
    let decoded = wire::read(message, EVENT_BYTES_MAX, |fields| resolve(fields, now));
    let decoded = decoded.map_err(|Damage { kind, reason, .. }| Malformed { id: None, reason, kind })?;
    decoded.map_err(|invalid| Malformed::new(None, MalformedKind::Field(invalid.field), invalid.to_string()))
}

fn resolve(fields: EventFields<'_>, now: Millis) -> Result<(LegId, Event), Invalid> {
    let message = to_message(fields)?;
    if message.at > now.saturating_add(AHEAD_MINUTES_MAX * MINUTE_MS) {
        let reason = format!("must be at most {AHEAD_MINUTES_MAX} minutes ahead of the clock of this machine");
        return Err(Invalid::new(EventField::At.name(), reason));
    }
    message.resolve()
}

fn to_message(mut fields: EventFields<'_>) -> Result<EventMessage, Invalid> {
    let mut raw = |field: EventField| fields.take(field);
    let kind = Raw::required(EventField::Event.name(), raw(EventField::Event).event_kind()?)?;
    let date = raw(EventField::FlightDate).text()?;
    let delay = match delay_field(kind) {
        Some(field) => raw(field).minutes(DEP_DELAY_MINUTES, delay_limits)?,
        None => None,
    };
    let elapsed = 0.0..=f64::from(ELAPSED_MINUTES_MAX);
    Ok(EventMessage {
        kind,
        at: Raw::required(EventField::At.name(), raw(EventField::At).instant()?)?.timestamp_millis(),
        carrier: raw(EventField::Carrier).code()?,
        number: raw(EventField::FlightNum).event_flight_num()?,
        date: wire::parse_date(EventField::FlightDate.name(), &date)?,
        origin: raw(EventField::Origin).code()?,
        dest: raw(EventField::Dest).optional_code()?,
        tail: raw(EventField::TailNum).tail()?,
        schedule: wire::schedule(raw(EventField::CrsDepTime), raw(EventField::CrsArrTime))?,
        elapsed_min: raw(EventField::CrsElapsedTime).minutes(elapsed, elapsed_limits)?.map(i16::unsigned_abs),
        delay,
        withdraws: raw(EventField::Withdraws).event_kind()?,
    })
}

impl Raw<'_> {
    /// The kind of an event, by its name.
    fn event_kind(self) -> Result<Option<EventKind>, Invalid> {
        let name = self.name;
        let wrong = || {
            let names = EventKind::ALL.map(EventKind::name).join(", ");
            Invalid::new(name, format!("must be one of {names}"))
        };
        let Some(text) = self.optional_text()? else { return Ok(None) };
        EventKind::of_name(&text.to_ascii_lowercase()).ok_or_else(wrong).map(Some)
    }

    /// Minutes within limits, rounded to whole ones.
    fn minutes(self, limits: RangeInclusive<f64>, reason: fn() -> String) -> Result<Option<i16>, Invalid> {
        let name = self.name;
        match self.number()? {
            Some(minutes) if !limits.contains(&minutes) => Err(Invalid::new(name, reason())),
            minutes => Ok(minutes.map(|minutes| minutes.round() as i16)),
        }
    }

    /// The flight number of an event.
    fn event_flight_num(self) -> Result<u32, Invalid> {
        let name = self.name;
        let number = Raw::required(name, self.number()?)?;
        if number.fract() != 0.0 || !(0.0..=f64::from(FLIGHT_NUM_MAX)).contains(&number) {
            return Err(Invalid::new(name, format!("must be a whole number from 0 to {FLIGHT_NUM_MAX}")));
        }
        Ok(number as u32)
    }

    /// The registration of an aeroplane, or a placeholder of one. Some tables have the number 0 in its place.
    fn tail(self) -> Result<Option<Code>, Invalid> {
        match self.value {
            Some(Value::Number(0.0)) => Ok(None),
            value => Raw { name: self.name, value }.optional_code(),
        }
    }
}
