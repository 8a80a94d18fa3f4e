//! The rules of the messages of events, one test each, and the round trip.

use chrono::{DateTime, NaiveDate};
use engine::request::{Malformed, MalformedKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::decode::decode_at, *};
use crate::{
    flight::{Schedule, zoned::ELAPSED_MINUTES_MAX},
    history::{Flight, FlightStatus, bundled},
};

/// JFK to SFO, 17:45 to 21:25 on the clocks, 22:45 to 05:25 UTC.
const DEPARTED: &str = r#"{"Event": "departed", "At": "2013-12-25T23:26:00Z", "Carrier": "B6", "FlightNum": 15, "FlightDate": "2013-12-25", "Origin": "JFK", "Dest": "SFO", "TailNum": "N804JB", "CRSDepTime": 1745, "CRSArrTime": 2125, "CRSElapsedTime": 400, "DepDelay": 41}"#;

fn millis(text: &str) -> Millis {
    text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_millis()
}

fn minutes(text: &str) -> Minutes {
    (millis(text) / MINUTE_MS) as Minutes
}

fn jfk_15() -> LegId {
    let date = NaiveDate::from_ymd_opt(2013, 12, 25).unwrap();
    LegId { carrier: code("B6"), number: 15, origin: code("JFK"), date }
}

fn departed() -> Event {
    let (departs, arrives) = (minutes("2013-12-25T22:45:00Z"), minutes("2013-12-26T05:25:00Z"));
    Event {
        dest: Some(code("SFO")),
        tail: Some(code("N804JB")),
        schedule: Some(Times { departs, arrives }),
        delay: Some(41),
        ..Event::new(EventKind::Departed, millis("2013-12-25T23:26:00Z"))
    }
}

/// The message with other values of fields; null removes one.
fn with(changes: &[(&str, Value)]) -> String {
    let mut message: Value = serde_json::from_str(DEPARTED).unwrap();
    for (field, value) in changes {
        message[*field] = value.clone();
        if value.is_null() {
            message.as_object_mut().unwrap().remove(*field);
        }
    }
    message.to_string()
}

fn event(changes: &[(&str, Value)]) -> Event {
    let message = with(changes);
    decode(message.as_bytes()).unwrap_or_else(|malformed| panic!("{malformed}: {message}")).1
}

fn reason(message: impl AsRef<[u8]>) -> String {
    decode(message.as_ref()).unwrap_err().reason
}

fn reason_with(changes: &[(&str, Value)]) -> String {
    reason(with(changes))
}

#[test]
fn a_departure_is_decoded() {
    assert_eq!(decode(DEPARTED.as_bytes()), Ok((jfk_15(), departed())));
}

#[test]
fn the_examples_of_the_contract_are_decoded() {
    let examples = include_str!("../../../docs/events.md").lines().filter(|line| line.starts_with('{'));
    let events: Vec<(LegId, Event)> = examples.map(|example| decode(example.as_bytes()).unwrap()).collect();
    assert_eq!(events[0], (jfk_15(), departed()));
    assert!(events.iter().all(|(leg, _)| *leg == jfk_15()));
    assert_eq!(events[1..].iter().map(|(_, event)| event.kind).collect::<Vec<_>>(), EventKind::ALL);
}

#[test]
fn rule_1_one_json_object_in_utf8_and_nothing_else() {
    assert_eq!(reason(""), "the message is empty");
    assert!(reason("[]").starts_with("expected a JSON object, not an array"));
    assert!(reason(format!("{DEPARTED} {{}}")).contains("trailing characters"));
    assert!(reason(&DEPARTED[..100]).contains("EOF"));
    assert_eq!(decode(format!("\u{feff}{DEPARTED}").as_bytes()), Ok((jfk_15(), departed())));
    let long = with(&[("Note", json!("x".repeat(EVENT_BYTES_MAX)))]);
    assert!(reason(long).ends_with(" bytes, more than 8192"));
}

