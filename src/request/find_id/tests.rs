//! The rules of finding an id, at least one test each, and random damage.

use proptest::prelude::*;

use super::*;

fn find(message: impl AsRef<[u8]>) -> Option<String> {
    find_id(message.as_ref()).map(|id| id.to_string())
}

fn found(message: impl AsRef<[u8]>) -> bool {
    find(message).as_deref() == Some("good")
}

#[test]
fn rule_1_only_the_member_of_the_outermost_object_is_found() {
    for message in [
        r#"{"UUID":"good"}"#,
        "{ \"UUID\" :\n\t\"good\" , \"Carrier\": \"AA\"}",
        r#"{"Nested": {"UUID": "bad"}, "List": [{"UUID": "bad"}, "UUID"], "UUID": "good"}"#,
        r#"{"Note": "\"UUID\": \"bad\"", "Carrier": "UUID", "UUID": "good"}"#,
        r#"{"\u0055UID": "goo\u0064"}"#,
        r#"{"UUID": "good""#,
    ] {
        assert!(found(message), "{message}");
    }
    for message in [
        r#"{"Nested": {"UUID": "bad"}}"#,
        r#"{"Note": ", \"UUID\": \"bad\", "}"#,
        r#"{"Note": "UUID", "bad": 1}"#,
        r#"{"uuid": "bad", "UUIDs": "bad"}"#,
        r#"{"UUID": 7}"#,
        r#"{"UUID": null}"#,
        r#"{"UUID": ""}"#,
        r#"{"UUID": "ba"#,
        r#"{"UUID": "ba, "Carrier": "AA"}"#,
        "{\"UUID\": \"ba\nd\"}",
        "{\"UUID\": \"b\u{0}\"}",
        r#"{"UUID": "ba\x64"}"#,
        r#"{"UUID": "ba" d"}"#,
        "",
        "{",
        r#"["UUID", "bad"]"#,
    ] {
        assert_eq!(find(message), None, "{message}");
    }
    assert_eq!(find(format!(r#"{{"UUID": "{}"}}"#, "x".repeat(129))), None);
    assert_eq!(find(b"{\"UUID\": \"\xff\"}"), None);
}

#[test]
fn rule_2_damage_elsewhere_does_not_hide_it() {
    for damage in [
        r#""DepDelay": NaN"#,
        r#""DepDelay": -Infinity"#,
        r#""DepDelay": undefined, "a": None, "b": True"#,
        r#""DepDelay": 1.2.3"#,
        r#""DepDelay":"#,
        r#""DepDelay""#,
        r#""DepDelay": 5,"#,
        r#""DepDelay": 5 "Carrier": "AA" "Origin": "ATL""#,
        r#""Weather": {"Temp": 1,}"#,
        r#""Note": "\x lone \ud800 surrogate""#,
        "\"Note\": \"a\nb\"",
        "// a comment\n\"a\": 1",
        ", ,",
    ] {
        for message in [format!("{{{damage}, \"UUID\": \"good\"}}"), format!("{{\"UUID\": \"good\", {damage}}}")] {
            assert!(found(&message), "{message}");
            assert!(found(&message[..message.len() - 1]), "without the end: {message}");
        }
    }
    assert!(found(b"{\"Name\": \"Z\xfcrich\", \"UUID\": \"good\"}"), "Latin-1");
    assert!(found(r#"{"UUID": "good" "Carrier": "AA"}"#));
    assert!(found(r#"{"UUID": "good", "Weather": {"Temp": [1, "#));
}

#[test]
fn rule_3_of_several_members_none_is_found_unless_they_are_equal() {
    assert!(found(r#"{"UUID": "good", "Carrier": "AA", "UUID": "good"}"#));
    assert!(found("{\"UUID\": \"good\"}\n{\"UUID\": \"good\"}"));
    for message in [
        r#"{"UUID": "a", "UUID": "b"}"#,
        r#"{"UUID": "a", "UUID": ""}"#,
        r#"{"UUID": "a"}{"UUID": "b"}"#,
        r#"[{"UUID": "a"}, {"UUID": "b"}]"#,
    ] {
        assert_eq!(find(message), None, "{message}");
    }
}

#[test]
fn rule_4_the_object_is_found_behind_a_prefix_and_in_a_string() {
    let object = r#"{"Carrier": "AA", "UUID": "good", "Note": "\"é\n"}"#;
    let once = serde_json::to_string(object).unwrap();
    let twice = serde_json::to_string(&once).unwrap();
    for message in [&once, &twice, &format!(" {once}"), &format!("[{object}]"), &format!("[[{object}]]")] {
        assert!(found(message), "{message}");
    }
    assert!(found(&once[..once.len() - 3]), "a truncated string");
    for prefix in [&b"\0\0\0\x4c"[..], b"data: ", b"2026-11-26 [INFO] - ", &[b'x'; PREFIX_BYTES_MAX]] {
        assert!(found([prefix, object.as_bytes()].concat()), "{prefix:?}");
        assert!(found([object.as_bytes(), prefix].concat()), "{prefix:?}");
    }
    assert_eq!(find([&[b'x'; PREFIX_BYTES_MAX + 1], object.as_bytes()].concat()), None);
    for damaged in ["\0\"Nested\": {\"a\": 1, \"UUID\": \"bad\"}}", "'Nested': {'a': 1, 'UUID': 'bad'}}"] {
        assert_eq!(find(damaged), None, "{damaged}: the object's own brace is damaged");
    }
    assert_eq!(find(serde_json::to_string(&twice).unwrap()), None, "three times");
}

#[test]
fn rule_5_a_surplus_or_missing_quote_hides_members_that_can_be_within_a_string() {
    for message in [
        r#"{"UUID": "good", "Carrier": "AA, "Origin": "ATL", "Note": "\"UUID\": \"bad\""}"#,
        r#"{"Carrier": "AA, "Origin": "ATL", "UUID": "good"}"#,
        r#"{"Carrier": AA", "Origin": "ATL", "UUID": "good"}"#,
        r#"{"Note": "he said "no"", "UUID": "good", "Weather": {"Temp": 1}}"#,
    ] {
        assert!(found(message), "{message}");
    }
    for message in [
        r#"{"Carrier": "AA, "Nested": {"UUID": "bad"}}"#,
        r#"{"Carrier": "AA, "Nested": {"a": 1}, "UUID": "bad"}"#,
        r#"{"Carrier": "AA, "Note": ", \"UUID\": \"bad\", "}"#,
        r#"{"Carrier": "AA, "Note": "UUID", "UUID": "good"}"#,
        r#"{"Carrier": "AA, "UUID": "ba, "Origin": "ATL"}"#,
        r#"{"Nested": ""a": 1, "UUID": "bad"}}"#,
    ] {
        assert_eq!(find(message), None, "{message}");
    }
}

#[test]
fn rule_6_a_surplus_brace_hides_members_that_can_be_nested() {
    for message in [r#"{"UUID": "good"}}"#, r#"{"UUID": "good"}]"#, r#"[{"UUID": "good"}]"#] {
        assert!(found(message), "{message}");
    }
    for message in [
        r#"{"Nested": {"a": 1}, "UUID": "bad"}}"#,
        r#"{"Nested": {"a": 1}, "UUID": "bad"}, "UUID": "good"}"#,
        r#"{"Nested": {"a": 1}, "UUID": "bad"}, "Carrier": "AA"}"#,
        r#"{"Nested": "a": 1, "UUID": "bad"}}"#,
        r#"{"Nested": , "a": 1, "UUID": "bad"}}"#,
        r#"{"Nested": "UUID": "bad"}, "UUID": "good"}"#,
        r#"{"Carrier": "AA"} "Nested": {"a": 1, "UUID": "bad"}}"#,
        r#"{"Carrier": "AA", "Nested"}: {"a": 1, "UUID": "bad"}}"#,
        r#"{"Carrier": "AA", "Nested"} {"a": 1, "UUID": "bad"}}"#,
    ] {
        assert_eq!(find(message), None, "{message}");
    }
}

#[test]
fn rule_7_a_dictionary_of_python_is_read() {
    for message in [
        r#"{'DepDelay': 5.0, 'FlightNum': None, 'Note': "it's", 'UUID': 'good'}"#,
        r#"{ 'UUID': "good", 'Nested': {'UUID': 'bad'}, 'Note': 'say "UUID": "bad"'}"#,
    ] {
        assert!(found(message), "{message}");
    }
    for message in [
        r#"{'Note': say, 'UUID': 'bad', ok"}"#,
        r#"{'Note': say, 'UUID': 'bad', "}"#,
        r#"{'UUID': 'bad\x41'}"#,
        r#"{'UUID': 'a', 'UUID': 'b'}"#,
    ] {
        assert_eq!(find(message), None, "{message}");
    }
    assert!(found(r#"{"Note": "it's 'UUID': 'bad', ", "UUID": "good"}"#));
}

#[test]
fn rule_8_a_message_is_scanned_up_to_a_bound_and_in_linear_time() {
    let with = |len: usize| format!("{{\"Note\": \"{}\", \"UUID\": \"good\"}}", "x".repeat(len));
    assert!(found(with(SCAN_BYTES_MAX - 64)));
    assert_eq!(find(with(SCAN_BYTES_MAX)), None);
    // Each of these takes minutes if the rest is scanned again for each part.
    for part in ["{", "[", "\"", "\\\"", "'", "UUID", "\"UUID\"", "\"UUID\":\"a\" ", "\"\\u0055UID\":", "a ", ", "] {
        let _ = find(format!("{{{}", part.repeat(SCAN_BYTES_MAX / part.len())));
    }
}

/// Members of a request, some of which resemble its id.
fn member() -> impl Strategy<Value = String> {
    let members = [
        r#""Carrier": "AA""#,
        r#""DepDelay":5.5"#,
        r#""FlightNum": null"#,
        r#""Note": "a \"UUID\": \"bad\", b""#,
        r#""Note":", \"UUID\":\"bad\",""#,
        r#""Note": "UUID""#,
        r#""Path": "C:\\""#,
        r#""Note": "it's 'UUID': 'bad', ""#,
        r#""Nested": {"a": 1, "UUID": "bad"}"#,
        r#""Nested":{"UUID":"bad","a":{"b":[1,{"UUID":"bad"}]}}"#,
        r#""List": ["UUID", {"UUID": "bad"}, "bad"]"#,
        r#""Weather": {"Temp": 1}"#,
        r#""Braces": "}{][""#,
        r#""Empty": {}"#,
    ];
    prop::sample::select(members.to_vec()).prop_map(str::to_owned)
}

/// An object, and the range of its `UUID` in it, if it has one.
fn object() -> impl Strategy<Value = (String, Option<(usize, usize)>)> {
    let members = || prop::collection::vec(member(), 0..5);
    (members(), members(), any::<bool>(), prop::sample::select(vec![", ", ","])).prop_map(
        |(before, behind, has_id, comma)| {
            let id = r#""UUID": "good""#.to_owned();
            let all: Vec<String> = before.iter().chain(has_id.then_some(&id)).chain(&behind).cloned().collect();
            let start = 1 + before.iter().map(|member| member.len() + comma.len()).sum::<usize>();
            (format!("{{{}}}", all.join(comma)), has_id.then_some((start, start + id.len())))
        },
    )
}

/// A change of bytes.
#[derive(Debug, Clone)]
enum Damage {
    Truncate,
    Delete,
    Replace(u8),
    Insert(u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"{}[],:\"'\\ x5\n".to_vec())];
    prop_oneof![
        Just(Damage::Truncate),
        Just(Damage::Delete),
        byte.clone().prop_map(Damage::Replace),
        byte.prop_map(Damage::Insert)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn a_single_damage_elsewhere_never_yields_a_wrong_id((text, span) in object(), damage in damage(), at in any::<prop::sample::Index>()) {
        let mut bytes = text.into_bytes();
        prop_assert_eq!(find(&bytes), span.map(|_| "good".to_owned()));
        // Anywhere but in the member itself.
        let (start, end) = span.unwrap_or_default();
        let at = at.index(bytes.len() - (end - start));
        let at = if at < start { at } else { at + (end - start) };
        let is_behind = span.is_some_and(|(_, end)| at >= end);
        match damage {
            Damage::Truncate => bytes.truncate(at),
            Damage::Delete => drop(bytes.remove(at)),
            Damage::Replace(byte) => bytes[at] = byte,
            Damage::Insert(byte) => bytes.insert(at, byte),
        }
        let id = find(&bytes);
        prop_assert!(id.is_none() || span.is_some() && id.as_deref() == Some("good"), "{:?}: {}", id, String::from_utf8_lossy(&bytes));
        // Truncation behind the id hides nothing.
        if is_behind && matches!(damage, Damage::Truncate) {
            prop_assert_eq!(id.as_deref(), Some("good"));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(b"{}[],:\"'\\ UUID\xff\n".to_vec()), 0..80)) {
        let _ = find(&bytes);
        let _ = find([b"\"{".as_slice(), &bytes].concat());
    }
}
