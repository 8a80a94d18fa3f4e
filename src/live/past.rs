//! The events of flights of the past.

use super::{
    event::{EventKind, LegId, MINUTE_MS, Millis, Minutes, Times},
    message::EventMessage,
};
use crate::{
    flight::{DEP_DELAY_MINUTES, Schedule, zoned::ELAPSED_MINUTES_MAX},
    history::{Flight, FlightStatus},
};

/// A schedule is known this long before the departure, in minutes.
const SCHEDULED_BEFORE: Minutes = 36 * 60;

/// Returns the messages that a feed would have sent of a flight of the past, in the order of time.
///
/// 1. `scheduled` is known 36 hours before the scheduled departure, without the aeroplane.
/// 2. `departed` and `arrived` are known when they happen, with the aeroplane; `departed` if its delay is known, also
///    of a diverted flight.
/// 3. `cancelled` is known at the scheduled departure.
/// 4. `diverted` is known at the scheduled arrival, with the aeroplane.
/// 5. A flight without a number or a schedule, or between airports whose time zones are not known, has none. An event
///    that [`decode`](super::decode()) refuses is left out, such as one with a delay beyond the limits.
pub fn events_of(flight: &Flight) -> Vec<EventMessage> {
    let mut events = in_utc(flight).map(|(scheduled, times)| all(flight, &scheduled, times)).unwrap_or_default();
    events.retain(|event| event.resolve().is_ok());
    events.sort_by_key(|event| event.at);
    events
}

/// The event of the schedule, and the times of the schedule.
fn in_utc(flight: &Flight) -> Option<(EventMessage, Times)> {
    let leg = LegId { carrier: flight.carrier, number: flight.flight_num?, origin: flight.origin, date: flight.date };
    let elapsed = flight.crs_elapsed_min.map(f32::round);
    let scheduled = EventMessage {
        dest: Some(flight.dest),
        schedule: Some(Schedule { dep_min: flight.crs_dep_min?, arr_min: flight.crs_arr_min? }),
        elapsed_min: elapsed.filter(|min| (0.0..=f32::from(ELAPSED_MINUTES_MAX)).contains(min)).map(|min| min as u16),
        ..EventMessage::new(EventKind::Scheduled, 0, leg)
    };
    let times = scheduled.times().ok()??;
    Some((EventMessage { at: millis(times.departs - SCHEDULED_BEFORE), ..scheduled }, times))
}

fn all(flight: &Flight, scheduled: &EventMessage, times: Times) -> Vec<EventMessage> {
    let event = |kind, at| EventMessage { kind, at: millis(at), ..scheduled.clone() };
    let late = |kind, due: Minutes, delay: i16| EventMessage {
        delay: Some(delay),
        tail: flight.tail_num,
        ..event(kind, due + Minutes::from(delay))
    };
    let departed = flight.dep_delay.and_then(whole_minutes);
    let departed = departed.map(|delay| late(EventKind::Departed, times.departs, delay));
    let mut events = vec![scheduled.clone()];
    match flight.status {
        FlightStatus::Flown => {
            events.extend(departed);
            let arrived = flight.arr_delay.and_then(whole_minutes);
            events.extend(arrived.map(|delay| late(EventKind::Arrived, times.arrives, delay)));
        }
        FlightStatus::Cancelled => events.push(event(EventKind::Cancelled, times.departs)),
        FlightStatus::Diverted => {
            events.extend(departed);
            events.push(EventMessage { tail: flight.tail_num, ..event(EventKind::Diverted, times.arrives) });
        }
    }
    events
}

/// A delay in whole minutes, if it is within the limits.
fn whole_minutes(delay: f32) -> Option<i16> {
    DEP_DELAY_MINUTES.contains(&f64::from(delay)).then(|| delay.round() as i16)
}

fn millis(minutes: Minutes) -> Millis {
    Millis::from(minutes) * MINUTE_MS
}
