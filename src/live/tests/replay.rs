//! Tests of the replay: training flights and questions have the same numbers, and no number is known before its time.

use super::*;
use crate::{
    airports::Airports,
    features::{FittedFeatures, LiveColumn, Preset, TrainingFlight},
    history::{Flight, FlightStatus, WeatherTable},
};

const DAYS: u32 = 18;

/// Number, origin, destination, departure, arrival and duration of flights of a day, by airline and aeroplane.
type Leg = (u32, &'static str, &'static str, u16, u16, u16);
const ROTATIONS: [(&str, &str, &[Leg]); 4] = [
    (
        "AA",
        "N1",
        &[(100, "ORD", "LGA", 420, 600, 120), (101, "LGA", "ORD", 660, 750, 150), (102, "ORD", "DFW", 840, 990, 150)],
    ),
    (
        "AA",
        "N2",
        &[(200, "DFW", "ORD", 480, 630, 150), (201, "ORD", "LGA", 700, 880, 120), (202, "LGA", "ORD", 930, 1020, 150)],
    ),
    (
        "UA",
        "N3",
        &[(300, "ORD", "DFW", 450, 600, 150), (301, "DFW", "ORD", 650, 800, 150), (302, "ORD", "LGA", 850, 1030, 120)],
    ),
    (
        "UA",
        "N4",
        &[(400, "LGA", "DFW", 430, 640, 270), (401, "DFW", "LGA", 700, 950, 190), (402, "LGA", "ORD", 1000, 1090, 150)],
    ),
];

/// Eighteen days of flights with delays, of which some are cancelled, in the order of a history.
fn history() -> (Vec<Flight>, Vec<Flight>) {
    let (mut flown, mut unflown) = (Vec::new(), Vec::new());
    for day in 0..DAYS {
        let date = NaiveDate::from_ymd_opt(2008, 2, 1).unwrap() + chrono::Days::new(day.into());
        for (carrier, tail, legs) in ROTATIONS {
            for (number, origin, dest, dep, arr, elapsed) in legs {
                let delay = ((day * 37 + number * 11) % 71) as f32 - 12.0;
                let mut flight = Flight {
                    flight_num: Some(*number),
                    tail_num: Some(code(tail)),
                    crs_dep_min: Some(*dep),
                    crs_arr_min: Some(*arr),
                    crs_elapsed_min: Some((*elapsed).into()),
                    dep_delay: Some(delay),
                    arr_delay: Some(delay - (number % 7) as f32),
                    ..Flight::unknown(date, code(carrier), code(origin), code(dest))
                };
                if (day + number) % 13 == 5 {
                    (flight.dep_delay, flight.arr_delay) = (None, None);
                    flight.status = FlightStatus::Cancelled;
                    unflown.push(flight);
                } else {
                    flown.push(flight);
                }
            }
        }
    }
    flown.sort_by(Flight::cmp_all);
    unflown.sort_by(Flight::cmp_all);
    (flown, unflown)
}

/// All events, of which some may be left out.
fn events(flights: &[&[Flight]], is_known: impl Fn(&(LegId, Event)) -> bool) -> State {
    let mut legs = std::collections::BTreeMap::<LegId, Vec<Event>>::new();
    for message in flights.iter().copied().flatten().flat_map(events_of) {
        let (id, event) = message.resolve().unwrap();
        if is_known(&(id, event)) {
            legs.entry(id).or_default().push(event);
        }
    }
    let mut state = State::default();
    legs.into_iter().for_each(|(id, events)| state.set(id, Timeline::new(events)));
    state
}

fn snapshot(state: &State, flight: &Flight, now: Minutes) -> Option<Snapshot> {
    let Flight { carrier, flight_num: number, origin, dest, date, .. } = *flight;
    let query = Query { carrier, number, origin, dest, date, departs: None };
    Snapshot::of(&state.context(&query, Millis::from(now) * MINUTE_MS)?)
}

/// Equal, and NaN where the other is.
fn same(one: &Snapshot, other: &Snapshot) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

