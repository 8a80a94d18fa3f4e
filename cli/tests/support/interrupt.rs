//! Interrupting a program that works.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// Starts delaycast, waits until it says something on standard error, and interrupts it: it must end without success, and print neither a
/// result nor a fault.
pub fn interrupt(arguments: &[&str], when_it_says: &str) {
    // Whoever runs the tests in the background may have them ignore interrupts; `env` then becomes the program.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_delaycast")]).args(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(when_it_says) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it said {when_it_says:?}");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(!child.wait().unwrap().success());
    let (mut said, mut printed) = (String::new(), String::new());
    stderr.read_to_string(&mut said).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!(printed, "");
    assert!(!said.contains("error") && !said.contains("panicked"), "{said}");
}
