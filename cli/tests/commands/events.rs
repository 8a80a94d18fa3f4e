//! Tests of the log of events: `--events`, `delaycast events send`, and scorers whose log of events is away.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    net::TcpListener,
    ops::Range,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use delaycast::live::decode;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    health::{free_address, get, metric, until_ready},
    support::{Process, children, delaycast, give_models, models, request, run, until},
};

/// Messages that are no events.
const BROKEN: &str = "not an event\n{\"a\": 1}\n[]\n";

/// Returns the messages of a topic in an embedded file, each with its partition.
fn messages(path: &Path, topic: &str) -> Vec<(u32, Vec<u8>)> {
    let database = rusqlite::Connection::open(path).unwrap();
    let query = "SELECT partition, body FROM messages JOIN topics ON topics.id = messages.topic WHERE topics.name = ?1";
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([topic], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Returns the events of the flights of a day, by their numbers.
fn events_of(flights: Range<u32>) -> String {
    let of = |kind: &str, at: &str, flight: u32| {
        format!(
            r#"{{"Event":"{kind}","At":"2013-12-25T{at}:00Z","Carrier":"B6","FlightNum":{flight},"FlightDate":"2013-12-25","#
        ) + r#""Origin":"JFK","Dest":"SFO","CRSDepTime":1745,"CRSArrTime":2125,"DepDelay":41}"#
    };
    let both = flights.flat_map(|flight| [of("scheduled", "10:45", flight), of("departed", "23:26", flight)]);
    both.map(|line| line + "\n").collect()
}

#[test]
fn all_events_of_a_leg_go_to_one_partition() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let lines = events_of(0..40);
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &url], lines.as_bytes());
    assert!(status.success() && stderr.contains("80 published in") && !stderr.contains("no events"), "{stderr}");
    let mut of_legs: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    let (mut sent, mut found): (Vec<&str>, Vec<String>) = (lines.lines().collect(), vec![]);
    for (partition, message) in messages(&path, "flight_events") {
        of_legs.entry(decode(&message).unwrap().0).or_default().insert(partition);
        found.push(String::from_utf8(message).unwrap());
    }
    assert!(of_legs.len() == 40 && of_legs.values().all(|partitions| partitions.len() == 1), "{of_legs:?}");
    assert!(of_legs.values().flatten().collect::<BTreeSet<_>>().len() > 1, "{of_legs:?}");
    sent.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, sent);
}

fn outage(dependency: &str) -> String {
    format!("delaycast_outage_seconds{{dependency=\"{dependency}\"}}")
}

#[test]
fn lines_that_are_no_events_are_published_as_they_are_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events.ndjson");
    fs::write(&file, BROKEN).unwrap();
    fs::create_dir(dir.path().join("var")).unwrap();
    // The default is the file of `delaycast up`.
    let output = delaycast(&["events", "send", &file.to_string_lossy()]).current_dir(dir.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.contains("3 published in"), "{stderr}");
    assert!(stderr.contains("3 of them are no events"), "{stderr}");
    let path = dir.path().join("var/delaycast.db");
    let found = messages(&path, "flight_events").into_iter();
    let mut found: Vec<_> = found.map(|(_, message)| String::from_utf8(message).unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["[]", "not an event", "{\"a\": 1}"]);
    // The page's requests are in another topic.
    assert_eq!(messages(&path, "flight_delay_classification_request").len(), 0);
    let url = format!("sqlite:{}?topic=other", dir.path().join("other.db").display());
    let mut command = delaycast(&["events", "send", &file.to_string_lossy()]);
    assert!(command.env("DELAYCAST_EVENTS", &url).status().unwrap().success());
    assert_eq!(messages(&dir.path().join("other.db"), "other").len(), 3);
}

