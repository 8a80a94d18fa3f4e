//! The definition of a context, over a plain list of events: nothing is kept, found or summed up before.

use std::collections::BTreeMap;

use super::super::*;
use crate::{flight::Code, live::event::HOUR_MS};

type Legs = BTreeMap<LegId, LegState>;

/// Returns the state of every leg as of a moment.
fn legs_as_of(events: &[(LegId, Event)], moment: Millis) -> Legs {
    let mut by_leg = BTreeMap::<LegId, Vec<Event>>::new();
    for (id, event) in events {
        by_leg.entry(*id).or_default().push(*event);
    }
    by_leg.into_iter().map(|(id, events)| (id, Timeline::new(events).as_of(moment))).collect()
}

fn within(occurred: Minutes, moment: Millis, hours: i64) -> bool {
    let occurred = Millis::from(occurred) * MINUTE_MS;
    occurred <= moment && moment - occurred < hours * HOUR_MS
}

/// The activity of legs: those that leave from here, and those that arrive here.
fn activity(
    legs: &Legs,
    moment: Millis,
    leaves: impl Fn(&LegId) -> bool,
    arrives: impl Fn(&LegId, Code) -> bool,
) -> Activity {
    let mut activity = Activity::default();
    for (totals, hours) in activity.windows.iter_mut().zip(WINDOW_HOURS) {
        for (id, state) in legs {
            let Some(schedule) = state.schedule else { continue };
            let clip = |delay: i16| i32::from(delay.clamp(-30, 180));
            if leaves(id) {
                match (state.cancelled, state.dep_delay) {
                    (true, _) if within(schedule.departs, moment, hours) => totals.cancelled += 1,
                    (false, Some(delay)) if within(schedule.departs + Minutes::from(delay), moment, hours) => {
                        *totals += Totals::of_departure(clip(delay), delay >= 15);
                    }
                    _ => {}
                }
            }
            if let (false, Some(delay), Some(dest)) = (state.cancelled, state.arr_delay, state.dest)
                && arrives(id, dest)
                && within(schedule.arrives + Minutes::from(delay), moment, hours)
            {
                *totals += Totals::of_arrival(clip(delay), delay >= 15);
            }
        }
    }
    for (_, state) in legs.iter().filter(|(id, _)| leaves(id)) {
        let is_gone = state.cancelled || state.diverted || state.dep_delay.is_some() || state.arr_delay.is_some();
        if let Some(schedule) = state.schedule.filter(|schedule| !is_gone && within(schedule.departs, moment, 12)) {
            activity.overdue += Overdue::of(schedule.departs);
        }
    }
    activity
}

fn is_due(state: &LegState, airport: Code, departs: Minutes) -> bool {
    state.dest == Some(airport)
        && state.schedule.is_some_and(|it| it.arrives <= departs && it.arrives >= departs - 24 * 60)
}

/// Legs with their scheduled departures, the latest first.
fn latest_first(legs: &Legs, wanted: impl Fn(&LegId, &LegState) -> bool) -> Vec<(Minutes, LegId, LegState)> {
    let scheduled = legs.iter().filter(|(id, state)| wanted(id, state));
    let mut legs: Vec<_> = scheduled.filter_map(|(id, state)| Some((state.schedule?.departs, *id, *state))).collect();
    legs.sort_by_key(|(departs, id, _)| std::cmp::Reverse((*departs, *id)));
    legs
}

fn last_flown(legs: &Legs, flight: (Code, u32, Code), departs: Minutes) -> Vec<(Minutes, LegId, LegState)> {
    let days = departs - 14 * 24 * 60..=departs - 36 * 60;
    let mut flown =
        latest_first(legs, |id, state| (id.carrier, id.number, id.origin) == flight && state.dep_delay.is_some());
    flown.retain(|(departs, ..)| days.contains(departs));
    flown
}

