//! The rules of supervising, with shells as children. That a child does not outlive its supervisor is shown by the tests of the
//! command line, which kill real ones.

use std::{
    cell::RefCell,
    io,
    process::{Command, Stdio},
};

use super::{Report, Start, SuperviseError, supervise};
use crate::runtime::Stop;

/// A report of generation `number`, as a shell says it.
fn says(number: u64) -> String {
    let report = Report { generation: number, ..Report::default() };
    format!("echo '{}'", serde_json::to_string(&report).unwrap())
}

fn shell(script: &str) -> io::Result<Command> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    Ok(command)
}

/// Runs scripts one after the other until the last was started and has reported; returns the generation that each was
/// given, and the code that the last has left with.
fn run(scripts: &[String]) -> (Vec<u64>, Option<i32>) {
    let (given, stop) = (RefCell::new(Vec::new()), Stop::default());
    let command = |start: Start| {
        let mut given = given.borrow_mut();
        assert_eq!(start.restarts, given.len() as u64);
        given.push(start.after_generation);
        shell(&scripts[given.len() - 1])
    };
    let seen = |report: Option<&Report>| {
        if report.is_some() && given.borrow().len() == scripts.len() {
            stop.ask();
        }
    };
    let code = supervise("a shell", command, &stop, &seen).unwrap();
    (given.into_inner(), code)
}

#[test]
fn rule_1_a_child_that_leaves_is_started_again_and_told_of_the_last_generation() {
    let waits = "sleep 60 & wait".to_owned();
    let leave = |number, code: u8| format!("{}; sleep 0.1; exit {code}", says(number));
    let scripts = [leave(0, 75), leave(3, 1), leave(2, 0), "kill -9 $$".into(), format!("{}; {waits}", says(4))];
    assert_eq!(run(&scripts).0, [0, 0, 3, 3, 3]);
}

#[test]
fn rule_2_a_child_that_falls_silent_is_killed() {
    // It would say nothing more for an hour, and takes no other signal.
    let silent = format!("trap '' TERM; {}; exec sleep 3600", says(1));
    assert_eq!(run(&[silent, format!("{}; exec sleep 60", says(2))]).0, [0, 1]);
}

#[test]
fn rule_4_a_first_child_that_cannot_start_is_told() {
    let result = supervise("a shell", |_| shell("exit 1"), &Stop::default(), &|_| {});
    assert!(matches!(result, Err(SuperviseError::CannotStart { code: 1, .. })), "{result:?}");
    let result = supervise("nothing", |_| Ok(Command::new("/nowhere/at/all")), &Stop::default(), &|_| {});
    assert!(matches!(result, Err(SuperviseError::NoProcess { .. })), "{result:?}");
}

#[test]
fn rule_5_the_word_to_stop_is_passed_on_and_the_child_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("finished");
    let script = format!("trap 'touch {}; exit 75' TERM; {}; sleep 60 & wait", mark.display(), says(1));
    assert_eq!(run(&[script]), (vec![0], Some(75)), "the supervisor leaves as the child does");
    assert!(mark.exists(), "it has finished what it did");
}

#[test]
fn rule_5_who_had_to_be_killed_has_left_something_undone() {
    let deaf = format!("trap '' TERM; {}; exec sleep 3600", says(1));
    assert_eq!(run(&[deaf]), (vec![0], Some(75)));
}

#[test]
fn what_is_no_report_is_passed_over() {
    let long = "head -c 100000 /dev/zero | tr '\\0' x; echo".to_owned();
    let script = format!("echo nonsense; {long}; {}; exec sleep 60", says(1));
    // It ends by the signal itself, as one that has not begun anything.
    assert_eq!(run(&[script]), (vec![0], Some(0)));
}
