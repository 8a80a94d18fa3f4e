//! Tests of the live state.

mod messages;
mod oracle;
mod replay;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::{flight::Code, live::event::HOUR_MS};

const DAY: Minutes = 24 * 60;
const FIRST_DAY: Minutes = 14_000 * DAY;

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

/// Few airlines, airports, aeroplanes and numbers, so that legs meet.
fn small_code(of: &'static str) -> impl Strategy<Value = Code> {
    (0..3u8).prop_map(move |number| code(&format!("{of}{number}")))
}

fn date(day: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2008, 5, 1).unwrap() + chrono::Days::new(u64::from(day.unsigned_abs()))
}

fn leg_id() -> impl Strategy<Value = (LegId, Minutes)> {
    (small_code("C"), 1..3u32, small_code("A"), 0..6i32, 0..72i32).prop_map(|(carrier, number, origin, day, step)| {
        (LegId { carrier, number, origin, date: date(day) }, FIRST_DAY + day * DAY + step * 20)
    })
}

fn event() -> impl Strategy<Value = (LegId, Event)> {
    let kind = prop::sample::select(vec![0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5]);
    let details = (kind, 0..6usize, small_code("A"), prop::option::weighted(0.7, small_code("N")), -40..300i16);
    (leg_id(), details, -3 * DAY..DAY, 40..200i32, any::<bool>()).prop_map(
        |((id, departs), (kind, withdrawn, dest, tail, delay), at, elapsed, whole)| {
            let kind = EventKind::ALL[kind];
            let at = Millis::from(departs + at / 20 * 20) * MINUTE_MS;
            let is_withdrawal = kind == EventKind::Withdrawn;
            let event = Event {
                withdraws: EventKind::ALL.get(withdrawn).copied().filter(|_| is_withdrawal),
                dest: (!is_withdrawal).then_some(dest),
                tail: tail.filter(|_| !is_withdrawal),
                schedule: (!is_withdrawal && whole).then_some(Times { departs, arrives: departs + elapsed }),
                delay: matches!(kind, EventKind::Departed | EventKind::Arrived).then_some(delay),
                ..Event::new(kind, at)
            };
            (id, event)
        },
    )
}

/// Events of which some are up to 24 days before the others: one flight an airline, so that records are long.
fn long_ago() -> impl Strategy<Value = (LegId, Event)> {
    (event(), 0..25i32).prop_map(|((id, event), days)| {
        let earlier = |minutes: Minutes| minutes - days * DAY;
        let date = id.date - chrono::Days::new(u64::from(days.unsigned_abs()));
        let schedule = event.schedule.map(|it| Times { departs: earlier(it.departs), arrives: earlier(it.arrives) });
        let at = event.at - Millis::from(days * DAY) * MINUTE_MS;
        (LegId { date, number: 1, ..id }, Event { schedule, at, ..event })
    })
}

fn question() -> impl Strategy<Value = (Query, Millis)> {
    let asked = (leg_id(), small_code("A"), any::<bool>(), any::<bool>(), -40 * 60..600i32);
    // A request's airports differ.
    let asked = asked.prop_filter("a round trip", |((id, _), dest, ..)| id.origin != *dest);
    asked.prop_map(|((id, departs), dest, knows_number, knows_schedule, at)| {
        let LegId { carrier, number, origin, date } = id;
        let question = Query {
            carrier,
            number: knows_number.then_some(number),
            origin,
            dest,
            date,
            departs: knows_schedule.then_some(departs),
        };
        (question, Millis::from(departs + at / 20 * 20) * MINUTE_MS)
    })
}

/// Events of two flights on 4 days, which are flown by two aeroplanes, so that one feeds the other.
fn of_two_flights() -> impl Strategy<Value = (LegId, Event)> {
    let which = (0..4i32, any::<bool>(), prop::sample::select(vec![0, 1, 1, 1, 2, 5]), 0..2u8);
    (which, -40..300i16, prop_oneof![2 => 0..5 * 60, 1 => 0..60 * 60]).prop_map(
        |((day, is_feeder, kind, tail), delay, known)| {
            let (number, origin, dest) = if is_feeder { (1, "A1", "A0") } else { (2, "A0", "A2") };
            let departs = FIRST_DAY + day * DAY + if is_feeder { 8 * 60 } else { 12 * 60 };
            let kind = EventKind::ALL[kind];
            let is_withdrawal = kind == EventKind::Withdrawn;
            let event = Event {
                dest: (!is_withdrawal).then_some(code(dest)),
                tail: (!is_withdrawal).then_some(code(&format!("N{tail}"))),
                schedule: (!is_withdrawal).then_some(Times { departs, arrives: departs + 120 }),
                delay: matches!(kind, EventKind::Departed | EventKind::Arrived).then_some(delay),
                ..Event::new(kind, Millis::from(departs + known) * MINUTE_MS)
            };
            (LegId { carrier: code("C0"), number, origin: code(origin), date: date(day) }, event)
        },
    )
}

