//! Interrupts a running program.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// Starts delaycast, waits for a text on standard error, and interrupts it. It must fail without a result, an error or
/// a panic.
pub fn interrupt(arguments: &[&str], wait_for: &str) {
    // Tests in the background may ignore interrupts, and children inherit that: `env` restores the default.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_delaycast")]).args(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(wait_for) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it printed {wait_for:?}");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(!child.wait().unwrap().success());
    let (mut errors, mut printed) = (String::new(), String::new());
    stderr.read_to_string(&mut errors).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!(printed, "");
    assert!(!errors.contains("error") && !errors.contains("panicked"), "{errors}");
}
