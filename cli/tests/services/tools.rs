//! Tests of the operators' commands on services.

use delaycast::domain::Flights;
use engine::domain::Domain;
use serde_json::Value;

use crate::{
    fixture::{ANSWERS, Fixture, REJECTIONS},
    support::{models, request, run, until},
};

fn json(arguments: &[&str]) -> (Option<i32>, Value) {
    let (status, stdout, stderr) = run(&[arguments, &["--format", "json"]].concat(), b"");
    (status.code(), serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}")))
}

#[test]
fn topics_are_created_once_with_their_options() {
    let Some(fixture) = Fixture::new(2) else { return };
    let url = format!("{}-made?partitions=3", fixture.log());
    let events = format!("{}-events?partitions=3", fixture.log());
    let create = ["topics", "create", "--log", &url, "--events", &events, "--replication", "1", "--retention", "36h"];
    for made in [true, false] {
        let mut topics = json(&create).1;
        // The number of partitions is visible only after a moment.
        until("the topics are there", || {
            let known = topics[0]["partitions"] == 3 && topics[2]["partitions"] == 3;
            topics = if known { topics.take() } else { json(&create).1 };
            known
        });
        assert!(!made || topics[0]["made"] == true || topics[1]["made"] == false, "{topics}");
        let found: Vec<_> = ["partitions", "replication", "retention_s"].map(|name| topics[0][name].as_u64()).into();
        assert_eq!(found, [Some(3), Some(1), Some(36 * 3600)]);
        let dead = ["partitions", "retention_s"].map(|name| topics[1][name].as_u64());
        assert_eq!(dead, [Some(1), Some(30 * 24 * 3600)], "dead letters are kept for longer");
        let kept = Flights::EVENTS.unwrap().retention.as_secs();
        assert_eq!(topics[2]["retention_s"].as_u64(), Some(kept), "events are kept for as long as they are needed");
        assert!(topics[2]["name"].as_str().unwrap().ends_with("-events") && topics[4].is_null(), "{topics}");
    }
    fixture.delete("-made");
    fixture.delete("-events");
}

#[test]
fn the_doctor_examines_a_kafka_and_a_mongodb() {
    let Some(fixture) = Fixture::new(2) else { return };
    let (log, models) = (fixture.log(), models().to_string_lossy());
    let doctor = |log: &str| json(&["doctor", "--log", log, "--store", &fixture.store, "--models", &models]);
    let (code, report) = doctor(&format!("{log}-none"));
    assert_eq!((code, &report["state"]), (Some(1), &Value::from("broken")), "{report}");
    assert!(report.to_string().contains("topics create"), "{report}");

    let score = fixture.score(1);
    fixture.publish(&[(Some(0), request("fine", 5.0)), (Some(1), "not a request".to_owned())]);
    fixture.document(ANSWERS, "fine");
    until("all is committed", || fixture.uncommitted() == 0);
    assert_eq!(score.terminate(), Some(0));
    let (code, report) = doctor(&log);
    assert_eq!(code, Some(0), "{report}");
    let states: Vec<_> = report["findings"].as_array().unwrap().iter().map(|it| (&it["what"], &it["state"])).collect();
    for (what, state) in [("log", "well"), ("lag", "well"), ("dead letters", "notice"), ("index", "well")] {
        assert!(states.contains(&(&Value::from(what), &Value::from(state))), "{what}: {report}");
    }
}

#[test]
fn dead_letters_are_replayed_with_an_attempt_number() {
    let Some(fixture) = Fixture::new(1) else { return };
    let score = fixture.score(1);
    let bad = request("told", 5.0).replace("AA", "");
    fixture.publish(&[(None, bad.clone())]);
    fixture.document(REJECTIONS, "told");
    // Committed messages are durable, and so are their dead letters.
    until("all is committed", || fixture.uncommitted() == 0);
    let log = fixture.log();
    let replayed = json(&["replay", "--log", &log]).1;
    assert_eq!(replayed["sent"], 1, "{replayed}");
    let letters = fixture.messages(".dlq", 2);
    until("all is committed", || fixture.uncommitted() == 0);
    let attempt = |number: usize| letters[number].headers.get("delaycast-attempt").map(String::as_str);
    assert_eq!((attempt(0), attempt(1)), (None, Some("1")));
    assert_eq!((letters[1].payload.as_slice(), letters[0].payload.as_slice()), (bad.as_bytes(), bad.as_bytes()));
    let again = json(&["replay", "--log", &log]).1;
    assert_eq!(again["sent"], 1, "the second dead letter is new");
    until("it is a dead letter again", || fixture.messages(".dlq", 3).len() == 3);
    assert_eq!(score.terminate(), Some(0));
}
