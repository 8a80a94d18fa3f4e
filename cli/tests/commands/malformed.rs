//! Tests ten thousand malformed messages among ten thousand valid ones.

use std::sync::mpsc;

use delaycast::domain::Flights;
use engine::{
    log::{self, Producer},
    sqlite::Inspector,
    store::{self, Outcome},
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::support::{Process, TOPIC, models, request, seed, until};

/// Creates a malformed message, of a kind by its number, and a text that its reason must have.
fn broken(number: usize, random: &mut ChaCha8Rng) -> (Vec<u8>, &'static str) {
    let id = format!("broken-{number}");
    let good = request(&id, 5.0);
    let with = |field: &str, value: &str| good.replacen('{', &format!("{{\"{field}\": {value}, "), 1).into_bytes();
    let without_delay = good.replace(r#""DepDelay": 5, "#, "");
    let delay = |value: &str| without_delay.replacen('{', &format!("{{\"DepDelay\": {value}, "), 1).into_bytes();
    match number % 18 {
        0 => (good.as_bytes()[..random.random_range(1..good.len())].to_vec(), ""),
        1 => (delay(r#""five""#), "DepDelay: must be a number, not a string"),
        2 => (delay(r#"{"a": [1]}"#), "DepDelay: must be a number, not an object"),
        3 => (with("Deep", &("[".repeat(20_000) + &"]".repeat(20_000))), "recursion limit"),
        4 => (delay("1e300"), "DepDelay: must be -1440 to 4320"),
        5 => (delay("1e999"), "number out of range"),
        6 => ([good.as_bytes(), b"\xff\xfe"].concat(), "not UTF-8"),
        7 => (vec![], "the message is empty"),
        8 => (with("Carrier", r#""UA""#), "Carrier: stands twice"),
        9 => (format!("[{good}]").into_bytes(), "expected a JSON object"),
        10 => (good.replace("2016-12-25", "2015-02-29").into_bytes(), "FlightDate: must be a date"),
        11 => (good.replace(r#""Dest": "SFO""#, r#""Dest": "JFK""#).into_bytes(), "Dest: must differ"),
        12 => (format!("{good}{good}").into_bytes(), "trailing characters"),
        13 => (serde_json::to_vec(&good).expect("a string"), "encoded twice"),
        14 => (good.replace('"', "'").into_bytes(), "double quotes"),
        15 => (good.encode_utf16().flat_map(u16::to_le_bytes).collect(), "UTF-16"),
        16 => ([b"\0\0\0\0\x07", good.as_bytes()].concat(), "Schema Registry"),
        _ => (good.replacen("\"AA\"", "\"AA", 1).into_bytes(), "expected `,` or `}`"),
    }
}

fn publish_all(producer: &dyn Producer, messages: &[Vec<u8>]) {
    let (report, acknowledged) = mpsc::channel();
    // In small batches: long messages fill the producer's queue.
    for chunk in messages.chunks(100) {
        for message in chunk {
            let report = report.clone();
            producer.publish(None, message.clone(), Box::new(move |result| report.send(result).unwrap()));
        }
        for _ in chunk {
            acknowledged.recv_timeout(crate::support::DEADLINE).unwrap().unwrap();
        }
    }
}

#[test]
fn valid_requests_are_answered_and_malformed_ones_kept_with_their_reason() {
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let long = vec![b'x'; 10_000_000];
    let (mut messages, mut reasons) = (vec![], vec![]);
    for number in 0..10_000 {
        messages.push(request(&format!("good-{number}"), f64::from(number % 180) - 60.0).into_bytes());
        // Twenty of ten megabytes.
        let (message, reason) =
            if number % 500 == 7 { (long.clone(), "more than 65536") } else { broken(number as usize, &mut random) };
        messages.push(message);
        reasons.push(reason);
    }
    messages.shuffle(&mut random);

    let models = models().to_string_lossy();
    let mut scorer = Process::start(&["score", "--log", &url, "--store", &url, "--models", &models]);
    publish_all(&*log::open::<Flights>(&url).unwrap().producer().unwrap(), &messages);
    let inspector = Inspector::open(&path).unwrap();
    let committed = || inspector.committed_offsets(TOPIC).unwrap().iter().map(|row| row.next.0).sum::<u64>();
    until("everything is committed", || committed() == messages.len() as u64);
    assert!(scorer.is_running(), "the scorer has ended");
    assert_eq!(scorer.terminate(), Some(0));

    assert_eq!(inspector.answers().unwrap(), 10_000);
    let lookup = store::open::<Flights>(&url).unwrap().lookup().unwrap();
    for number in 0..10_000 {
        let found = lookup.find(&format!("good-{number}")).unwrap();
        assert!(matches!(found, Some(Outcome::Answered(_))), "good-{number}: {found:?}");
    }
    let outcome = lookup.find("broken-1").unwrap();
    assert_eq!(outcome, Some(Outcome::Rejected("DepDelay: must be a number, not a string".into())));
    // The ids of truncated or empty messages are unknown.
    for number in (0..10_000).filter(|number| number % 500 != 7 && !matches!(number % 18, 0 | 7)) {
        let outcome = lookup.find(&format!("broken-{number}")).unwrap();
        assert!(matches!(outcome, Some(Outcome::Rejected(_))), "broken-{number}: {outcome:?}");
    }

    let (mut dead, mut after) = (vec![], 0);
    loop {
        let page = inspector.dead_letters(TOPIC, after, 500).unwrap();
        let Some(last) = page.last() else { break };
        after = last.seq;
        dead.extend(page.into_iter().map(|letter| (letter.reason, letter.length)));
    }
    assert_eq!(dead.len(), 10_000);
    assert!(dead.iter().all(|(reason, _)| !reason.is_empty()));
    assert_eq!(dead.iter().filter(|(_, length)| *length == 10_000_000).count(), 20);
    for wanted in
        ["more than 65536", "recursion limit", "number out of range", "stands twice", "is empty", "trailing", "UTF-16"]
    {
        let expected = reasons.iter().filter(|reason| reason.contains(wanted)).count();
        let found = dead.iter().filter(|(reason, _)| reason.contains(wanted)).count();
        assert_eq!(found, expected, "{wanted}");
    }
}