#[test]
fn what_cannot_be_published_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    for (arguments, words) in [
        (["events", "send", "-", "--events", "none"], "--events none names no log"),
        (["events", "send", "-", "--events", "nothing"], "cannot open the log of events"),
        (["events", "send", "/nowhere", "--events", &url], "cannot open /nowhere"),
    ] {
        let (status, _, stderr) = run(&arguments, b"{}\n");
        assert!(!status.success() && stderr.contains(words), "{arguments:?}: {stderr}");
    }
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &url], &vec![b'x'; (16 << 20) + 1]);
    assert!(!status.success() && stderr.contains("line 1 is longer"), "{stderr}");
}

#[test]
fn up_reads_the_events_of_its_file_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let at = dir.path().to_string_lossy();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    // One leg's events are there twice.
    let lines = [BROKEN, &events_of(0..10), &events_of(0..1)].concat();
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &url], lines.as_bytes());
    assert!(status.success() && stderr.contains("3 of them are no events"), "{stderr}");
    let names = ["read", "broken", "kept", "repeated", "expired", "removed"];
    let counted = [25.0, 3.0, 20.0, 2.0, 0.0, 0.0].map(Some);
    for (events, counted) in [(&[][..], counted), (&["--events", "none"], [None; 6])] {
        let health = free_address();
        let up = ["up", "--port", "0", "--dir", &at, "--health", &health];
        let up = Process::start(&[&up[..], events].concat());
        up.line_after("delaycast is ready: ");
        until_ready(&health);
        let metrics = || names.map(|name| metric(&health, &format!("delaycast_events_{name}_total")));
        until("the events are counted", || metrics() == counted);
        assert_eq!(metric(&health, &outage("events")), counted[0].map(|_| 0.0));
        assert_eq!(up.terminate(), Some(0));
    }
    let up = ["up", "--port", "0", "--dir", &at, "--events", "nothing"];
    let (status, _, stderr) = run(&up, b"");
    assert!(!status.success() && stderr.contains("cannot open the log of events"), "{stderr}");
}

/// The dead letters of events are counted on `/ops`, and sent back by page and command, each into the log of events.
#[test]
fn dead_letters_of_events_are_counted_and_sent_back_into_the_log_of_events() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let at = dir.path().to_string_lossy();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &url], BROKEN.as_bytes());
    assert!(status.success(), "{stderr}");
    let up = Process::start(&["up", "--port", "0", "--dir", &at]);
    let base = up.line_after("delaycast is ready: ");
    let page = base.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let counted = || {
        let operations: Value = serde_json::from_str(&get(&page, "/ops.json").unwrap().1).unwrap();
        (operations["dead_letters_of_events"]["total"].as_u64(), operations["dead_letters"]["total"].as_u64())
    };
    until("the dead letters of events are counted", || counted() == (Some(3), Some(0)));
    let html = get(&page, "/ops/dead-letters?log=events").unwrap().1;
    assert_eq!(html.matches("class=\"letter\"").count(), 3, "{html}");
    let (status, stdout, stderr) = run(&["replay", "--events", &url, "--format", "json"], b"");
    assert!(status.success(), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&summary["sent"], &summary["kept"]), (&Value::from(3), &Value::from(0)), "{summary}");
    until("they have died again", || counted() == (Some(6), Some(0)));
    assert_eq!(up.terminate(), Some(0));
}

