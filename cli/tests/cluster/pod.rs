//! One process of a cluster: the supervisor that a container starts, and the scorer under it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{DEADLINE, children, until};

/// Log lines with their times.
type LogLines = Arc<Mutex<Vec<(Instant, String)>>>;

/// A pod. Killed when dropped; if its test has failed, its log is printed.
pub(crate) struct Pod {
    name: String,
    child: Child,
    lines: LogLines,
    pub(crate) started: Instant,
}

impl Pod {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (stderr, lines) = (BufReader::new(child.stderr.take().unwrap()), LogLines::default());
        let received = Arc::clone(&lines);
        // Ends when supervisor and scorer have ended.
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| received.lock().unwrap().push((Instant::now(), line)));
        });
        Pod { name: name.to_owned(), child, lines, started }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Returns the scorer, if one runs.
    fn scorer(&self) -> Option<Pid> {
        children(self.pid()).first().copied()
    }

    /// Sends a signal to the scorer only, once there is one; returns the time.
    pub(crate) fn signal_scorer(&self, signal: Signal) -> Instant {
        let mut at = Instant::now();
        until("there is a scorer", || {
            at = Instant::now();
            self.scorer().is_some_and(|scorer| kill_process(scorer, signal).is_ok())
        });
        at
    }

    /// Sends a signal to both, as when the whole container is frozen or thawed.
    pub(crate) fn signal_both(&self, signal: Signal) -> Instant {
        let at = Instant::now();
        kill_process(self.pid(), signal).unwrap();
        if let Some(scorer) = self.scorer() {
            kill_process(scorer, signal).unwrap();
        }
        at
    }

    /// Kills the supervisor, which ends both.
    pub(crate) fn kill(mut self) -> Instant {
        let at = Instant::now();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        at
    }

    /// Sends SIGTERM, as the kubelet does.
    pub(crate) fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Waits for its end; returns the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < DEADLINE, "{} does not leave", self.name);
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.lines.lock().unwrap()
    }

    /// Returns the first line since a time that contains `what`.
    pub(crate) fn find_line(&self, since: Instant, what: &str) -> Option<(Instant, String)> {
        self.lines().iter().find(|(at, line)| *at >= since && line.contains(what)).cloned()
    }

    /// Waits for a line since a time that contains `what`.
    pub(crate) fn wait_for_line(&self, since: Instant, what: &str) -> (Instant, String) {
        let mut found = None;
        until(&format!("{} logs {what:?}", self.name), || {
            found = self.find_line(since, what);
            found.is_some()
        });
        found.unwrap()
    }

    /// Returns the number of its latest generation, from its log.
    pub(crate) fn generation(&self) -> Option<u64> {
        let lines = self.lines();
        let number = |line: &str| line.split_once("generation ")?.1.split_once(" has formed")?.0.parse().ok();
        lines.iter().rev().find_map(|(_, line)| number(line))
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let name = &self.name;
            for (at, line) in self.lines().iter() {
                println!("{name} at {:.3} s: {line}", at.saturating_duration_since(self.started).as_secs_f64());
            }
        }
    }
}
