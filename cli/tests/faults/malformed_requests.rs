//! Tests of malformed requests: each has an outcome under its id.

use std::{sync::mpsc, time::Duration};

use delaycast::domain::Flights;
use engine::{
    log::{self, DeadLetterReason, DeadLetterSpan, DeadLettersFrom, Producer},
    store::{self, Outcome},
};

use crate::support::{DEADLINE, Process, models, request, until};

/// Returns messages that are answered though they deviate from the contract, with their ids.
fn tolerated() -> Vec<(String, Vec<u8>)> {
    type Change = fn(String) -> Vec<u8>;
    let changes: [(&str, Change); 9] = [
        ("bom", |it| [b"\xef\xbb\xbf", it.as_bytes()].concat()),
        ("nan", |it| it.replace(": 5,", ": NaN,").into_bytes()),
        ("quoted-nan", |it| it.replace(": 5,", ": \"NaN\",").into_bytes()),
        ("quoted-number", |it| it.replace(": 5,", ": \" 5.0\",").into_bytes()),
        ("offset", |it| it.replace("2016-12-25", "2016-12-25T00:00:00.000+0000").into_bytes()),
        ("no-seconds", |it| it.replace("2016-12-25", "2016-12-25T18:05Z").into_bytes()),
        ("lower-case", |it| it.replace("JFK", " jfk ").replace("AA", "aa").into_bytes()),
        ("epoch", |it| it.replace("\"2026-11-23T13:41:32.246003\"", "1764000000000").into_bytes()),
        ("words", |it| it.replace("2026-11-23T13:41:32.246003", "this morning").into_bytes()),
    ];
    changes.map(|(id, change)| (id.to_owned(), change(request(id, 5.0)))).into()
}

/// Returns messages that are rejected, with their ids, the kind and a part of the reason.
fn rejected() -> Vec<(String, Vec<u8>, DeadLetterReason, &'static str)> {
    type Change = fn(String) -> Vec<u8>;
    let not_json = || DeadLetterReason::NotJson;
    let changes: [(&str, Change, DeadLetterReason, &str); 13] = [
        (
            "infinity",
            |it| it.replace(": 5,", ": Infinity,").into_bytes(),
            DeadLetterReason::field("DepDelay"),
            "DepDelay: must be",
        ),
        ("number", |it| it.replace(": 5,", ": 1e999,").into_bytes(), not_json(), "DepDelay: number out of range"),
        ("cut", |it| it.as_bytes()[..it.len() - 9].to_vec(), not_json(), "Timestamp: EOF"),
        ("comma", |it| it.replace('}', ",}").into_bytes(), not_json(), "behind Timestamp: trailing comma"),
        ("quote", |it| it.replace("\"AA\"", "\"AA").into_bytes(), not_json(), "behind Carrier: expected `,` or `}`"),
        ("twice-encoded", |it| serde_json::to_vec(&it).unwrap(), not_json(), "encoded twice"),
        ("array", |it| format!("[{it}]").into_bytes(), not_json(), "not an array"),
        ("python", |it| it.replace('"', "'").into_bytes(), not_json(), "double quotes"),
        ("prefix", |it| format!("data: {it}").into_bytes(), not_json(), "something before it"),
        ("registry", |it| [b"\0\0\0\0\x2a", it.as_bytes()].concat(), not_json(), "Schema Registry"),
        (
            "latin-1",
            |it| [b"{\"Name\": \"Z\xfcrich\", ", &it.as_bytes()[1..]].concat(),
            DeadLetterReason::NotUtf8,
            "not UTF-8",
        ),
        ("utf-16", |it| it.encode_utf16().flat_map(u16::to_le_bytes).collect(), DeadLetterReason::NotUtf8, "UTF-16"),
        (
            "long",
            |it| (it.trim_end_matches('}').to_owned() + &" ".repeat(70_000) + "}").into_bytes(),
            DeadLetterReason::TooLong,
            "more than 65536",
        ),
    ];
    changes.map(|(id, change, kind, words)| (id.to_owned(), change(request(id, 5.0)), kind, words)).into()
}

fn publish(producer: &dyn Producer, message: &[u8]) {
    let (report, landed) = mpsc::channel();
    producer.publish(None, message.to_vec(), Box::new(move |result| report.send(result).unwrap()));
    landed.recv_timeout(DEADLINE).unwrap().unwrap();
}

#[test]
fn malformed_requests_have_an_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let models = models().to_string_lossy();
    let scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &models]);
    let log = log::open::<Flights>(&url).unwrap();
    let producer = log.producer().unwrap();
    let (tolerated, rejected) = (tolerated(), rejected());
    for message in tolerated.iter().map(|(_, message)| message).chain(rejected.iter().map(|(_, message, ..)| message)) {
        publish(&*producer, message);
    }
    let lookup = store::open::<Flights>(&url).unwrap().lookup().unwrap();
    let outcome = |id: &str| {
        until(&format!("{id} has an outcome"), || lookup.find(id).unwrap().is_some());
        lookup.find(id).unwrap()
    };
    for (id, _) in &tolerated {
        let outcome = outcome(id);
        assert!(matches!(outcome, Some(Outcome::Answered(_))), "{id}: {outcome:?}");
    }
    for (id, _, _, words) in &rejected {
        let Some(Outcome::Rejected(reason)) = outcome(id) else { panic!("{id} is answered") };
        assert!(reason.contains(words) && !reason.contains("JFK"), "{id}: {reason}");
    }
    let letters = || {
        let span = DeadLetterSpan { from: DeadLettersFrom::Group("test"), follow: false };
        log.read_dead_letters(span).unwrap().next(100, Duration::ZERO).unwrap()
    };
    until("all dead letters are there", || letters().len() == rejected.len());
    let letters = letters();
    let kinds = |id: &str| letters.iter().find(|it| it.id.as_ref().unwrap().as_str() == id).map(|letter| &letter.kind);
    for (id, _, kind, _) in &rejected {
        assert_eq!(kinds(id), Some(kind), "{id}");
    }
    println!("malformed requests: {} rejected, {} answered, 0 without an outcome", rejected.len(), tolerated.len());
    assert_eq!(scorer.terminate(), Some(0));
}
