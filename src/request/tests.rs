//! The decoding rules, one test each, and the round trip.

use chrono::NaiveDate;
use engine::request::{MalformedKind, RequestId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::flight::{Code, DISTANCE_MILES_MAX, Observation, Schedule, Weather};

/// The example of the wire contract, as the old front end sends it.
const OLD_FRONT_END: &str = r#"{"DepDelay": 5.0, "Carrier": "AA", "FlightDate": "2016-12-25", "Dest": "SFO", "FlightNum": null, "Origin": "ATL", "Distance": 2139.0, "DayOfYear": 360, "DayOfMonth": 25, "DayOfWeek": 6, "Timestamp": "2026-11-23T13:41:32.246003", "UUID": "6c03d09c-8355-448a-b07b-54e8d00ad05d"}"#;

fn with(field: &str, value: Value) -> String {
    let mut message: Value = serde_json::from_str(OLD_FRONT_END).unwrap();
    message[field] = value;
    message.to_string()
}

fn without(field: &str) -> String {
    let mut message: Value = serde_json::from_str(OLD_FRONT_END).unwrap();
    message.as_object_mut().unwrap().remove(field);
    message.to_string()
}

fn reason(message: impl AsRef<[u8]>) -> String {
    decode(message.as_ref()).unwrap_err().reason
}

#[test]
fn a_message_of_the_old_front_end_is_decoded() {
    let request = decode(OLD_FRONT_END.as_bytes()).unwrap();
    assert_eq!(request.id.as_str(), "6c03d09c-8355-448a-b07b-54e8d00ad05d");
    assert_eq!((request.carrier.as_str(), request.origin.as_str(), request.dest.as_str()), ("AA", "ATL", "SFO"));
    assert_eq!(request.date.to_string(), "2016-12-25");
    assert_eq!((request.dep_delay, request.distance, request.flight_num), (Some(5.0), Some(2139.0), None));
    assert_eq!(request.asked_at.unwrap().to_string(), "2026-11-23 13:41:32.246003");
}

#[test]
fn rule_1_one_json_object_in_utf8_and_nothing_else() {
    assert_eq!(reason(""), "the message is empty");
    for (message, found) in [
        ("[]", "an array"),
        ("7", "a number"),
        ("\"secret\"", "a string"),
        ("  ", "blanks"),
        ("secret", "other text"),
        ("id=7 {}", "something before it"),
    ] {
        assert!(reason(message).starts_with(&format!("expected a JSON object, not {found}")), "{}", reason(message));
    }
    assert!(reason(format!("{OLD_FRONT_END} {{}}")).contains("trailing characters"));
    assert!(reason(&OLD_FRONT_END[..100]).contains("EOF"));
    assert!(reason(b"{\"UUID\":\"\xff\"}").contains("not UTF-8 at byte 9"));
    assert!(reason(vec![b' '; MESSAGE_BYTES_MAX + 1]).contains("65537 bytes, more than 65536"));
    let marked = format!("\u{feff}{OLD_FRONT_END}");
    assert_eq!(decode(marked.as_bytes()), decode(OLD_FRONT_END.as_bytes()));
    assert_eq!(reason("\u{feff}"), "the message is empty");
}

#[test]
fn rule_2_unknown_fields_are_ignored_but_not_when_they_nest_too_deep() {
    assert!(decode(with("Prediction", json!({"any": [1, "thing", null]})).as_bytes()).is_ok());
    assert!(decode(with("Carrier_index", json!(3)).as_bytes()).is_ok());
    for field in ["Unknown", "FlightNum"] {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let message = OLD_FRONT_END.replace(r#""FlightNum": null"#, &format!(r#""{field}": {deep}"#));
        assert!(reason(message).contains("recursion limit"), "{field}");
    }
    let huge = OLD_FRONT_END.replace(r#""FlightNum": null"#, r#""Unknown": 1e999"#);
    assert!(reason(huge).contains("number out of range"));
}

#[test]
fn rule_3_a_known_field_appears_once() {
    let twice = OLD_FRONT_END.replacen('{', r#"{"Carrier": "UA", "#, 1);
    assert!(reason(twice).contains("Carrier: stands twice"));
    let after_null = OLD_FRONT_END.replacen('{', r#"{"Distance": null, "#, 1);
    assert!(reason(after_null).contains("Distance: stands twice"));
    let unknown_twice = OLD_FRONT_END.replacen('{', r#"{"x": 1, "x": 2, "#, 1);
    assert!(decode(unknown_twice.as_bytes()).is_ok());
}

#[test]
fn rule_4_null_is_absent() {
    for field in ["DepDelay", "Distance", "FlightNum", "Timestamp", "Weather"] {
        let null = decode(with(field, Value::Null).as_bytes()).unwrap();
        assert_eq!(null, decode(without(field).as_bytes()).unwrap(), "{field}");
    }
    for field in ["UUID", "Carrier", "Origin", "Dest", "FlightDate"] {
        assert_eq!(reason(with(field, Value::Null)), format!("{field}: is missing"));
        assert_eq!(reason(without(field)), format!("{field}: is missing"));
    }
}

#[test]
fn rule_4_a_nan_is_absent_and_an_infinite_number_is_out_of_range() {
    let bare = |field: &str, value: &str| with(field, json!("HERE")).replace("\"HERE\"", value);
    for field in ["DepDelay", "Distance", "FlightNum", "Timestamp", "Weather", "CRSDepTime", "Unknown"] {
        for nan in ["NaN", "nan", "-NaN"] {
            let absent = decode(without(field).as_bytes()).unwrap();
            assert_eq!(decode(bare(field, nan).as_bytes()), Ok(absent), "{field}: {nan}");
        }
    }
    for field in ["DepDelay", "Distance", "CRSDepTime"] {
        assert_eq!(decode(with(field, json!("NaN")).as_bytes()), decode(without(field).as_bytes()), "{field}");
    }
    assert_eq!(reason(bare("Carrier", "NaN")), "Carrier: is missing");
    for (field, infinity, expected) in [
        ("DepDelay", "Infinity", "DepDelay: must be -1440 to 4320 minutes"),
        ("DepDelay", "-Infinity", "DepDelay: must be -1440 to 4320 minutes"),
        ("DepDelay", "\"Infinity\"", "DepDelay: must be a number, not a string"),
        ("Distance", "inf", "Distance: must be above 0 and at most 12450 miles"),
        ("Weather", r#"{"Temp": -Infinity}"#, "Weather.Temp: must be -130 to 140 °F"),
        ("UUID", "Infinity", "UUID: must be a string, not a number"),
    ] {
        assert_eq!(reason(bare(field, infinity)), expected);
    }
    // The error has no place: it would be one in the text with replacements.
    let broken = bare("DepDelay", "NaN").replace("\"AA\"", "oops");
    assert_eq!(reason(broken), "Carrier: expected value");
    for unknown in ["Infinity", r#"{"a": [NaN, -inf]}"#] {
        assert!(decode(bare("Unknown", unknown).as_bytes()).is_ok(), "{unknown}");
    }
}

#[test]
fn rule_5_days_are_derived_from_the_date() {
    let honest = decode(OLD_FRONT_END.as_bytes()).unwrap();
    for value in [json!(99), json!("x"), Value::Null] {
        assert_eq!(decode(with("DayOfWeek", value).as_bytes()).unwrap(), honest);
    }
    let sent: Value = serde_json::from_str(&encode(&honest)).unwrap();
    assert_eq!((&sent["DayOfWeek"], &sent["DayOfYear"], &sent["DayOfMonth"]), (&json!(7), &json!(360), &json!(25)));
}

#[test]
fn rule_6_the_reason_names_the_field_and_the_id_is_found() {
    let cases = [
        ("DepDelay", json!("five"), "DepDelay: must be a number, not a string"),
        ("DepDelay", json!([5]), "DepDelay: must be a number, not an array"),
        ("DepDelay", json!(1e300), "DepDelay: must be -1440 to 4320 minutes"),
        ("Distance", json!(0), "Distance: must be above 0 and at most 12450 miles"),
        ("Carrier", json!(7), "Carrier: must be a string, not a number"),
        ("Origin", json!("TOOLONGCODE"), "Origin: a code has 1 to 7 printable ASCII characters"),
        ("Dest", json!("ATL"), "Dest: must differ from Origin"),
        ("FlightDate", json!("2015-02-29"), "FlightDate: must be a date of the calendar, as in 2016-12-25"),
        ("FlightDate", json!("1066-10-14"), "FlightDate: the year must be 1987 to 2199"),
        ("FlightNum", json!("12345678901234567"), "FlightNum: must have at most 16 bytes"),
    ];
    for (field, value, expected) in cases {
        let malformed = decode(with(field, value).as_bytes()).unwrap_err();
        assert_eq!(malformed.reason, expected);
        assert_eq!(malformed.id.unwrap().as_str(), "6c03d09c-8355-448a-b07b-54e8d00ad05d");
    }
    let cut_after_uuid = br#"{"UUID": "abc", "Carrier": "A"#;
    assert_eq!(decode(cut_after_uuid).unwrap_err().id.unwrap().as_str(), "abc");
    let long = with("Unknown", json!("x".repeat(MESSAGE_BYTES_MAX)));
    assert_eq!(
        decode(long.as_bytes()).unwrap_err().id.map(|id| id.to_string()).as_deref(),
        Some("6c03d09c-8355-448a-b07b-54e8d00ad05d")
    );
    assert_eq!(decode(br#"{"Carrier": "A"#).unwrap_err().id, None);
    assert_eq!(reason(with("UUID", json!("x".repeat(129)))), "UUID: must have 1 to 128 bytes");
    assert_eq!(decode(with("UUID", json!("x".repeat(129))).as_bytes()).unwrap_err().id, None);
}

#[test]
fn rule_6_the_id_of_a_malformed_request_is_found_and_the_reason_repeats_no_value() {
    let whole = OLD_FRONT_END.replace("\"AA\"", "\"S3CR\"").replacen('{', r#"{"Note": "S3CRET", "#, 1);
    let text = |text: String| text.into_bytes();
    let utf_16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(Vec<u8>, MalformedKind, &str)> = vec![
        (text(whole.replace(": 5.0", ": 1e999")), MalformedKind::NotJson, "DepDelay: number out of range at line 1"),
        (text(whole.replace(": 5.0", ": oops")), MalformedKind::NotJson, "DepDelay: expected value at line 1"),
        (text(whole.replace(": 5.0", r#": "S3CRET"#)), MalformedKind::NotJson, "behind DepDelay: expected `,` or `}`"),
        (text(whole.replace(": 5.0", r#": "S3CRET""#)), MalformedKind::Field("DepDelay"), "DepDelay: must be a number"),
        (text(whole.replace(": 5.0", r#": {"S3CRET": 1}"#)), MalformedKind::Field("DepDelay"), "not an object"),
        (text(whole.replace("\"S3CR\"", "\"S3CRETS3CRET\"")), MalformedKind::Field("Carrier"), ""),
        (text(whole.replace('}', ",}")), MalformedKind::NotJson, "behind UUID: trailing comma"),
        (text(whole.replace('}', "")), MalformedKind::NotJson, "EOF"),
        (text(format!("{whole} S3CRET")), MalformedKind::NotJson, "trailing characters"),
        (text(format!("[{whole}]")), MalformedKind::NotJson, "not an array: send each object as a message"),
        (
            text(serde_json::to_string(&whole).unwrap()),
            MalformedKind::NotJson,
            "not a string: an object that was encoded",
        ),
        (text(format!("S3CRET {whole}")), MalformedKind::NotJson, "not something before it"),
        (text(whole.replace('"', "'")), MalformedKind::NotJson, "in double quotes"),
        (text(whole.replace("\"Origin\"", "\"Carrier\"")), MalformedKind::NotJson, "Carrier: stands twice"),
        (
            whole.replace("S3CR\"", "S3\u{fffd}\"").bytes().filter(|byte| *byte != 0xef).collect(),
            MalformedKind::NotUtf8,
            "Carrier: not UTF-8 at byte",
        ),
        (utf_16, MalformedKind::NotUtf8, "the message is UTF-16 (little endian): send it in UTF-8"),
        ([b"\0\0\0\0\x07", whole.as_bytes()].concat(), MalformedKind::NotJson, "framed for a Schema Registry"),
        (text(whole.replace("S3CRET", &"S3CRET".repeat(20_000))), MalformedKind::TooLong, "more than 65536"),
    ];
    for (bytes, kind, words) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned();
        let Err(malformed) = decode(&bytes) else { panic!("decoded: {shown}") };
        assert_eq!(
            malformed.id.as_ref().map(RequestId::as_str),
            Some("6c03d09c-8355-448a-b07b-54e8d00ad05d"),
            "{shown}"
        );
        assert!(malformed.reason.contains(words), "{}: {shown}", malformed.reason);
        assert!(!malformed.reason.contains("S3"), "{}", malformed.reason);
        assert_eq!(malformed.kind, kind, "{shown}");
    }
    // Binary formats have no id.
    for bytes in [&b"Obj\x01{\"UUID\":\"u\"}"[..], b"\xc3\x01{\"UUID\":\"u\"}", b"\0\0\0\0\x07\x06{\"UUID\":\"u\"}"] {
        let malformed = decode(bytes).unwrap_err();
        assert_eq!((malformed.id, malformed.kind), (None, MalformedKind::NotUtf8), "{}", malformed.reason);
    }
}

#[test]
fn rule_7_a_schedule_has_both_times_as_numbers_or_digits() {
    let with = |dep: Value, arr: Value| {
        let mut message: Value = serde_json::from_str(OLD_FRONT_END).unwrap();
        (message["CRSDepTime"], message["CRSArrTime"]) = (dep, arr);
        decode(message.to_string().as_bytes()).map(|request| request.schedule).map_err(|malformed| malformed.reason)
    };
    let schedule = |dep_min, arr_min| Ok(Some(Schedule { dep_min, arr_min }));
    assert_eq!(with(json!(1745), json!("0005")), schedule(1065, 5));
    assert_eq!(with(json!("5"), json!(2400)), schedule(5, 0));
    assert_eq!(with(json!(59.0), json!(2359)), schedule(59, 1439));
    assert_eq!(with(Value::Null, Value::Null), Ok(None));
    let both = "is missing: a schedule has both, CRSDepTime and CRSArrTime";
    assert_eq!(with(json!(1745), Value::Null), Err(format!("CRSArrTime: {both}")));
    assert_eq!(with(Value::Null, json!("0005")), Err(format!("CRSDepTime: {both}")));
    // As in all texts, surrounding blanks do not count, and an empty one is absent.
    assert_eq!(with(json!(" 1745 "), json!("0005")), schedule(1065, 5));
    assert_eq!(with(json!(1745), json!(" ")), Err(format!("CRSArrTime: {both}")));
    assert_eq!(with(json!(""), json!("")), Ok(None));
    let wrong = Err("CRSArrTime: must be a local time of day as hhmm, as in 1745".to_owned());
    for arr in [json!(1260), json!(-5), json!(17.5), json!(1e300), json!("17:45"), json!("+17"), json!("9".repeat(99))]
    {
        assert_eq!(with(json!(1745), arr.clone()), wrong, "{arr}");
    }
    let kind = Err("CRSDepTime: must be a number or a string, not a boolean".to_owned());
    assert_eq!(with(json!(true), json!(5)), kind);
}

#[test]
fn rule_8_the_weather_is_an_object_of_observations() {
    let with = |weather: &str| {
        let message = OLD_FRONT_END.replacen('{', &format!(r#"{{"Weather": {weather}, "#), 1);
        decode(message.as_bytes()).map(|request| request.weather).map_err(|malformed| malformed.reason)
    };
    let windy = Weather::UNOBSERVED.with(Observation::WindSpeed, 17.5).with(Observation::WindDir, 360.0);
    assert_eq!(with(r#"{"WindSpeed": 17.5, "Temp": null, "WindDir": 360, "Clouds": ["low"]}"#), Ok(Some(windy)));
    for nothing in ["null", "{}", r#"{"Temp": null, "Sun": {"up": true}}"#] {
        assert_eq!(with(nothing), Ok(None), "{nothing}");
    }
    for (weather, reason) in [
        ("7", "Weather: must be an object, not a number"),
        ("[{}]", "Weather: must be an object, not an array"),
        (r#""fine""#, "Weather: must be an object, not a string"),
        (r#"{"Temp": "cold"}"#, "Weather.Temp: must be a number, not a string"),
        (r#"{"Temp": 1e300}"#, "Weather.Temp: must be -130 to 140 °F"),
        (r#"{"Humidity": 101}"#, "Weather.Humidity: must be 0 to 100 %"),
        (r#"{"WindDir": -1}"#, "Weather.WindDir: must be 0 to 360 degrees"),
        (r#"{"WindSpeed": 1048.36}"#, "Weather.WindSpeed: must be 0 to 260 mph"),
        (r#"{"Pressure": 29.92}"#, "Weather.Pressure: must be 850 to 1100 mbar"),
    ] {
        assert_eq!(with(weather), Err(reason.to_owned()));
    }
    for (twice, name) in [
        (r#"{"Temp": 1, "Temp": 2}"#, "Weather.Temp"),
        (r#"{"Temp": null, "Temp": 2}"#, "Weather.Temp"),
        (r#"{}, "Weather": {}"#, "Weather"),
        (r#"null, "Weather": null"#, "Weather"),
    ] {
        assert!(with(twice).unwrap_err().contains(&format!("{name}: stands twice")), "{twice}");
    }
    let deep = format!(r#"{{"Unknown": {}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert!(with(&deep).unwrap_err().contains("recursion limit"));
}

#[test]
fn rule_9_texts_are_read_as_the_page_reads_them() {
    let plain = decode(OLD_FRONT_END.as_bytes()).unwrap();
    for (field, same) in [
        ("Carrier", json!("aa")),
        ("Carrier", json!(" Aa\n")),
        ("Origin", json!("atl ")),
        ("Dest", json!("sfo")),
        ("FlightDate", json!(" 2016-12-25 ")),
        ("DepDelay", json!("5")),
        ("DepDelay", json!(" +5.0 ")),
        ("Distance", json!("2.139e3")),
        ("FlightNum", json!("  ")),
    ] {
        assert_eq!(decode(with(field, same.clone()).as_bytes()), Ok(plain.clone()), "{field}: {same}");
    }
    assert_eq!(decode(with("DepDelay", json!("")).as_bytes()), decode(without("DepDelay").as_bytes()));
    assert_eq!(decode(with("FlightNum", json!(" 12 ")).as_bytes()).unwrap().flight_num.as_deref(), Some("12"));
    for field in ["Carrier", "Origin", "Dest", "FlightDate"] {
        assert_eq!(reason(with(field, json!(" "))), format!("{field}: is missing"));
    }
    assert_eq!(reason(with("UUID", json!(""))), "UUID: must have 1 to 128 bytes");
    for wrong in ["5 min", "0x5", "1,5", "1e999", "inf"] {
        assert_eq!(reason(with("DepDelay", json!(wrong))), "DepDelay: must be a number, not a string", "{wrong}");
    }
    // A UUID is kept as it is.
    assert_eq!(decode(with("UUID", json!(" aB ")).as_bytes()).unwrap().id.as_str(), " aB ");
}

#[test]
fn rule_11_no_answer_depends_on_the_timestamp() {
    let absent = decode(without("Timestamp").as_bytes()).unwrap();
    for unreadable in [
        json!("yesterday"),
        json!(""),
        json!("0000-01-01T00:00:00"),
        json!("11/23/2026 1:41 PM"),
        json!(1_764_000_000_000_i64),
        json!(true),
        json!([2026, 11, 23]),
        json!({"$date": "2026-11-23T13:41:32Z"}),
    ] {
        assert_eq!(decode(with("Timestamp", unreadable.clone()).as_bytes()), Ok(absent.clone()), "{unreadable}");
    }
    for (text, expected) in [
        ("2026-11-23T13:41:32.246003", "2026-11-23 13:41:32.246003"),
        ("2026-11-23 13:41Z", "2026-11-23 13:41:00"),
        ("2026-11-23T13:41:32+0530", "2026-11-23 13:41:32"),
        ("2026-11-23", "2026-11-23 00:00:00"),
    ] {
        let asked_at = decode(with("Timestamp", json!(text)).as_bytes()).unwrap().asked_at;
        assert_eq!(asked_at.map(|at| at.to_string()).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn rule_12_a_moment_has_a_zone() {
    for (text, expected) in [
        ("2026-11-23T13:41:32Z", "2026-11-23 13:41:32 UTC"),
        ("2026-11-23T13:41:32.246+05:30", "2026-11-23 08:11:32.246 UTC"),
        (" 2026-11-23 13:41:32z ", "2026-11-23 13:41:32 UTC"),
    ] {
        let as_of = decode(with("AsOf", json!(text)).as_bytes()).unwrap().as_of;
        assert_eq!(as_of.map(|at| at.to_string()).as_deref(), Some(expected), "{text}");
    }
    for wrong in [json!("2026-11-23T13:41:32"), json!("2026-11-23"), json!("1986-12-31T00:00:00Z"), json!(5), json!([])]
    {
        let malformed = decode(with("AsOf", wrong.clone()).as_bytes()).unwrap_err();
        assert_eq!(malformed.kind, MalformedKind::Field("AsOf"), "{wrong}");
    }
    assert_eq!(decode(with("AsOf", json!(null)).as_bytes()).unwrap().as_of, None);
}

#[test]
fn rule_13_a_request_is_followed_if_it_says_so() {
    for (value, expected) in [
        (json!(true), true),
        (json!("True"), true),
        (json!(" true "), true),
        (json!(false), false),
        (json!("FALSE"), false),
        (json!(null), false),
        (json!(""), false),
    ] {
        assert_eq!(decode(with("Follow", value.clone()).as_bytes()).unwrap().follow, expected, "{value}");
    }
    for wrong in [json!(1), json!("yes"), json!([]), json!({})] {
        let malformed = decode(with("Follow", wrong.clone()).as_bytes()).unwrap_err();
        assert_eq!(malformed.kind, MalformedKind::Field("Follow"), "{wrong}");
        assert!(malformed.reason.starts_with("Follow: must be true or false"), "{}", malformed.reason);
    }
}

#[test]
fn fields_that_the_old_front_end_lacked_are_written_only_if_present() {
    let request = decode(OLD_FRONT_END.as_bytes()).unwrap();
    for field in ["CRSDepTime", "CRSArrTime", "Weather", "AsOf", "Follow"] {
        assert!(!encode(&request).contains(field), "{field}");
    }
    let weather = Weather::UNOBSERVED.with(Observation::Temp, 39.02);
    let schedule = Schedule { dep_min: 1065, arr_min: 5 };
    let sent = encode(&Request { schedule: Some(schedule), weather: Some(weather), ..request });
    assert!(sent.contains(r#""CRSDepTime":1745,"CRSArrTime":5,"Weather":{"Temp":39.02}"#), "{sent}");
}

#[test]
fn rule_10_a_timestamp_for_a_date_never_shifts_the_day() {
    for text in [
        "2016-12-25T23:59:59",
        "2016-12-25T00:30:00+02:00",
        "2016-12-25T23:30:00-08:00",
        "2016-12-25T01:00:00Z",
        "2016-12-25T00:00:00.000+0000",
        "2016-12-25T23:30-08",
        "2016-12-25T18:05Z",
        " 20161225T2330 ",
        "2016-W51-7",
    ] {
        assert_eq!(parse_flight_date(text).unwrap().to_string(), "2016-12-25", "{text}");
    }
    for text in ["2016-12-25Tea", "2016-12-2", "2016-13-01", "+016-12-25", "25/12/2016", "2016-12-25x", "２０１６-１２"]
    {
        assert!(parse_flight_date(text).is_err(), "{text}");
    }
}

#[test]
fn a_number_is_read_to_its_last_bit() {
    // A faster float parser was off by one unit in the last place.
    assert_eq!(
        decode(with("DepDelay", json!(2369.0775299829706)).as_bytes()).unwrap().dep_delay,
        Some(2369.0775299829706)
    );
}

fn code() -> impl Strategy<Value = Code> {
    "[A-Z0-9]{1,7}".prop_map(|text| text.parse().unwrap())
}

fn schedules() -> impl Strategy<Value = Schedule> {
    (0..1440u16, 0..1440u16).prop_map(|(dep_min, arr_min)| Schedule { dep_min, arr_min })
}

/// Weather with at least one observation.
fn weather() -> impl Strategy<Value = Weather> {
    let observation = prop::sample::select(Observation::ALL.to_vec())
        .prop_flat_map(|observation| (Just(observation), observation.limits()));
    let observe = |weather: Weather, (observation, value): (Observation, f32)| weather.with(observation, value);
    prop::collection::vec(observation, 1..12)
        .prop_map(move |observed| observed.into_iter().fold(Weather::UNOBSERVED, observe))
}

prop_compose! {
    fn request()(
        id in "\\PC{1,32}", carrier in code(), origin in code(), dest in code(),
        days in 0i64..70_000, dep_delay in prop::option::of(-1440.0..=4320.0),
        distance in prop::option::of(0.5..=DISTANCE_MILES_MAX), flight_num in prop::option::of("[0-9A-Z]{1,16}"),
        schedule in prop::option::of(schedules()), weather in prop::option::of(weather()),
        asked_at_us in prop::option::of(0i64..4_000_000_000_000_000),
        as_of_ms in prop::option::of(600_000_000_000i64..7_000_000_000_000), follow: bool,
    ) -> Request {
        let first = NaiveDate::from_ymd_opt(1987, 1, 1).unwrap();
        Request {
            id: RequestId::new(id).unwrap(), carrier, origin, dest,
            date: first + chrono::Duration::days(days), dep_delay, distance, flight_num, schedule, weather,
            asked_at: asked_at_us.map(|us| chrono::DateTime::from_timestamp_micros(us).unwrap().naive_utc()),
            as_of: as_of_ms.map(|ms| chrono::DateTime::from_timestamp_millis(ms).unwrap()), follow, known: None,
        }
    }
}

proptest! {
    #[test]
    fn encoded_requests_are_decoded(request in request()) {
        prop_assume!(request.origin != request.dest);
        prop_assert_eq!(decode(encode(&request).as_bytes()), Ok(request));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(at in 0..OLD_FRONT_END.len(), byte in any::<u8>(), cut in 0..OLD_FRONT_END.len()) {
        let mut bytes = OLD_FRONT_END.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = decode(&bytes);
        prop_assert!(decode(&OLD_FRONT_END.as_bytes()[..cut]).is_err());
    }
}