#[test]
fn rule_2_unknown_fields_are_ignored_but_not_when_they_nest_too_deep() {
    assert_eq!(event(&[("UUID", json!("u-1")), ("Weather", json!({"Temp": [1, null]}))]), departed());
    let deep = DEPARTED.replacen('{', &format!(r#"{{"Note": {}{}, "#, "[".repeat(1000), "]".repeat(1000)), 1);
    assert!(reason(deep).contains("recursion limit"));
}

#[test]
fn rule_3_a_known_field_appears_once() {
    for field in EventField::NAMES {
        let twice = DEPARTED.replacen('{', &format!(r#"{{"{field}": null, "{field}": null, "#), 1);
        assert!(reason(twice).starts_with(&format!("{field}: stands twice")), "{field}");
    }
}

#[test]
fn rule_4_null_and_nan_are_absent() {
    for (field, required) in [
        ("Event", true),
        ("At", true),
        ("Carrier", true),
        ("FlightNum", true),
        ("FlightDate", true),
        ("Origin", true),
        ("DepDelay", true),
        ("TailNum", false),
        ("CRSElapsedTime", false),
    ] {
        let absent = decode(with(&[(field, Value::Null)]).as_bytes());
        let missing = absent.as_ref().err().map(|malformed| malformed.reason.clone());
        assert_eq!(missing, required.then(|| format!("{field}: is missing")), "{field}");
        for value in ["null", "NaN"] {
            let message = with(&[(field, json!("HERE"))]).replace("\"HERE\"", value);
            assert_eq!(decode(message.as_bytes()), absent, "{field}: {value}");
        }
    }
    assert_eq!(reason_with(&[("DepDelay", json!("NaN"))]), "DepDelay: is missing");
    let infinite = with(&[("DepDelay", json!("HERE"))]).replace("\"HERE\"", "Infinity");
    assert_eq!(reason(infinite), "DepDelay: must be -1440 to 4320 minutes");
}

#[test]
fn rule_5_the_reason_names_the_field_or_the_format_and_repeats_nothing() {
    let utf_16: Vec<u8> = DEPARTED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = |changes: &[(&str, Value)]| with(changes).into_bytes();
    for (message, kind, words) in [
        (text(&[("DepDelay", json!("S3CRET"))]), MalformedKind::Field("DepDelay"), "DepDelay: must be a number"),
        (text(&[("Event", json!("S3CRET"))]), MalformedKind::Field("Event"), "Event: must be one of scheduled, dep"),
        (text(&[("Event", json!(7))]), MalformedKind::Field("Event"), "Event: must be a string, not a number"),
        (text(&[("Carrier", json!("S3CRETS3"))]), MalformedKind::Field("Carrier"), "Carrier: a code has 1 to 7"),
        (text(&[("TailNum", json!("S3CRETS3"))]), MalformedKind::Field("TailNum"), "TailNum: a code has 1 to 7"),
        (text(&[("At", json!("S3CRET"))]), MalformedKind::Field("At"), "At: must be an ISO time"),
        (
            DEPARTED.replace("\"B6\"", "S3CRET").into_bytes(),
            MalformedKind::NotJson,
            "Carrier: expected value at line 1",
        ),
        (utf_16, MalformedKind::NotUtf8, "the message is UTF-16 (little endian): send it in UTF-8"),
        ([b"\0\0\0\0\x07", DEPARTED.as_bytes()].concat(), MalformedKind::NotJson, "framed for a Schema Registry"),
        (b"Obj\x01\x04\x14avro.codec".to_vec(), MalformedKind::NotUtf8, "an Avro container file"),
        (DEPARTED.replace('"', "'").into_bytes(), MalformedKind::NotJson, "in double quotes"),
    ] {
        let malformed = decode(&message).unwrap_err();
        assert_eq!((malformed.id, malformed.kind), (None, kind), "{}", malformed.reason);
        assert!(malformed.reason.contains(words), "{}", malformed.reason);
        assert!(!malformed.reason.contains("S3"), "{}", malformed.reason);
    }
}

#[test]
fn rule_6_texts_are_read_as_those_of_requests() {
    for (field, same) in [
        ("Event", json!(" Departed ")),
        ("Event", json!("DEPARTED")),
        ("Carrier", json!("b6")),
        ("Origin", json!(" jfk\n")),
        ("Dest", json!("sfo")),
        ("TailNum", json!("n804jb ")),
        ("FlightNum", json!("15")),
        ("FlightNum", json!(" 0015 ")),
        ("FlightNum", json!(15.0)),
        ("FlightDate", json!("20131225")),
        ("FlightDate", json!("2013-12-25T00:00:00+09:00")),
        ("DepDelay", json!("41")),
        ("CRSDepTime", json!("1745")),
        ("CRSElapsedTime", json!("400.0")),
        ("Withdraws", json!(" ")),
        ("ArrDelay", json!("")),
    ] {
        assert_eq!(decode(with(&[(field, same.clone())]).as_bytes()), Ok((jfk_15(), departed())), "{field}: {same}");
    }
    for field in ["Event", "At", "Carrier", "FlightNum", "FlightDate", "Origin"] {
        assert_eq!(reason_with(&[(field, json!(" "))]), format!("{field}: is missing"));
    }
}

#[test]
fn rule_7_the_identity_is_required_and_the_number_whole() {
    for wrong in [json!(-1), json!(100_000), json!(1.5), json!(1e300), json!("100000"), json!("-1")] {
        let reason = reason_with(&[("FlightNum", wrong.clone())]);
        assert_eq!(reason, "FlightNum: must be a whole number from 0 to 99999", "{wrong}");
    }
    assert_eq!(reason_with(&[("FlightNum", json!("B6 15"))]), "FlightNum: must be a number, not a string");
    for number in [0, 99_999] {
        let message = with(&[("FlightNum", json!(number))]);
        assert_eq!(decode(message.as_bytes()).unwrap().0.number, number);
    }
    assert_eq!(reason_with(&[("FlightDate", json!("1066-10-14"))]), "FlightDate: the year must be 1987 to 2199");
    let not_a_date = "FlightDate: must be a date of the calendar, as in 2016-12-25";
    assert_eq!(reason_with(&[("FlightDate", json!("25/12/2013"))]), not_a_date);
}

#[test]
fn rule_8_departures_and_arrivals_have_their_delays() {
    assert_eq!(reason_with(&[("DepDelay", Value::Null), ("ArrDelay", json!(1))]), "DepDelay: is missing");
    assert_eq!(reason_with(&[("Event", json!("arrived"))]), "ArrDelay: is missing");
    let arrived = event(&[("Event", json!("arrived")), ("ArrDelay", json!(-12)), ("DepDelay", json!(["unread"]))]);
    assert_eq!((arrived.kind, arrived.delay), (EventKind::Arrived, Some(-12)));
    for kind in ["scheduled", "cancelled", "diverted", "withdrawn"] {
        let event = event(&[("Event", json!(kind)), ("ArrDelay", json!(["unread"]))]);
        assert_eq!((event.kind.name(), event.delay), (kind, None));
    }
    for (sent, whole) in [(json!(4.4), 4), (json!(-0.6), -1), (json!(4320), 4320), (json!(-1440), -1440)] {
        assert_eq!(event(&[("DepDelay", sent.clone())]).delay, Some(whole), "{sent}");
    }
    for wrong in [4320.5, -1441.0, 1e300] {
        assert_eq!(reason_with(&[("DepDelay", json!(wrong))]), "DepDelay: must be -1440 to 4320 minutes");
    }
}

#[test]
fn rule_9_a_withdrawal_names_another_kind_or_none() {
    let withdrawn = Event::new(EventKind::Withdrawn, departed().at);
    assert_eq!(event(&[("Event", json!("withdrawn"))]), withdrawn);
    for kind in &EventKind::ALL[..5] {
        let event = event(&[("Event", json!("withdrawn")), ("Withdraws", json!(kind.name()))]);
        assert_eq!(event, Event { withdraws: Some(*kind), ..withdrawn });
    }
    let of_itself = [("Event", json!("withdrawn")), ("Withdraws", json!("withdrawn"))];
    assert_eq!(reason_with(&of_itself), "Withdraws: must be another kind of event");
    let alone = "Withdraws: is for the event withdrawn alone";
    assert_eq!(reason_with(&[("Withdraws", json!("departed"))]), alone);
}

#[test]
fn rule_10_at_is_an_instant_that_has_come() {
    let at = millis("2013-12-25T23:26:00Z");
    for (text, millisecond) in [
        ("2013-12-25T23:26:00+00:00", 0),
        ("2013-12-25T18:26-05:00", 0),
        (" 2013-12-26 08:26 +0900 ", 0),
        ("2013-12-25T18:26:00.1239-05:00[America/New_York]", 123),
    ] {
        assert_eq!(event(&[("At", json!(text))]).at, at + millisecond, "{text}");
    }
    assert_eq!(event(&[("At", json!("2013-12-25T24:00Z"))]).at, millis("2013-12-26T00:00:00Z"));
    for text in ["2013-12-25T23:26:00", "2013-12-25", "2013-12-25T23:26[America/New_York]"] {
        let no_offset = "At: must have an offset from UTC, as in 2016-12-25T18:05:00Z or +01:00";
        assert_eq!(reason_with(&[("At", json!(text))]), no_offset, "{text}");
    }
    assert_eq!(reason_with(&[("At", json!("now"))]), "At: must be an ISO time, as in 2016-12-25T18:05:00Z");
    assert_eq!(reason_with(&[("At", json!(1_387_000_000))]), "At: must be a string, not a number");
    let long_ago = [("At", json!("1986-12-31T23:59:59Z")), ("FlightDate", json!("1987-01-01"))];
    assert_eq!(reason_with(&long_ago), "At: the year must be 1987 to 2199");

    let as_of = |now| decode_at(DEPARTED.as_bytes(), now).map_err(|malformed| malformed.reason);
    assert!(as_of(at - 10 * MINUTE_MS).is_ok());
    let ahead = "At: must be at most 10 minutes ahead of the clock of this machine";
    assert_eq!(as_of(at - 10 * MINUTE_MS - 1), Err(ahead.to_owned()));
    let tomorrow = engine::clock::now() + chrono::Days::new(1);
    let tomorrow = [("At", json!(tomorrow.to_rfc3339())), ("FlightDate", json!(tomorrow.date_naive().to_string()))];
    assert_eq!(reason_with(&tomorrow), ahead);
}

#[test]
fn rule_11_a_schedule_is_whole_and_its_airports_have_time_zones() {
    let both = "is missing: a schedule has both, CRSDepTime and CRSArrTime";
    assert_eq!(reason_with(&[("CRSArrTime", Value::Null)]), format!("CRSArrTime: {both}"));
    assert_eq!(reason_with(&[("CRSDepTime", Value::Null)]), format!("CRSDepTime: {both}"));
    assert_eq!(reason_with(&[("Dest", Value::Null)]), "Dest: is missing: a schedule needs its time zone");
    let none = [("CRSDepTime", Value::Null), ("CRSArrTime", Value::Null)];
    assert_eq!(event(&none), Event { schedule: None, ..departed() });
    for field in ["Origin", "Dest"] {
        let unknown = (field, json!("QQQ"));
        let reason = format!("{field}: is an airport whose time zone is not known: leave out the schedule");
        assert_eq!(reason_with(std::slice::from_ref(&unknown)), reason);
        assert_eq!(event(&[&none[..], &[unknown]].concat()).schedule, None);
    }
    // 24 hours and 20 minutes instead of 20 minutes.
    let to_boston =
        |elapsed: Value| event(&[("Dest", json!("BOS")), ("CRSArrTime", json!(1805)), ("CRSElapsedTime", elapsed)]);
    let arrives = |elapsed| to_boston(elapsed).schedule.unwrap().arrives;
    assert_eq!(arrives(json!(1460)), minutes("2013-12-26T23:05:00Z"));
    for elapsed in [json!(20), Value::Null] {
        assert_eq!(arrives(elapsed), minutes("2013-12-25T23:05:00Z"));
    }
    for wrong in [-1, 1471] {
        let limits = "CRSElapsedTime: must be 0 to 1470 minutes";
        assert_eq!(reason_with(&[("CRSElapsedTime", json!(wrong))]), limits);
    }
    // The night on which the clocks go back has 25 hours.
    let autumn = [
        ("At", json!("2013-11-03T04:00:00Z")),
        ("FlightDate", json!("2013-11-02")),
        ("Dest", json!("BOS")),
        ("CRSDepTime", json!(2330)),
        ("CRSArrTime", json!(2330)),
        ("CRSElapsedTime", Value::Null),
    ];
    let reason = "CRSArrTime: is a day or more after CRSDepTime: give CRSElapsedTime, too";
    assert_eq!(reason_with(&autumn), reason);
}

#[test]
fn rule_12_an_event_is_known_about_the_time_of_the_departure() {
    let refused = "At: must be at most 8 days before the scheduled departure and at most 4 after it";
    for (at, is_read) in [
        ("2013-12-17T22:45:00Z", true),
        ("2013-12-17T22:44:59.999Z", false),
        ("2013-12-29T22:45:00Z", true),
        ("2013-12-29T22:45:00.001Z", false),
    ] {
        let decoded = decode(with(&[("At", json!(at))]).as_bytes());
        assert_eq!(decoded.err().map(|malformed| malformed.reason), (!is_read).then(|| refused.to_owned()), "{at}");
    }
    let refused = "At: must be at most 8 days before the day of FlightDate and at most 4 after it";
    for (at, is_read) in [
        ("2013-12-16T10:00:00Z", true),
        ("2013-12-16T09:59:59Z", false),
        ("2013-12-30T12:00:00Z", true),
        ("2013-12-30T12:00:01Z", false),
    ] {
        let message = with(&[("At", json!(at)), ("CRSDepTime", Value::Null), ("CRSArrTime", Value::Null)]);
        let decoded = decode(message.as_bytes());
        assert_eq!(decoded.err().map(|malformed| malformed.reason), (!is_read).then(|| refused.to_owned()), "{at}");
    }
    // A withdrawal is held to its schedule, too.
    let late = [("Event", json!("withdrawn")), ("At", json!("2013-12-30T00:00:00Z"))];
    assert!(reason_with(&late).contains("scheduled departure"));
}

#[test]
fn rule_13_a_placeholder_is_no_aeroplane() {
    for placeholder in [json!(""), json!(0), json!("0"), json!("000000"), json!("unknow"), json!("UNKNOWN")] {
        let event = event(&[("TailNum", placeholder.clone())]);
        assert_eq!(event, Event { tail: None, ..departed() }, "{placeholder}");
    }
    assert_eq!(event(&[("TailNum", json!("N0"))]).tail, Some(code("N0")));
    assert_eq!(reason_with(&[("TailNum", json!(804))]), "TailNum: must be a string, not a number");
}

#[test]
fn rule_14_the_destination_is_another_airport() {
    assert_eq!(reason_with(&[("Dest", json!("jfk"))]), "Dest: must differ from Origin");
}

const AIRPORTS: [&str; 7] = ["JFK", "SFO", "ORD", "PHX", "HNL", "GUM", "SJU"];

prop_compose! {
    fn message()(
        (kind, withdraws) in (0..6usize, prop::option::of(0..5usize)),
        number in 0..=99_999u32, carrier in "[A-Z0-9]{2,7}", days in 5i64..14_000,
        (origin, dest) in (0..7usize, prop::option::of(0..6usize)),
        tail in prop::option::of("[A-Za-z0-9]{1,7}"),
        schedule in prop::option::of((0..1440u16, 0..1440u16)), elapsed_min in 0..=ELAPSED_MINUTES_MAX,
        delay in -1440..=4320i16, at in -6 * 86_400_000..2 * 86_400_000i64,
    ) -> EventMessage {
        let kind = EventKind::ALL[kind];
        let date = NaiveDate::from_ymd_opt(1987, 1, 1).unwrap() + chrono::Duration::days(days);
        let leg = LegId { carrier: code(&carrier), number, origin: code(AIRPORTS[origin]), date };
        let at = date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() + at;
        EventMessage {
            dest: dest.map(|other| code(AIRPORTS[(origin + 1 + other) % 7])),
            tail: tail.map(|tail| code(&tail)),
            schedule: schedule.filter(|_| dest.is_some()).map(|(dep_min, arr_min)| Schedule { dep_min, arr_min }),
            elapsed_min: Some(elapsed_min),
            delay: matches!(kind, EventKind::Departed | EventKind::Arrived).then_some(delay),
            withdraws: withdraws.filter(|_| kind == EventKind::Withdrawn).map(|kind| EventKind::ALL[kind]),
            ..EventMessage::new(kind, at, leg)
        }
    }
}

proptest! {
    #[test]
    fn encoded_messages_are_decoded(message in message()) {
        let encoded = encode(&message);
        prop_assert!(!encoded.contains('\n'));
        let decoded = decode(encoded.as_bytes()).map_err(|malformed| malformed.reason);
        prop_assert!(decoded.is_ok(), "{:?}: {}", decoded, encoded);
        prop_assert_eq!(decoded, message.resolve().map_err(|invalid| invalid.to_string()));
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(at in 0..DEPARTED.len(), byte: u8, cut in 0..DEPARTED.len()) {
        let mut bytes = DEPARTED.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = decode(&bytes);
        prop_assert!(decode(&DEPARTED.as_bytes()[..cut]).is_err());
    }
}

#[test]
fn limits_hold_for_messages_that_are_made() {
    let leg = jfk_15();
    let at = departed().at;
    let field = |message: EventMessage| message.resolve().unwrap_err().field;
    let scheduled = EventMessage::new(EventKind::Scheduled, at, leg);
    assert_eq!(field(EventMessage { number: 100_000, ..scheduled.clone() }), "FlightNum");
    assert_eq!(field(EventMessage { delay: Some(1), ..scheduled.clone() }), "Event");
    assert_eq!(field(EventMessage { elapsed_min: Some(1471), ..scheduled.clone() }), "CRSElapsedTime");
    let departed = EventMessage::new(EventKind::Departed, at, leg);
    assert_eq!(field(EventMessage { delay: Some(4321), ..departed.clone() }), "DepDelay");
    for at in [Millis::MIN, Millis::MAX] {
        assert_eq!(field(EventMessage { at, ..scheduled.clone() }), "At");
        assert!(encode(&EventMessage { at, ..scheduled.clone() }).contains("1970-01-01"));
    }
    for date in [NaiveDate::MIN, NaiveDate::MAX] {
        assert_eq!(field(EventMessage { date, ..scheduled.clone() }), "FlightDate");
    }
    let no_time = Some(Schedule { dep_min: 1440, arr_min: 0 });
    assert_eq!(field(EventMessage { schedule: no_time, dest: Some(code("SFO")), ..scheduled }), "CRSDepTime");
}

fn flight(status: FlightStatus) -> Flight {
    let LegId { carrier, origin, date, .. } = jfk_15();
    Flight {
        flight_num: Some(15),
        tail_num: Some(code("N804JB")),
        crs_dep_min: Some(17 * 60 + 45),
        crs_arr_min: Some(21 * 60 + 25),
        crs_elapsed_min: Some(400.0),
        dep_delay: Some(41.0),
        arr_delay: (status == FlightStatus::Flown).then_some(-9.6),
        status,
        ..Flight::unknown(date, carrier, origin, code("SFO"))
    }
}

fn said(flight: &Flight) -> Vec<String> {
    events_of(flight).iter().map(encode).collect()
}

#[test]
fn a_flight_of_the_past_has_the_events_that_a_feed_would_have_sent() {
    let line = |event: &str, at: &str, tail: &str, delay: &str| {
        format!(
            r#"{{"Event":"{event}","At":"{at}","Carrier":"B6","FlightNum":15,"FlightDate":"2013-12-25","Origin":"JFK","Dest":"SFO",{tail}"CRSDepTime":1745,"CRSArrTime":2125,"CRSElapsedTime":400{delay}}}"#
        )
    };
    let tail = r#""TailNum":"N804JB","#;
    let scheduled = line("scheduled", "2013-12-24T10:45:00Z", "", "");
    let departed = line("departed", "2013-12-25T23:26:00Z", tail, r#","DepDelay":41"#);
    let arrived = line("arrived", "2013-12-26T05:15:00Z", tail, r#","ArrDelay":-10"#);
    let cancelled = line("cancelled", "2013-12-25T22:45:00Z", "", "");
    let diverted = line("diverted", "2013-12-26T05:25:00Z", tail, "");
    assert_eq!(said(&flight(FlightStatus::Flown)), [&scheduled, &departed, &arrived].map(String::as_str));
    assert_eq!(said(&flight(FlightStatus::Cancelled)), [&scheduled, &cancelled].map(String::as_str));
    assert_eq!(said(&flight(FlightStatus::Diverted)), [&scheduled, &departed, &diverted].map(String::as_str));
    let unknown = Flight { dep_delay: None, ..flight(FlightStatus::Diverted) };
    assert_eq!(said(&unknown), [&scheduled, &diverted].map(String::as_str));
    let beyond = Flight { arr_delay: Some(5000.0), ..flight(FlightStatus::Flown) };
    assert_eq!(said(&beyond), [&scheduled, &departed].map(String::as_str));
    for nothing in [
        Flight { flight_num: None, ..flight(FlightStatus::Flown) },
        Flight { crs_dep_min: None, ..flight(FlightStatus::Flown) },
        Flight { crs_arr_min: None, ..flight(FlightStatus::Flown) },
        Flight { dest: code("QQQ"), ..flight(FlightStatus::Flown) },
        Flight { dest: code("JFK"), ..flight(FlightStatus::Flown) },
    ] {
        assert!(said(&nothing).is_empty(), "{nothing:?}");
    }
}

#[test]
fn the_events_of_the_bundled_flights_lead_to_how_they_ended() {
    let history = bundled().unwrap();
    let mut with_events = 0;
    for flight in history.flights.iter().step_by(97).chain(&history.unflown) {
        let decoded: Result<Vec<(LegId, Event)>, Malformed> =
            said(flight).iter().map(|message| decode(message.as_bytes())).collect();
        let events: Vec<Event> = decoded.unwrap().into_iter().map(|(_, event)| event).collect();
        if events.is_empty() {
            continue;
        }
        with_events += 1;
        let (timeline, whole) =
            (Timeline::new(events), |delay: Option<f32>| delay.map(|minutes| minutes.round() as i16));
        let state = timeline.as_of(Millis::MAX);
        assert_eq!(state.dest, Some(flight.dest));
        assert_eq!(state.cancelled, flight.status == FlightStatus::Cancelled);
        assert_eq!(state.diverted, flight.status == FlightStatus::Diverted);
        if flight.status == FlightStatus::Flown {
            assert_eq!((state.dep_delay, state.arr_delay), (whole(flight.dep_delay), whole(flight.arr_delay)));
        }
    }
    assert!(with_events > (history.flights.len() / 97 + history.unflown.len()) * 9 / 10, "{with_events}");
}
