//! Tests of `delaycast data fetch` as a process: its output, its exit code, and resuming.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::server::{Reply, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Creates a zip with a line of CSV in it.
fn zip() -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("flights.csv", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"FlightDate\n").unwrap();
    archive.finish().unwrap().into_inner()
}

fn arguments<'a>(url: &'a str, out: &'a str, last: &'a str) -> Vec<&'a str> {
    vec!["data", "fetch", "--from", "2014-12", "--to", last, "--base-url", url, "--out", out, "--format", "json"]
}

fn part(out: &Path) -> PathBuf {
    out.join("On_Time_Reporting_Carrier_On_Time_Performance_1987_present_2014_12.zip.part")
}

#[test]
fn stdout_has_json_alone_and_a_missing_month_fails_the_command() {
    let server = Server::start(|request| {
        if request.path.ends_with("_2015_1.zip") { Reply::new(404, "") } else { Reply::file(request, &zip(), "\"a\"") }
    });
    let dir = tempfile::tempdir().unwrap();
    let (url, out) = (server.url(), dir.path().join("bts").to_string_lossy().into_owned());
    let (status, stdout, stderr) = crate::support::run(&arguments(&url, &out, "2015-02"), b"");
    assert_eq!(status.code(), Some(1), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((summary["fetched"].as_u64(), &summary["unpublished"]), (Some(2), &serde_json::json!(["2015-01"])));
    assert_eq!(summary["files"][1]["state"], "unpublished");
    let error = format!("error: not all months are in {out}: 2015-01 not published there (yet)\n");
    assert!(stderr.contains("2014-12: fetched, ") && stderr.ends_with(&error), "{stderr}");

    let (status, stdout, stderr) = crate::support::run(&arguments(&url, &out, "2014-12"), b"");
    assert!(status.success(), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((summary["present"].as_u64(), summary["bytes_received"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn an_interrupted_fetch_is_resumed_by_the_next_run() {
    let server = Server::start(|request| match request.range_start() {
        None => Reply::file(request, &zip(), "\"a\"").truncate(20).stall(),
        Some(_) => Reply::file(request, &zip(), "\"a\""),
    });
    let dir = tempfile::tempdir().unwrap();
    let (url, out) = (server.url(), dir.path().to_string_lossy().into_owned());
    let mut command = crate::support::delaycast(&arguments(&url, &out, "2014-12"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    crate::support::until("the part has its bytes", || {
        fs::metadata(part(dir.path())).is_ok_and(|part| part.len() == 20)
    });
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("it was told to stop; run this again, it goes on where it stopped"), "{stderr}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["left"], summary["files"][0]["bytes"].as_u64()), (&serde_json::json!(["2014-12"]), Some(20)));

    let (status, _, stderr) = crate::support::run(&arguments(&url, &out, "2014-12"), b"");
    assert!(status.success(), "{stderr}");
    let starts: Vec<_> = server.requests().iter().map(crate::server::Request::range_start).collect();
    assert_eq!(starts, [None, Some(20)]);
}

#[test]
fn an_invalid_span_of_months_fails_before_any_effect() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("bts").to_string_lossy().into_owned();
    for (last, expected) in
        [("2015-13", "2015-13"), ("2014-11", "2014-11 is before 2014-12"), ("2025-01", "120 at most")]
    {
        let (status, stdout, stderr) = crate::support::run(&arguments("http://127.0.0.1:9/", &out, last), b"");
        assert!(!status.success() && stdout.is_empty() && stderr.contains(expected), "{stderr}");
    }
    assert!(!Path::new(&out).exists());
}
