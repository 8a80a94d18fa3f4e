//! Tests of the operators' commands on the embedded log: replay, topics, groups, doctor. tests/services has those on
//! services.

use crate::support::{Process, models, request, run, until};
use delaycast::domain::Flights;
use engine::domain::Domain;
use serde_json::Value;

/// A folder with an embedded log and store.
struct Fixture {
    dir: tempfile::TempDir,
    url: String,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
        Fixture { dir, url }
    }

    fn send(&self, lines: &str) {
        let (status, _, stderr) = run(&["send", "-", "--log", &self.url], lines.as_bytes());
        assert!(status.success(), "{stderr}");
    }

    fn score(&self) -> Process {
        let models = models().to_string_lossy();
        Process::start(&["score", "--log", &self.url, "--store", &self.url, "--models", &models])
    }

    fn replay(&self, more: &[&str]) -> Value {
        let (status, stdout, stderr) = run(&[&["replay", "--log", &self.url, "--format", "json"], more].concat(), b"");
        assert!(status.success(), "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    fn dead(&self) -> u64 {
        let all = self.replay(&["--dry-run", "--since", "1h"]);
        all["sent"].as_u64().unwrap() + all["kept"].as_u64().unwrap()
    }
}

#[test]
fn a_dead_letter_is_replayed_three_times_and_then_stays() {
    let fixture = Fixture::new();
    fixture.send(&format!(
        "{}\nnot a request\n{}\n",
        request("fine", 5.0),
        request("no carrier", 5.0).replace("AA", "")
    ));
    let scorer = fixture.score();
    until("both are dead", || fixture.dead() == 2);
    assert_eq!(fixture.replay(&["--dry-run"])["sent"], 2);
    let carrier = fixture.replay(&["--dry-run", "--reason", "Carrier"]);
    assert_eq!((&carrier["sent"], &carrier["passed_over"]), (&Value::from(1), &Value::from(1)));

    for attempt in 1..=3 {
        assert_eq!(fixture.replay(&[])["sent"], 2, "attempt {attempt}");
        until("they have died again", || fixture.dead() == 2 + 2 * attempt);
    }
    let last = fixture.replay(&[]);
    assert_eq!((&last["sent"], &last["kept"]), (&Value::from(0), &Value::from(2)));
    let reasons: Vec<&Value> = last["reasons"].as_object().unwrap().values().collect();
    assert!(reasons.len() == 2 && reasons.iter().all(|tally| tally["kept_tried"] == 1), "{last}");
    // The next run finds nothing new.
    let again = fixture.replay(&[]);
    assert_eq!((&again["sent"], &again["kept"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(scorer.terminate(), Some(0));

    let (status, stdout, _) = run(&["replay", "--log", &fixture.url, "--since", "1h", "--dry-run"], b"");
    assert!(status.success() && stdout.starts_with("6 would be sent back, 2 kept"), "{stdout}");
}

#[test]
fn a_dead_letter_is_answered_by_a_replay_after_its_cause_is_removed() {
    let fixture = Fixture::new();
    // A trigger that refuses one id simulates a validation rule of the store that is later removed.
    let path = fixture.url.strip_prefix("sqlite:").unwrap();
    fixture.send(&request("unwelcome", 5.0));
    let database = rusqlite::Connection::open(path).unwrap();
    let rule = "CREATE TRIGGER rule BEFORE INSERT ON answers WHEN new.id = 'unwelcome'
                BEGIN SELECT raise(ABORT, 'not this one'); END";
    database.execute_batch(rule).unwrap();
    let scorer = fixture.score();
    until("it is dead", || fixture.dead() == 1);
    database.execute_batch("DROP TRIGGER rule").unwrap();
    assert_eq!(fixture.replay(&["--reason", "not this one"])["sent"], 1);
    let answered = || database.query_row("SELECT count(*) FROM answers", [], |row| row.get::<_, i64>(0)).unwrap();
    until("it is answered", || answered() == 1);
    assert_eq!((fixture.dead(), scorer.terminate()), (1, Some(0)));
}

#[test]
fn topics_are_created_once_and_printed() {
    let fixture = Fixture::new();
    let url = format!("{}?partitions=6", fixture.url);
    let kept = Flights::EVENTS.unwrap().retention;
    for made in [true, false] {
        let (status, stdout, stderr) = run(&["topics", "create", "--log", &url, "--format", "json"], b"");
        assert!(status.success(), "{stderr}");
        let topics: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&topics[0]["partitions"], &topics[0]["made"]), (&Value::from(6), &Value::from(made)));
        assert_eq!(topics[1]["name"], "flight_delay_classification_request.dlq");
        assert_eq!((&topics[2]["partitions"], &topics[2]["made"]), (&Value::from(6), &Value::from(made)));
        assert_eq!((&topics[2]["name"], &topics[3]["name"]), (&"flight_events".into(), &"flight_events.dlq".into()));
        assert_eq!((&topics[2]["retention_s"], topics[4].is_null()), (&Value::from(kept.as_secs()), true));
    }
    let (status, stdout, _) = run(&["topics", "create", "--log", &url, "--retention", "1d"], b"");
    assert!(status.success(), "{stdout}");
    // Events are kept for as long as they are needed.
    assert_eq!(stdout.matches("not as asked for").count(), 1, "{stdout}");
    assert!(stdout.lines().nth(1).unwrap().contains("not as asked for"), "{stdout}");
}

#[test]
fn the_topic_of_events_may_be_elsewhere_or_left_out() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    let names = |events: &[&str]| -> Vec<String> {
        let arguments = [&["topics", "create", "--log", &fixture.url, "--format", "json"], events].concat();
        let (status, stdout, stderr) = run(&arguments, b"");
        assert!(status.success(), "{stderr}");
        let topics: Value = serde_json::from_str(&stdout).unwrap();
        topics.as_array().unwrap().iter().map(|topic| topic["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["--events", "none"]).len(), 2);
    let events = format!("{}?topic=e", other.url);
    assert_eq!(names(&["--events", &events])[2..], ["e", "e.dlq"]);
    let (status, stdout, _) = run(&["topics", "create", "--log", &fixture.url, "--format", "json"], b"");
    assert!(status.success() && stdout.contains(r#"{"name":"flight_events","made":true"#), "{stdout}");
    // A log of requests in the topic of events has no other beside it.
    let (url, dir) = (format!("{}?topic=flight_events", fixture.url), other.dir.path().to_string_lossy());
    for command in [&["topics", "create", "--log", &url][..], &["up", "--port", "0", "--dir", &dir, "--log", &url]] {
        let (status, _, stderr) = run(command, b"");
        assert!(!status.success() && stderr.contains("name one with --events"), "{stderr}");
    }
}

#[test]
fn the_doctor_reports_each_finding_with_advice() {
    let fixture = Fixture::new();
    let models = models().to_string_lossy();
    let doctor = |log: &str, store: &str, models: &str| {
        let arguments = ["doctor", "--log", log, "--store", store, "--models", models, "--format", "json"];
        let (status, stdout, stderr) = run(&arguments, b"");
        let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
        (status.code(), report)
    };
    fixture.send("not a request\n");
    let scorer = fixture.score();
    until("it is dead", || fixture.dead() == 1);
    assert_eq!(scorer.terminate(), Some(0));
    let (code, report) = doctor(&fixture.url, &fixture.url, &models);
    assert_eq!((code, &report["state"]), (Some(0), &Value::from("notice")), "{report}");
    let of = |what: &str| report["findings"].as_array().unwrap().iter().find(|it| it["what"] == what).unwrap();
    assert!(of("dead letters")["advice"].as_str().unwrap().contains("delaycast replay"));
    assert_eq!((&of("lag")["state"], &of("model")["state"]), (&Value::from("well"), &Value::from("well")));

    let lag = of("lag")["found"].as_str().unwrap();
    assert!(!lag.contains("scorer"), "{lag}");
    // A running scorer is reported.
    let scorer = fixture.score();
    let lag_while_read = || {
        let (_, report) = doctor(&fixture.url, &fixture.url, &models);
        let findings = report["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|it| it["what"] == "lag").unwrap()["found"].as_str().unwrap().to_owned()
    };
    until("the scorer is seen", || lag_while_read().contains("a scorer reads for it"));
    // A killed scorer is not reported.
    scorer.kill();
    assert!(!lag_while_read().contains("reads for it"));
    fixture.send("not a request, either\n");
    assert!(lag_while_read().contains("no scorer reads for it"));

    // The log of events is examined if it is given.
    let events_at = format!("{}?topic=flight_events", fixture.url);
    let examined = |events: &str| {
        let arguments = ["doctor", "--log", &fixture.url, "--store", &fixture.url, "--models", &models];
        let (_, stdout, stderr) = run(&[&arguments[..], &["--events", events, "--format", "json"]].concat(), b"");
        let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
        let findings = report["findings"].as_array().unwrap().clone();
        let of_events = |it: &&Value| it["what"].as_str().unwrap().contains("events");
        findings.iter().filter(of_events).map(Value::to_string).collect::<Vec<_>>()
    };
    assert_eq!(examined("none"), [""; 0]);
    assert!(examined(&events_at).concat().contains("has no topic flight_events"));
    assert!(run(&["events", "send", "-", "--events", &fixture.url], b"{}\n").0.success());
    let found = examined(&events_at);
    let [log, topic, lag] = &found[..] else { panic!("{found:?}") };
    assert!(log.contains("keeps 1 messages") && topic.contains("flight_events has 4 partitions"), "{found:?}");
    assert!(lag.contains("events lag"), "{found:?}");
    assert!(examined("nothing").concat().contains("broken"));

    let (code, report) = doctor("kafka://127.0.0.1:1", "mongodb://127.0.0.1:1", "/nowhere");
    assert_eq!(code, Some(1));
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{report}");
    for finding in findings {
        assert!(finding["state"] == "broken" && finding["advice"].is_string(), "{finding}");
    }
}

#[test]
fn commands_that_only_read_create_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("var/delaycast.db");
    let (url, models) = (format!("sqlite:{}", at.display()), models().to_string_lossy());
    let commands: [&[&str]; 6] = [
        &["doctor", "--log", &url, "--store", &url, "--models", &models],
        &["replay", "--dry-run", "--log", &url],
        &["replay", "--log", &url],
        &["models", "shadow", "--report", "--store", &url],
        &["groups", "list", "--log", &url],
        &["groups", "remove", "x", "--log", &url],
    ];
    for folder_is_there in [false, true] {
        for command in commands {
            let (status, stdout, stderr) = run(command, b"");
            assert!(!status.success(), "{command:?}");
            assert!(format!("{stdout}{stderr}").contains("delaycast up"), "{command:?}: {stdout}{stderr}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), usize::from(folder_is_there), "{command:?}");
        }
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    }
    assert_eq!(std::fs::read_dir(at.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn groups_are_listed_and_removed() {
    let fixture = Fixture::new();
    fixture.send(&format!("{}\n", request("one", 5.0)));
    let list = |more: &[&str]| -> Value {
        let (status, stdout, stderr) =
            run(&[&["groups", "list", "--log", &fixture.url, "--format", "json"], more].concat(), b"");
        assert!(status.success(), "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    };
    assert_eq!(list(&[]), Value::Array(vec![]));
    let scorer = fixture.score();
    until("it has committed", || list(&[])[0]["to_go"] == 0);
    let group = &list(&[])[0];
    assert_eq!((&group["group"], &group["is_read"]), (&Value::from("delaycast"), &Value::from(true)));
    let remove = |more: &[&str]| run(&[&["groups", "remove", "delaycast", "--log", &fixture.url], more].concat(), b"");
    let (status, _, stderr) = remove(&[]);
    assert!(!status.success() && stderr.contains("--force"), "{stderr}");
    assert_eq!(scorer.terminate(), Some(0));
    let (status, stdout, stderr) = remove(&["--format", "json"]);
    assert!(status.success() && stdout.contains("\"removed\""), "{stdout}{stderr}");
    assert!(!remove(&[]).0.success());
    assert_eq!(list(&[]), Value::Array(vec![]));
    let (status, stdout, _) = run(&["groups", "list", "--log", &fixture.url], b"");
    assert!(status.success() && stdout.contains("no group"), "{stdout}");
    let (status, _, stderr) = run(&["groups", "list", "--log", "kafka://127.0.0.1:1/t"], b"");
    assert!(!status.success() && stderr.contains("kafka-consumer-groups.sh"), "{stderr}");
}