#[test]
fn a_training_flight_has_the_numbers_of_a_question_that_is_asked_then() {
    let (flown, unflown) = history();
    let pasts = Pasts::of(&flown, &unflown, 1);
    assert!(pasts.len() > 100, "{}", pasts.len());
    let flown_ones = pasts.iter().map(|(at, past)| (&flown[at], past)).step_by(13);
    let cancelled = pasts.iter_cancelled().map(|(at, past)| (&unflown[at], past)).step_by(5);
    let mut compared = 0;
    for (flight, past) in flown_ones.chain(cancelled) {
        for view in past.snapshots() {
            let until = Millis::from(view.now) * MINUTE_MS;
            let state = events(&[&flown, &unflown], |(_, event)| event.at <= until);
            let asked = snapshot(&state, flight, view.now).unwrap();
            assert!(same(view, &asked), "{flight:?}\n{view:?}\n{asked:?}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn a_cancelled_flight_is_looked_at_before_its_departure_alone() {
    let (flown, unflown) = history();
    let pasts = Pasts::of(&flown, &unflown, 2);
    let mut looked_at = 0;
    for (at, past) in pasts.iter_cancelled() {
        assert_eq!(unflown[at].status, FlightStatus::Cancelled);
        assert!(past.snapshots().all(|live| live.now < live.departs));
        assert!(past.at(Moment::Overdue).is_none() && past.at(Moment::Departed).is_none());
        looked_at += 1;
    }
    assert!(looked_at > 5, "{looked_at}");
}

#[test]
fn any_number_of_threads_replays_alike() {
    let (flown, unflown) = history();
    let [one, four] = [1, 4].map(|threads| format!("{:?}", Pasts::of(&flown, &unflown, threads)));
    assert_eq!(one, four);
}

#[test]
fn a_flight_that_has_left_has_no_moment_before_its_departure() {
    let (flown, unflown) = history();
    for (at, past) in Pasts::of(&flown, &unflown, 1).iter() {
        let departed = |live: &Snapshot| live.departs + flown[at].dep_delay.unwrap() as Minutes;
        for moment in [Moment::Early, Moment::Near, Moment::Overdue] {
            assert!(past.at(moment).is_none_or(|live| live.now < departed(live)));
        }
        assert!(past.at(Moment::Early).is_some_and(|live| live.departs - live.now >= NEAR_MINUTES));
        assert!(past.at(Moment::Near).is_none_or(|live| live.departs > live.now));
        assert!(past.at(Moment::Overdue).is_none_or(|live| live.departs <= live.now));
        assert!(past.at(Moment::Departed).is_some_and(|live| live.now >= departed(live)));
    }
}

/// The numbers of all columns of a flight at a moment.
fn columns(fitted: &FittedFeatures, state: &State, flight: &Flight, now: Minutes) -> Vec<(LiveColumn, u32)> {
    let live = snapshot(state, flight, now);
    let query = crate::features::Query {
        flight_num: flight.flight_num,
        live: live.as_ref(),
        ..crate::features::Query::new(flight.date, flight.carrier, flight.origin, flight.dest)
    };
    let mut row = Vec::new();
    fitted.features.encode(&query, &Airports::default(), &mut row);
    let live_columns = fitted.features.columns().iter().zip(row).filter_map(|(column, number)| match column {
        crate::features::Column::Live(live) => Some((*live, number.to_bits())),
        _ => None,
    });
    live_columns.collect()
}

#[test]
fn every_column_changes_with_an_event_that_becomes_known_after_the_question() {
    let (flown, unflown) = history();
    let pasts = Pasts::of(&flown, &unflown, 1);
    let training = TrainingFlight::all_of(flown.clone(), WeatherTable::NONE, &pasts);
    let fitted = FittedFeatures::new(Preset::Default, &training).unwrap();
    let mut unchanged: Vec<LiveColumn> = Vec::new();
    // The questions are about the last two days.
    let asked = flown.iter().filter(|flight| flight.date >= date_of(DAYS - 2));
    for (index, flight) in asked.enumerate() {
        let scheduled = events_of(flight)[0].resolve().unwrap().1.schedule.unwrap().departs;
        for before in [-15, 0, 70] {
            let now = scheduled - before;
            let moment = Millis::from(now) * MINUTE_MS;
            let known = |event: &(LegId, Event)| event.1.at <= moment;
            let with = columns(&fitted, &events(&[&flown, &unflown], known), flight, now);
            if index == 0 && before == -15 {
                unchanged = with.iter().map(|(column, _)| *column).collect();
                assert!(unchanged.len() > 30);
            }
            // Each event in turn becomes known a minute after the question.
            let all: Vec<(LegId, Event)> = [&flown[..], &unflown]
                .into_iter()
                .flatten()
                .flat_map(events_of)
                .map(|message| message.resolve().unwrap())
                .filter(|event| known(event) && event.1.at > moment - 40 * 60 * MINUTE_MS)
                .collect();
            for late in all {
                let without = events(&[&flown, &unflown], |event| known(event) && *event != late);
                let without = columns(&fitted, &without, flight, now);
                for ((column, before), (_, after)) in with.iter().zip(without) {
                    if *before != after {
                        unchanged.retain(|other| other != column);
                    }
                }
            }
            if unchanged.is_empty() {
                return;
            }
        }
    }
    // Those of the flight's last days change with events of days ago.
    let old = [LiveColumn::RecordDelay, LiveColumn::RecordLate, LiveColumn::LinkTimes];
    unchanged.retain(|column| !old.contains(column));
    assert!(unchanged.is_empty(), "{unchanged:?}");
}

fn date_of(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2008, 2, 1).unwrap() + chrono::Days::new(day.into())
}
