//! Requests and the live state: the question that a request asks, and the moment of which it is asked.

use chrono::{DateTime, Utc};

use crate::{
    flight::zoned::to_utc,
    history::zone,
    live::{Known, MINUTE_MS, Millis, Minutes, Query, State},
    request::Request,
};

/// The context is given to requests about flights that leave at most this long after the moment, in minutes.
const AHEAD_MAX: Minutes = 48 * 60;
/// And at most this long before it: a long flight has landed by then.
const BEHIND_MAX: Minutes = 24 * 60;

/// Returns what is known of the flight of a request, as of its own moment, or of the one at which it was read. `None`
/// if the flight is not one of these days, or if nothing is known that bears on it.
pub(crate) fn observe(state: &State, request: &Request, read_at: Millis) -> Option<Box<Known>> {
    let as_of = request.as_of.map_or(read_at, |moment| moment.timestamp_millis());
    let departs = scheduled_departure(request);
    // Without a time of departure it is somewhere in the day.
    let (from, until) = match departs {
        Some(at) => (at, at),
        None => {
            let at = |minute| in_minutes(request, minute);
            (at(0)?, at(24 * 60)?)
        }
    };
    let now = Minutes::try_from(as_of.div_euclid(MINUTE_MS)).ok()?;
    if until < now.saturating_sub(BEHIND_MAX) || from > now.saturating_add(AHEAD_MAX) {
        return None;
    }
    let query = Query {
        carrier: request.carrier,
        number: request.flight_num.as_deref().and_then(|number| number.parse().ok()),
        origin: request.origin,
        dest: request.dest,
        date: request.date,
        departs,
    };
    let context = state.context(&query, as_of).filter(|context| !context.is_empty())?;
    Some(Box::new(Known::new(context, request.origin, request.dest)))
}

fn scheduled_departure(request: &Request) -> Option<Minutes> {
    in_minutes(request, request.schedule?.dep_min)
}

/// The instant of a minute of the day of departure, at the airport of departure.
fn in_minutes(request: &Request, minute: u16) -> Option<Minutes> {
    let instant: DateTime<Utc> = to_utc(zone(request.origin)?, request.date, minute);
    Minutes::try_from(instant.timestamp().div_euclid(60)).ok()
}
