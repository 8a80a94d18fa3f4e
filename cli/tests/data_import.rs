//! `delaycast data import` as a process: what it prints where, and how it exits.

#![allow(clippy::unwrap_used, reason = "the helper fails the test, like the tests themselves")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const CSV: &str = "FlightDate,Carrier,Origin,Dest,ArrDelay\n2008-01-01,AA,ATL,SFO,5\nwhat\n";

fn import(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_delaycast"));
    command.current_dir(directory).args(["data", "import"]).args(arguments).output().unwrap()
}

#[test]
fn json_goes_to_stdout_alone_and_broken_rows_to_stderr() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("flights.csv"), CSV).unwrap();
    let output = import(directory.path(), &["flights.csv", "--out", "out", "--format", "json"]);
    assert!(output.status.success());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["flown"].as_u64(), summary["broken"].as_u64()), (Some(1), Some(1)));
    assert_eq!(summary["from"], "2008-01-01");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "skipped flights.csv line 3: the row has 1 columns, the header 5\n");

    let again = import(directory.path(), &["flights.csv", "--out", "out"]);
    assert_eq!((again.status.code(), again.stdout.as_slice()), (Some(1), b"".as_slice()));
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.starts_with("error: out already holds a history"), "{said}");
}

#[test]
fn a_failure_tells_its_cause_once() {
    let directory = tempfile::tempdir().unwrap();
    let output = import(directory.path(), &["missing.csv", "--out", "out"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said, "error: cannot read missing.csv\n  because: No such file or directory (os error 2)\n");
}