fn before(legs: &Legs, tail: Code, departs: Minutes, flown: bool) -> Option<(LegId, LegState)> {
    let legs = latest_first(legs, |_, state| state.tail == Some(tail) && (!flown || state.dep_delay.is_some()));
    legs.into_iter().find(|(before, ..)| *before < departs).map(|(_, id, state)| (id, state))
}

fn inbound(legs: &Legs, flight: (Code, u32, Code), departs: Minutes, tail: Option<Code>) -> Option<Inbound> {
    if let Some(tail) = tail {
        let (id, state) = before(legs, tail, departs, false).filter(|(_, state)| is_due(state, flight.2, departs))?;
        return Some(Inbound { id, state, link: Link::Tail });
    }
    let feeders: Vec<_> = last_flown(legs, flight, departs)
        .into_iter()
        .take(6)
        .filter_map(|(departs, _, state)| {
            before(legs, state.tail?, departs, true).filter(|(_, before)| is_due(before, flight.2, departs))
        })
        .map(|(id, _)| (id.carrier, id.number, id.origin))
        .collect();
    let times = |flight: &(Code, u32, Code)| feeders.iter().filter(|feeder| *feeder == flight).count();
    // `max_by_key` takes the last of equals, and the latest is first.
    let feeder = feeders.iter().rev().max_by_key(|feeder| times(feeder))?;
    let today = latest_first(legs, |id, state| {
        (id.carrier, id.number, id.origin) == *feeder && is_due(state, flight.2, departs)
    });
    let (_, id, state) =
        today.into_iter().find(|(before, ..)| *before <= departs && *before >= departs - 2 * 24 * 60)?;
    Some(Inbound { id, state, link: Link::Habit(times(feeder) as u8) })
}

/// The context of a question as of a moment.
pub(super) fn context(events: &[(LegId, Event)], question: &Query, as_of: Millis) -> Context {
    let legs = legs_as_of(events, as_of);
    let Query { carrier, number, origin, dest, date, departs } = *question;
    let own = number.map(|number| LegId { carrier, number, origin, date });
    let own_state = own.and_then(|id| legs.get(&id).copied()).unwrap_or_default();
    let others: Legs = legs.iter().filter(|(id, _)| Some(**id) != own).map(|(id, state)| (*id, *state)).collect();
    let at = |airport: Code| activity(&others, as_of, |id| id.origin == airport, |_, to| to == airport);
    let mut context = Context {
        as_of,
        departs: departs.or(own_state.schedule.map(|schedule| schedule.departs)),
        origin: at(origin),
        dest: at(dest),
        carrier_at_origin: activity(
            &others,
            as_of,
            |id| (id.carrier, id.origin) == (carrier, origin),
            |id, to| (id.carrier, to) == (carrier, origin),
        ),
        carrier: activity(&others, as_of, |id| id.carrier == carrier, |id, _| id.carrier == carrier),
        system: activity(&others, as_of, |_| true, |_, _| true),
        own: own_state,
        inbound: [None; INBOUND_LEGS],
        record: Record::default(),
    };
    let (Some(number), Some(departs)) = (number, context.departs) else { return context };
    for (_, _, state) in last_flown(&legs, (carrier, number, origin), departs).into_iter().take(9) {
        if let Some(delay) = state.arr_delay {
            context.record.arrivals += 1;
            context.record.delay += i32::from(delay.clamp(-60, 180));
            context.record.late += i32::from(delay >= 15);
        }
    }
    let (mut flight, mut departs, mut tail) = ((carrier, number, origin), departs, own_state.tail);
    for place in &mut context.inbound {
        *place = inbound(&legs, flight, departs, tail);
        let Some(Inbound { id, state: LegState { schedule: Some(schedule), tail: next, .. }, .. }) = place else {
            break;
        };
        (flight, departs, tail) = ((id.carrier, id.number, id.origin), schedule.departs, *next);
    }
    context
}
