//! Completes a form: reads its phrase, and takes what is missing from the schedules of the history.
//!
//! 1. The phrase goes before the fields that it speaks of.
//! 2. A flight number on a day gives the airports and the times, if the history knows one leg that fits.
//! 3. A departure on a route gives the arrival of the flight that left closest to it.
//! 4. What has several meanings is asked back, with the choices.
//!
//! A form with all required fields needs none of this: what the history adds to it is a schedule, and it goes without
//! where the history is silent or not there.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Utc};
use delaycast::{
    airports::Airports,
    explore::{RouteFlight, ScheduledLeg, UsualSchedule},
    flight::{
        Code, Schedule,
        time::{self, MINUTES_PER_DAY},
    },
    phrase::{PHRASE_BYTES_MAX, Phrase, Place},
    request::Field,
};

use crate::{
    field_error::{Choice, FieldError, quoted},
    flight_form::{FlightForm, PHRASE},
    state::AppState,
    texts::{Message, message},
};

/// A flight that left further than this from the departure that was given says nothing about it, in minutes.
const SAME_DEPARTURE_MINUTES: u16 = 90;

/// A form with what the history knows of its flight.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) form: FlightForm,
    /// The scheduled times, if they are known.
    pub(crate) schedule: Option<Schedule>,
    /// The reasons why it is not clear which flight is meant.
    pub(crate) errors: Vec<FieldError>,
}

/// Completes a form as of a moment.
pub(crate) async fn complete(mut form: FlightForm, state: &Arc<AppState>, now: DateTime<Utc>) -> Completed {
    let mut errors = Vec::new();
    let mut places = [None, None];
    if form.phrase.len() > PHRASE_BYTES_MAX {
        errors.push(FieldError::new(PHRASE, message!("phrase-too-long", bytes = PHRASE_BYTES_MAX.to_string())));
    } else if form.has_phrase() {
        let phrase = Phrase::read(&form.phrase, &*state.names().await, now);
        errors.extend(unknown_words(&phrase));
        places = take(phrase, &mut form);
        form.default_to_tomorrow(now.date_naive());
    }
    let airports = &state.parts.airports;
    let legs = legs_of(&form, state).await;
    let is_empty = |field| form.text(field).trim().is_empty();
    let is_asked_for = form.has_phrase() || (is_empty(Field::Origin) && is_empty(Field::Dest));
    let mut schedule = None;
    match fitting(&legs, &form, &places)[..] {
        [] if is_asked_for => errors.extend(without_legs(&form, &places, airports)),
        [] => {}
        [leg] => {
            form.set(Field::Origin, leg.origin.as_str());
            form.set(Field::Dest, leg.dest.as_str());
            schedule = leg.schedule;
        }
        ref several if is_asked_for => {
            let choices = several.iter().map(|leg| leg_choice(leg, airports)).collect();
            let reason = message!("several-legs");
            errors.push(FieldError { choices, ..FieldError::new(asked_in(&form, Field::Origin), reason) });
        }
        _ => {}
    }
    if let Ok(Some(departs)) = form.departs() {
        let usual = schedule.filter(|usual: &Schedule| distance(usual.dep_min, departs) <= SAME_DEPARTURE_MINUTES);
        let usual = match usual {
            Some(usual) => Some(usual),
            None => closest(&form, departs, state).await,
        };
        schedule = usual.map(|usual| Schedule {
            dep_min: departs,
            arr_min: (departs + usual.clock_difference_min() as u16) % MINUTES_PER_DAY,
        });
        if schedule.is_none() && errors.is_empty() && form.code(Field::Dest).is_some() {
            errors.push(FieldError::new(Field::CrsDepTime.name(), message!("unknown-departure")));
        }
    }
    Completed { form, schedule, errors }
}

fn unknown_words(phrase: &Phrase) -> Option<FieldError> {
    let words = phrase.unknown.iter().map(|word| Message::from(quoted(word)));
    let words = words.reduce(|all, word| message!("and", one = all, other = word))?;
    Some(FieldError::new(PHRASE, message!("phrase-unknown", words = words)))
}

/// Puts what a phrase says into the form. Returns the places, of departure and arrival, that may be several airports.
fn take(phrase: Phrase, form: &mut FlightForm) -> [Option<Place>; 2] {
    let Phrase { carrier, number, origin, dest, date, departs, unknown: _ } = phrase;
    // What is left in the form may be of the flight that was asked about before.
    let (names_number, names_place) = (number.is_some(), origin.is_some() || dest.is_some());
    if names_number && !names_place && !form.is_chosen {
        [Field::Origin, Field::Dest].into_iter().for_each(|field| form.set(field, ""));
    }
    if names_place && !names_number {
        form.set(Field::FlightNum, "");
    }
    if names_place || names_number {
        form.set(Field::CrsDepTime, "");
    }
    let mut set = |field, text: Option<String>| {
        if let Some(text) = text {
            form.set(field, text);
        }
    };
    set(Field::Carrier, carrier.map(|code| code.to_string()));
    set(Field::FlightNum, number.map(|number| number.to_string()));
    set(Field::FlightDate, date.map(|date| date.to_string()));
    set(Field::CrsDepTime, departs.map(time::to_text));
    [(Field::Origin, origin), (Field::Dest, dest)].map(|(field, place)| {
        if let Some(place) = &place
            && !form.code(field).is_some_and(|chosen| place.airports.contains(&chosen))
        {
            form.set(field, place.airport().map(|code| code.to_string()).unwrap_or_default());
        }
        place
    })
}