/// A broker that is away is an outage of the log of events alone, in every place that shows outages.
#[test]
fn a_scorer_answers_while_the_broker_of_events_is_away() {
    if !cfg!(feature = "kafka") {
        println!("skipped: this build has no connector for Kafka");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let (at, health) = (dir.path().to_string_lossy(), free_address());
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let up = ["up", "--port", "0", "--dir", &at, "--health", &health, "--events", "kafka://127.0.0.1:1"];
    let up = Process::start(&up);
    let base = up.line_after("delaycast is ready: ");
    until("the outage shows in the metrics", || metric(&health, &outage("events")).is_some_and(|for_s| for_s > 0.0));
    assert!(run(&["send", "-", "--log", &url], request("one", 5.0).as_bytes()).0.success());
    until("it is answered", || metric(&health, "delaycast_landed_answers_total") == Some(1.0));
    until_ready(&health);
    let page = base.trim_start_matches("http://").trim_end_matches('/');
    let operations: Value = serde_json::from_str(&get(page, "/ops.json").unwrap().1).unwrap();
    let waiting = operations["waiting"].as_array().unwrap();
    assert!(waiting.iter().any(|wait| wait["what"] == "the log of events"), "{operations}");
    assert_eq!(up.terminate(), Some(0));
}

/// A file of events that another process has locked is opened when it is free.
#[test]
fn a_scorer_answers_while_the_file_of_events_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}", dir.path().join(name).display());
    let (url, events, health) = (at("delaycast.db"), at("events.db"), free_address());
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &events], BROKEN.as_bytes());
    assert!(status.success(), "{stderr}");
    let other = rusqlite::Connection::open(dir.path().join("events.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let models = models().to_string_lossy();
    let score =
        ["score", "--log", &url, "--store", &url, "--models", &models, "--health", &health, "--events", &events];
    let scorer = Process::start(&score);
    assert!(run(&["send", "-", "--log", &url], request("one", 5.0).as_bytes()).0.success());
    until("it is answered", || metric(&health, "delaycast_landed_answers_total") == Some(1.0));
    until("the outage shows in the metrics", || metric(&health, &outage("events")).is_some_and(|for_s| for_s > 0.0));
    until_ready(&health);
    other.execute_batch("ROLLBACK").unwrap();
    until("the events are read", || metric(&health, "delaycast_events_read_total") == Some(3.0));
    until("the outage is over", || metric(&health, &outage("events")) == Some(0.0));
    assert_eq!(scorer.terminate(), Some(0));
}

/// With events the dataflow is another one: timely cannot run both in one cluster.
#[test]
fn processes_with_and_without_events_form_no_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let url = format!("sqlite:{}", at("delaycast.db").display());
    fs::write(at("secret"), "sixteen bytes and more").unwrap();
    fs::set_permissions(at("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let listeners = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let hosts: Vec<_> = listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
    drop(listeners);
    let start = |process: &str, events: &str| {
        let (hosts, secret, models) = (hosts.join(","), at("secret"), models().to_string_lossy());
        let (secret, said) = (secret.to_string_lossy(), at(&format!("said-{process}-{}", events.len())));
        let mut command = delaycast(&["score", "--log", &url, "--store", &url, "--models", &models]);
        command.args(["--hosts", &hosts, "--process", process, "--mesh-secret", &secret, "--workers", "1"]);
        // As in pods, by the environment: the child of a supervisor inherits it.
        command.env("DELAYCAST_EVENTS", events);
        (Process::spawn(command.stderr(File::create(&said).unwrap())), said)
    };
    let has = |said: &Path, words: &[&str]| {
        let said = fs::read_to_string(said).unwrap();
        said.lines().any(|line| words.iter().all(|word| line.contains(word)))
    };
    let events = format!("{url}?topic=flight_events");
    let (_with, said) = start("0", &events);
    let (without, said_without) = start("1", "none");
    for said in [&said, &said_without] {
        let words = ["the dataflow differs", "without events", "with the log of events topic flight_events in"];
        until("both name the difference", || has(said, &words));
        assert!(!has(said, &["has formed"]));
    }
    assert_eq!(without.terminate(), Some(0));
    let (_also_with, said_with) = start("1", &events);
    for said in [&said, &said_with] {
        until("the cluster has formed", || has(said, &["has formed"]));
    }
}

/// Messages of two flights with one aeroplane: B6 100 brings it from San Francisco, and B6 15 takes it there again. On
/// the last of nine days B6 100 is on its way, 48 minutes late.
fn rotation() -> Vec<String> {
    let flights = [(100, "SFO", "JFK", 700, 1530, 330), (15, "JFK", "SFO", 1745, 2125, 400)];
    let mut lines = Vec::new();
    for (number, origin, dest, dep, arr, elapsed) in flights {
        for day in 17..=25 {
            let event = |kind: &str, at: NaiveDateTime, more: &str| {
                let at = at.format("%FT%T");
                format!(
                    r#"{{"Event":"{kind}","At":"{at}Z","Carrier":"B6","FlightNum":{number},"FlightDate":"2013-12-{day}","#
                ) + &format!(r#""Origin":"{origin}","Dest":"{dest}","CRSDepTime":{dep},"CRSArrTime":{arr}{more}}}"#)
            };
            let hour = if origin == "SFO" { 15 } else { 22 };
            let departs = NaiveDate::from_ymd_opt(2013, 12, day).unwrap().and_hms_opt(hour, dep % 100, 0).unwrap();
            let later = |minutes: i64| departs + TimeDelta::minutes(minutes);
            lines.push(event("scheduled", later(-36 * 60), &format!(r#","CRSElapsedTime":{elapsed}"#)));
            let today = day == 25;
            let delay = if today { 48 } else { 0 };
            if !today || number == 100 {
                let left = format!(r#","TailNum":"N804JB","DepDelay":{delay}"#);
                lines.push(event("departed", later(delay), &left));
            }
            if !today {
                lines.push(event("arrived", later(elapsed), r#","ArrDelay":0"#));
            }
        }
    }
    lines
}

/// The part `Live` of an answer, asked under a new id as of 14:00 in New York.
fn live(url: &str, id: &str) -> Value {
    let asked = format!(
        r#"{{"UUID":"{id}","Carrier":"B6","Origin":"JFK","Dest":"SFO","FlightDate":"2013-12-25","FlightNum":"15","#
    ) + r#""AsOf":"2013-12-25T14:00:00-05:00"}"#;
    let (status, _, stderr) = run(&["send", "-", "--log", url], asked.as_bytes());
    assert!(status.success(), "{stderr}");
    let mut found = Value::Null;
    until("there is an answer", || {
        let (status, stdout, _) = run(&["answer", id, "--store", url, "--format", "json"], b"");
        found = serde_json::from_str(&stdout).unwrap_or_default();
        status.success()
    });
    found["prediction"]["Live"].clone()
}

#[test]
fn three_processes_tell_where_the_aeroplane_is_whatever_the_order_and_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let at = dir.path().to_string_lossy();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let mut lines = rotation();
    // The newest first, and some twice.
    lines.reverse();
    lines.extend_from_within(..20);
    let up = Process::start(&["up", "--port", "0", "--dir", &at, "--processes", "3", "--workers", "1"]);
    up.line_after("delaycast is ready: ");
    let (status, _, stderr) = run(&["events", "send", "-", "--events", &url], lines.join("\n").as_bytes());
    assert!(status.success() && !stderr.contains("no events"), "{stderr}");

    let at = |time: &str| json!({"$date": format!("2013-12-25T{time}:00Z")});
    let expected = json!({
        "AsOf": at("19:00"), "Departs": at("22:45"), "State": "scheduled",
        "Inbound": {
            "Carrier": "B6", "FlightNum": "100", "Origin": "SFO", "State": "departed", "TailNum": "N804JB",
            "Link": "habit", "LinkTimes": 6,
            "Scheduled": at("20:30"), "Expected": at("21:18"), "Delay": 48, "GroundMinutes": 87,
        },
        "OriginHour": {
            "Departures": 0, "MeanDelay": null, "Late": 0, "Cancelled": 0, "Overdue": 0, "OverdueMinutes": 0,
        },
        "DestHour": {"Arrivals": 0, "MeanDelay": null, "Late": 0},
        "Record": {"Arrivals": 7, "MeanDelay": 0.0, "Late": 0},
    });
    let mut asked = 0;
    let mut until_told = |when: &str| {
        until(when, || {
            asked += 1;
            live(&url, &format!("question-{asked}")) == expected
        });
    };
    until_told("the events are in the state");
    let first = children(up.pid());
    kill_process(first[0], Signal::KILL).unwrap();
    // A question that is asked too early is answered by the state before the kill.
    until("all processes are replaced", || {
        let second = children(up.pid());
        second.len() == first.len() && second.iter().all(|process| !first.contains(process))
    });
    until_told("the state is rebuilt");
    assert_eq!(up.terminate(), Some(0));
}
