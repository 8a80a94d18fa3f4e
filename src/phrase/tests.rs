//! Tests of phrases, over the airports and airlines of the bundled flights.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use proptest::prelude::*;

use super::*;
use crate::history::bundled;

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let history = bundled().unwrap();
    let mut flights = BTreeMap::<Code, u64>::new();
    history
        .all()
        .flat_map(|flight| [flight.origin, flight.dest])
        .for_each(|code| *flights.entry(code).or_default() += 1);
    Names::new(Arc::new(history.airports().unwrap()), &flights)
});

/// Reads a phrase on Saturday, 28 November 2026, and writes what it says.
fn read(text: &str) -> String {
    let phrase = Phrase::read(text, &NAMES, "2026-11-28T15:00:00Z".parse().unwrap());
    let place = |place: &Option<Place>| {
        let codes = |place: &Place| place.airports.iter().map(Code::as_str).collect::<Vec<_>>().join("|");
        place.as_ref().map(codes)
    };
    let parts = [
        phrase.carrier.map(|code| code.to_string()),
        phrase.number.map(|number| number.to_string()),
        place(&phrase.origin).map(|codes| format!("from {codes}")),
        place(&phrase.dest).map(|codes| format!("to {codes}")),
        phrase.date.map(|date| date.to_string()),
        phrase.departs.map(|minute| format!("at {:02}:{:02}", minute / 60, minute % 60)),
        (!phrase.unknown.is_empty()).then(|| format!("unknown {}", phrase.unknown.join("|"))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[test]
fn questions_are_read_as_people_type_them() {
    for (text, meaning) in [
        ("AA 1", "AA, 1"),
        ("aa1", "AA, 1"),
        ("B6 915", "B6, 915"),
        ("b6915 tomorrow", "B6, 915, 2026-11-29"),
        ("tomorrow jfk lax delta", "DL, from JFK, to LAX, 2026-11-29"),
        ("ua 2402 4 July", "UA, 2402, 2027-07-04"),
        ("jetblue from New York to Boston on Friday", "B6, from JFK|LGA|EWR, to BOS, 2026-12-04"),
        ("Delta Air Lines 1498 JFK-ATL 2026-12-24", "DL, 1498, from JFK, to ATL, 2026-12-24"),
        ("how late will my flight to Miami be", "to MIA"),
        ("lga → ord 7:30am", "from LGA, to ORD, at 07:30"),
        ("Newark San Francisco united 2:30 pm mon", "UA, from EWR, to SFO, 2026-11-30, at 14:30"),
        ("kennedy to dulles", "from JFK, to IAD"),
        ("southwest flight 386 today", "WN, 386, 2026-11-28"),
        ("American from La Guardia to Chicago, Dec 1st", "AA, from LGA, to ORD|MDW, 2026-12-01"),
        ("JFK/SFO 12/24 18:05", "from JFK, to SFO, 2026-12-24, at 18:05"),
        ("vuelo de Newark a Houston mañana", "from EWR, to IAH|HOU, 2026-11-29"),
        ("us airways 1865", "US, 1865"),
        ("Las Vegas", "from LAS"),
        // No flight of the history serves these; the words are named.
        ("BA117", "unknown BA117"),
        ("LHR", "unknown LHR"),
        ("jfk to São Paulo", "from JFK, unknown São Paulo"),
        // It is known, but not served.
        ("ABI to JFK", "from ABI, to JFK"),
        ("", ""),
    ] {
        assert_eq!(read(text), meaning, "{text}");
    }
}

#[test]
fn days_are_those_of_the_place_of_departure() {
    let read =
        |text: &str| Phrase::read(text, &NAMES, "2026-11-28T03:00:00Z".parse().unwrap()).date.unwrap().to_string();
    assert_eq!((read("jfk bos today"), read("AA 1 today")), ("2026-11-27".to_owned(), "2026-11-28".to_owned()));
}

#[test]
fn dates_without_a_year_are_the_next_ones_or_those_of_the_last_week() {
    for (text, date) in [
        ("4 july", "2027-07-04"),
        ("July 4th", "2027-07-04"),
        ("4th of July 2026", "2026-07-04"),
        ("July 4 2026", "2026-07-04"),
        ("7/4", "2027-07-04"),
        ("7/4/26", "2026-07-04"),
        ("4.7.", "2027-07-04"),
        ("4.7.2026", "2026-07-04"),
        ("2026-07-04", "2026-07-04"),
        ("25 november", "2026-11-25"),
        ("29 feb", "2028-02-29"),
        ("yesterday", "2026-11-27"),
        ("saturday", "2026-11-28"),
        ("2 de enero de 2027", "2027-01-02"),
    ] {
        assert_eq!(read(text), date, "{text}");
    }
    for text in ["31 february", "2026-13-01", "45/45", "0 july"] {
        assert!(read(text).starts_with("unknown") || !read(text).contains('-'), "{text}: {}", read(text));
    }
}

#[test]
fn a_time_has_a_colon_or_a_half_of_the_day() {
    for (text, meaning) in [
        ("14:30", "at 14:30"),
        ("2pm", "at 14:00"),
        ("2:05 pm", "at 14:05"),
        ("12am", "at 00:00"),
        ("12pm", "at 12:00"),
        ("noon", "at 12:00"),
        ("930am", "at 09:30"),
        ("18h", "at 18:00"),
        ("AA 1430", "AA, 1430"),
        ("25:00", "unknown 25:00"),
    ] {
        assert_eq!(read(text), meaning, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_word_is_lost_silently(text in ".{0,60}") {
        let phrase = Phrase::read(&text, &NAMES, "2026-11-28T15:00:00Z".parse().unwrap());
        prop_assert!(phrase.origin.iter().chain(&phrase.dest).all(|place| !place.airports.is_empty()));
    }

    #[test]
    fn words_that_mean_nothing_are_named(word in "[xq]{4,9}", before in any::<bool>()) {
        let text = if before { format!("{word} jfk bos B6 915 tomorrow") } else { format!("jfk bos B6 915 tomorrow {word}") };
        let phrase = Phrase::read(&text, &NAMES, "2026-11-28T15:00:00Z".parse().unwrap());
        prop_assert_eq!(phrase.unknown, vec![word]);
        prop_assert_eq!((phrase.number, phrase.origin.and_then(|it| it.airport())), (Some(915), "JFK".parse().ok()));
    }
}
