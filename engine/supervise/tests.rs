//! Tests of the rules, with shells as children. The tests of the command line kill real supervisors (rule 3).

use std::{
    cell::RefCell,
    io,
    process::{Command, Stdio},
};

use super::{ChildReport, ChildStart, SuperviseError, supervise};
use crate::runtime::Stop;

/// Returns the shell command that reports generation `number`.
fn report(number: u64) -> String {
    let report = ChildReport { generation: number, ..ChildReport::default() };
    format!("echo '{}'", serde_json::to_string(&report).unwrap())
}

fn shell(script: &str) -> io::Result<Command> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    Ok(command)
}

/// Runs scripts in order until the last one has reported; returns the generation that each has received, and the exit
/// code of the last.
fn run(scripts: &[String]) -> (Vec<u64>, Option<i32>) {
    let (received, stop) = (RefCell::new(Vec::new()), Stop::default());
    let command = |start: ChildStart| {
        let mut received = received.borrow_mut();
        assert_eq!(start.restarts, received.len() as u64);
        received.push(start.after_generation);
        shell(&scripts[received.len() - 1])
    };
    let on_report = |report: Option<&ChildReport>| {
        if report.is_some() && received.borrow().len() == scripts.len() {
            stop.request();
        }
    };
    let code = supervise("a shell", command, &stop, &on_report).unwrap();
    (received.into_inner(), code)
}

#[test]
fn rule_1_a_child_that_ends_is_restarted_with_the_last_generation() {
    let waits = "sleep 60 & wait".to_owned();
    let leave = |number, code: u8| format!("{}; sleep 0.1; exit {code}", report(number));
    let scripts = [leave(0, 75), leave(3, 1), leave(2, 0), "kill -9 $$".into(), format!("{}; {waits}", report(4))];
    assert_eq!(run(&scripts).0, [0, 0, 3, 3, 3]);
}

#[test]
fn rule_2_a_child_without_reports_is_killed() {
    // It sends one report in an hour, and ignores SIGTERM.
    let silent = format!("trap '' TERM; {}; exec sleep 3600", report(1));
    assert_eq!(run(&[silent, format!("{}; exec sleep 60", report(2))]).0, [0, 1]);
}

#[test]
fn rule_4_a_first_child_that_cannot_start_is_an_error() {
    let result = supervise("a shell", |_| shell("exit 1"), &Stop::default(), &|_| {});
    assert!(matches!(result, Err(SuperviseError::CannotStart { code: 1, .. })), "{result:?}");
    let result = supervise("nothing", |_| Ok(Command::new("/nowhere/at/all")), &Stop::default(), &|_| {});
    assert!(matches!(result, Err(SuperviseError::NoProcess { .. })), "{result:?}");
}

#[test]
fn rule_5_sigterm_is_forwarded_and_the_child_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("finished");
    let script = format!("trap 'touch {}; exit 75' TERM; {}; sleep 60 & wait", mark.display(), report(1));
    assert_eq!(run(&[script]), (vec![0], Some(75)), "the supervisor exits as the child does");
    assert!(mark.exists(), "it has finished its work");
}

#[test]
fn rule_5_a_killed_child_has_unfinished_work() {
    let ignores_sigterm = format!("trap '' TERM; {}; exec sleep 3600", report(1));
    assert_eq!(run(&[ignores_sigterm]), (vec![0], Some(75)));
}

#[test]
fn output_that_is_no_report_is_ignored() {
    let long = "head -c 100000 /dev/zero | tr '\\0' x; echo".to_owned();
    let script = format!("echo nonsense; {long}; {}; exec sleep 60", report(1));
    // SIGTERM ends it without a handler, as a child that has begun nothing.
    assert_eq!(run(&[script]), (vec![0], Some(0)));
}
