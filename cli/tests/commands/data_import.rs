//! Tests of `delaycast data import` as a process: its output and its exit code.

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
fn stdout_has_json_alone_and_stderr_the_broken_rows() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("flights.csv"), CSV).unwrap();
    let output = import(directory.path(), &["flights.csv", "--out", "out", "--format", "json"]);
    assert!(output.status.success());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["flown"].as_u64(), summary["broken"].as_u64()), (Some(1), Some(1)));
    assert_eq!(summary["from"], "2008-01-01");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "skipped flights.csv line 3: the row has 1 columns, the header 5\n");

    let again = import(directory.path(), &["flights.csv", "--out", "out"]);
    assert_eq!((again.status.code(), again.stdout.as_slice()), (Some(1), b"".as_slice()));
    let stderr = String::from_utf8(again.stderr).unwrap();
    assert!(stderr.starts_with("error: out already holds a history"), "{stderr}");
}

#[test]
fn a_failure_prints_its_cause_once() {
    let directory = tempfile::tempdir().unwrap();
    let output = import(directory.path(), &["missing.csv", "--out", "out"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr, "error: cannot read missing.csv\n  because: No such file or directory (os error 2)\n");
}

#[test]
fn files_passed_over_in_a_folder_are_in_the_summary() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("flights.csv"), CSV).unwrap();
    fs::write(folder.join("_SUCCESS"), "").unwrap();
    fs::write(folder.join("\u{1b}[2Jplanes.csv"), "tailnum,year\nN1,1998\n").unwrap();
    let output = import(directory.path(), &["folder", "--out", "json", "--format", "json"]);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["files"].as_u64(), summary["passed_over_total"].as_u64()), (Some(1), Some(2)));
    let files: Vec<_> =
        summary["passed_over"].as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["folder/_SUCCESS", "folder/\u{1b}[2Jplanes.csv"]);
    assert!(!output.stdout.contains(&0x1b), "JSON has no control characters");

    let output = import(directory.path(), &["folder", "--out", "text"]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let expected = "passed over 2\n  folder/_SUCCESS is bookkeeping of the program or system that wrote the folder\n  \
        folder/\\u{1b}[2Jplanes.csv has no column for";
    assert!(stdout.contains(expected), "{stdout}");
}

#[test]
fn dates_with_the_day_first_need_the_option_and_a_bound_can_be_raised() {
    let directory = tempfile::tempdir().unwrap();
    let csv = "FlightDate;Carrier;Origin;Dest;ArrDelay\n03/01/2015;AA;ATL;SFO;5,0\n21/01/2015;AA;ATL;SFO;5,0\n";
    fs::write(directory.path().join("flights.csv"), csv).unwrap();
    let output = import(directory.path(), &["flights.csv", "--out", "out"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("flights.csv line 3: the date \"21/01/2015\" has the day first")
            && stderr.contains("--day-first"),
        "{stderr}"
    );
    let options = ["--day-first", "--unpacked-max", "1", "--unpacked-ratio", "10", "--format", "json"];
    let output = import(directory.path(), &[["flights.csv", "--out", "out"].as_slice(), &options].concat());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["from"].as_str(), summary["flown"].as_u64()), (Some("2015-01-03"), Some(2)));
}
