//! Tests of `delaycast simulate`.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Process, give_models, run, until};

#[test]
fn each_flight_of_a_day_is_asked_about_and_answered_by_the_events_known_then() {
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let at = dir.path().to_string_lossy();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let up = Process::start(&["up", "--port", "0", "--dir", &at]);
    up.line_after("delaycast is ready: ");
    let day = ["--from", "2013-02-08", "--days-before", "2", "--pause", "2"];
    let how = ["--speed", "0", "--ask", "60", "--run", "r", "--log", &url, "--format", "json"];
    let (status, stdout, stderr) = run(&[&["simulate"], &day[..], &how[..]].concat(), b"");
    assert!(status.success(), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let requests = report["requests"].as_i64().unwrap();
    assert!(requests > 800 && report["events"].as_i64() > Some(4 * requests), "{report}");
    assert_eq!((&report["run"], &report["stopped"]), (&"r".into(), &false.into()));

    let answered = || {
        let database = rusqlite::Connection::open(dir.path().join("delaycast.db")).unwrap();
        database.query_row("SELECT count(*) FROM answers", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    until("all are answered", || answered() == requests);
    let database = rusqlite::Connection::open(dir.path().join("delaycast.db")).unwrap();
    let query = "SELECT document FROM answers WHERE id LIKE 'r-%-JFK-2013-02-08-60'";
    let mut statement = database.prepare(query).unwrap();
    let documents = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let (mut of_jfk, mut knew_the_departure) = (0, 0);
    for document in documents {
        let document: Value = serde_json::from_str(&document.unwrap()).unwrap();
        let time =
            |field: &str| document["Live"][field]["$date"].as_str()?.parse::<chrono::DateTime<chrono::Utc>>().ok();
        of_jfk += 1;
        // A scorer that has not read the event of the schedule answers without.
        let Some((departs, as_of)) = time("Departs").zip(time("AsOf")) else { continue };
        knew_the_departure += 1;
        assert_eq!((departs - as_of).num_minutes(), 60, "{document}");
        assert!(document["ArrDelay"]["P10"].as_i64() <= document["ArrDelay"]["P90"].as_i64(), "{document}");
    }
    assert!(of_jfk > 200 && knew_the_departure > of_jfk / 2, "{knew_the_departure} of {of_jfk}");
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn an_interrupt_ends_it_after_what_was_published() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    // Tests in the background may ignore interrupts, and children inherit that: `env` restores the default.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_delaycast"), "simulate", "--log", &url]);
    command.args(["--from", "2013-02-08", "--days-before", "1", "--pause", "3600"]);
    let mut child = command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It waits in its pause when the events of the day before are there.
    let events = || -> Option<i64> {
        let database = rusqlite::Connection::open(dir.path().join("delaycast.db")).ok()?;
        database.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).ok()
    };
    let mut last = None;
    until("no more events come", || {
        let before = last;
        last = events();
        thread::sleep(Duration::from_millis(500));
        last > Some(1000) && last == before
    });
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    let report: Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    assert_eq!(
        (&report["stopped"], report["events"].as_i64(), &report["requests"]),
        (&true.into(), events(), &0.into())
    );
}

#[test]
fn days_without_flights_and_moments_beyond_the_limits_are_errors_that_say_so() {
    for (arguments, expected) in [
        (&["--from", "2013-02-09", "--to", "2013-02-08"][..], "swap them"),
        (&["--from", "2015-01-01", "--to", "2015-01-02"], "the flights are of 2013-01-01 to 2013-12-31"),
        (&["--from", "2013-02-08", "--ask", "2000"], "minutes from -600 to 1440"),
        (&["--from", "2013-02-08", "--speed=-1"], "0 or more"),
    ] {
        let (status, _, stderr) = run(&[&["simulate"], arguments].concat(), b"");
        assert!(!status.success() && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}