/// Questions about the second of the two flights on the last of the days and around it.
fn of_the_last_day() -> impl Strategy<Value = (Query, Millis)> {
    (2..6i32, -20 * 60..20 * 60i32).prop_map(|(day, at)| {
        let departs = FIRST_DAY + day * DAY + 12 * 60;
        let query = Query {
            carrier: code("C0"),
            number: Some(2),
            origin: code("A0"),
            dest: code("A2"),
            date: date(day),
            departs: Some(departs),
        };
        (query, Millis::from(departs + at) * MINUTE_MS)
    })
}

/// Gives a state events in this order: each changes the timeline of its leg.
fn state_of(events: &[(LegId, Event)]) -> State {
    let mut state = State::default();
    for (number, (id, _)) in events.iter().enumerate() {
        let known = events[..=number].iter().filter(|(other, _)| other == id).map(|(_, event)| *event);
        state.set(*id, Timeline::new(known.collect()));
    }
    state
}

proptest! {
    #[test]
    fn a_context_is_the_one_of_the_definition(
        events in prop::collection::vec(event(), 0..120),
        questions in prop::collection::vec(question(), 1..12),
    ) {
        let state = state_of(&events);
        for (question, as_of) in questions {
            let answer = state.context(&question, as_of);
            prop_assert_eq!(answer.is_some(), as_of >= state.latest() - LOOKBACK_MS);
            if let Some(context) = answer {
                prop_assert_eq!(context, oracle::context(&events, &question, as_of), "{:?}", question);
            }
        }
    }

    #[test]
    fn order_and_repetition_of_events_change_nothing(
        events in prop::collection::vec(event(), 0..80),
        order in any::<prop::sample::Index>(),
        questions in prop::collection::vec(question(), 1..8),
    ) {
        let mut shuffled: Vec<_> = events.iter().chain(&events).copied().collect();
        let (length, middle) = (shuffled.len().max(1), order.index(shuffled.len().max(1)));
        shuffled.rotate_left(middle % length);
        shuffled.reverse();
        let (one, other) = (state_of(&events), state_of(&shuffled));
        for (question, as_of) in questions {
            prop_assert_eq!(one.context(&question, as_of), other.context(&question, as_of));
        }
        prop_assert_eq!(one.legs(), other.legs());
    }

    #[test]
    fn what_was_asked_before_changes_no_answer(
        events in prop::collection::vec(of_two_flights(), 1..60),
        questions in prop::collection::vec(of_the_last_day(), 1..6),
    ) {
        let mut asked = State::default();
        for number in 1..=events.len() {
            let (events, (id, _)) = (&events[..number], events[number - 1]);
            let known = events.iter().filter(|(other, _)| *other == id).map(|(_, event)| *event);
            asked.set(id, Timeline::new(known.collect()));
            let fresh = state_of(events);
            for (question, as_of) in &questions {
                // The answer to the second question can be a remembered one, which may not hold as of the third.
                for as_of in [*as_of, *as_of, as_of - 20 * HOUR_MS] {
                    prop_assert_eq!(asked.context(question, as_of), fresh.context(question, as_of));
                }
            }
        }
    }

    #[test]
    fn a_leg_that_is_forgotten_changes_no_answer_that_is_given(
        events in prop::collection::vec(long_ago(), 1..100),
        questions in prop::collection::vec(question(), 1..12),
    ) {
        let (mut state, whole) = (state_of(&events), state_of(&events));
        state.forget_legs();
        for (question, as_of) in questions {
            // A scorer gives no context to requests about flights of other days.
            let departs = question.departs.map_or(as_of, |departs| Millis::from(departs) * MINUTE_MS);
            if departs >= as_of - Millis::from(DAY) * MINUTE_MS {
                prop_assert_eq!(state.context(&question, as_of), whole.context(&question, as_of));
            }
        }
    }
}