/// The legs of the flight number on the day, as the history knows them.
async fn legs_of(form: &FlightForm, state: &Arc<AppState>) -> Vec<ScheduledLeg> {
    let number = form.text(Field::FlightNum).trim().parse::<u32>().ok();
    let (Some(carrier), Some(number), Some(date)) = (form.code(Field::Carrier), number, form.date()) else {
        return Vec::new();
    };
    // Without the history the form goes as it is, or says what is missing.
    let usual = state.explore(move |index| index.usual_schedule(carrier, number, date)).await;
    usual.ok().flatten().map_or(Vec::new(), |UsualSchedule { legs, .. }| legs)
}

/// The legs between the airports of the form, as far as it has them.
fn fitting(legs: &[ScheduledLeg], form: &FlightForm, places: &[Option<Place>; 2]) -> Vec<ScheduledLeg> {
    let fits = |field, place: &Option<Place>, airport: Code| match (form.code(field), place) {
        (Some(code), _) => code == airport,
        (None, Some(place)) => place.airports.contains(&airport),
        (None, None) => form.text(field).trim().is_empty(),
    };
    let [origin, dest] = places;
    let fits = |leg: &&ScheduledLeg| fits(Field::Origin, origin, leg.origin) && fits(Field::Dest, dest, leg.dest);
    legs.iter().filter(fits).copied().collect()
}

/// The reasons why a form without a leg of the history names no flight: places that are several airports, and a flight
/// number that the history does not know.
fn without_legs(form: &FlightForm, places: &[Option<Place>; 2], airports: &Airports) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (field, place) in [Field::Origin, Field::Dest].into_iter().zip(places) {
        let Some(place) = place.as_ref().filter(|_| form.code(field).is_none()) else { continue };
        let choices = place.airports.iter().map(|code| Choice {
            value: format!("{}={code}", field.name()),
            label: code_and_name(*code, airports).into(),
        });
        let reason = message!("several-airports", place = place.text.clone());
        errors.push(FieldError { choices: choices.collect(), ..FieldError::new(asked_in(form, field), reason) });
        // One after the other.
        break;
    }
    let number = form.text(Field::FlightNum).trim();
    let lacks_airport = [Field::Origin, Field::Dest].iter().any(|field| form.text(*field).trim().is_empty());
    if errors.is_empty() && lacks_airport && !number.is_empty() && form.code(Field::Carrier).is_some() {
        errors.push(FieldError::new(Field::FlightNum.name(), message!("unknown-number")));
    }
    errors
}

/// The field beside which choices are shown: the phrase, if there is one.
fn asked_in(form: &FlightForm, field: Field) -> &'static str {
    if form.has_phrase() { PHRASE } else { field.name() }
}

fn code_and_name(airport: Code, airports: &Airports) -> String {
    airports.name_of(airport).map_or_else(|| airport.to_string(), |name| format!("{airport} {name}"))
}

fn leg_choice(leg: &ScheduledLeg, airports: &Airports) -> Choice {
    let ScheduledLeg { origin, dest, schedule } = leg;
    let value = format!("Origin={origin}&Dest={dest}");
    let [origin, dest] = [origin, dest].map(|code| code_and_name(*code, airports));
    let label = match schedule {
        Some(Schedule { dep_min, .. }) => {
            message!("leg-choice-at", origin = origin, dest = dest, time = time::to_text(*dep_min))
        }
        None => message!("leg-choice", origin = origin, dest = dest),
    };
    Choice { value, label }
}

/// The schedule of the flight of the route that leaves closest to a time, those of the airline first.
async fn closest(form: &FlightForm, departs: u16, state: &Arc<AppState>) -> Option<Schedule> {
    let (origin, dest, date) = (form.code(Field::Origin)?, form.code(Field::Dest)?, form.date()?);
    let weekday = date.weekday().num_days_from_monday();
    let flights = state.explore(move |index| index.route_flights(origin, dest, weekday)).await.ok()??.flights;
    let carrier = form.code(Field::Carrier);
    let schedules = flights.iter().filter_map(|RouteFlight { carrier: of, schedule, .. }| {
        let schedule = (*schedule)?;
        Some((Some(*of) != carrier, distance(schedule.dep_min, departs), schedule))
    });
    let near = schedules.filter(|(_, minutes, _)| *minutes <= SAME_DEPARTURE_MINUTES);
    near.min_by_key(|(is_of_others, minutes, _)| (*is_of_others, *minutes)).map(|(.., schedule)| schedule)
}

/// The minutes between two times of day, the shorter way round.
fn distance(one: u16, other: u16) -> u16 {
    let minutes = one.abs_diff(other);
    minutes.min(MINUTES_PER_DAY - minutes)
}
