//! One process of a cluster: the supervisor that a container would start, and the scorer under it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{DEADLINE, children, until};

/// What it said, and when.
type Words = Arc<Mutex<Vec<(Instant, String)>>>;

/// Killed when dropped; if its test has failed, what it said is printed.
pub(crate) struct Pod {
    name: String,
    child: Child,
    words: Words,
    pub(crate) started: Instant,
}

impl Pod {
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (stderr, words) = (BufReader::new(child.stderr.take().unwrap()), Words::default());
        let heard = Arc::clone(&words);
        // Ends when supervisor and scorer have ended.
        thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| heard.lock().unwrap().push((Instant::now(), line)));
        });
        Pod { name: name.to_owned(), child, words, started }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The scorer, if one runs.
    fn scorer(&self) -> Option<Pid> {
        children(self.pid()).first().copied()
    }

    /// Sends a signal to the scorer alone, once there is one; returns when.
    pub(crate) fn signal_scorer(&self, signal: Signal) -> Instant {
        let mut at = Instant::now();
        until("there is a scorer", || {
            at = Instant::now();
            self.scorer().is_some_and(|scorer| kill_process(scorer, signal).is_ok())
        });
        at
    }

    /// Sends a signal to both, as when the whole container is stopped or goes on.
    pub(crate) fn signal_both(&self, signal: Signal) -> Instant {
        let at = Instant::now();
        kill_process(self.pid(), signal).unwrap();
        if let Some(scorer) = self.scorer() {
            kill_process(scorer, signal).unwrap();
        }
        at
    }

    /// SIGKILL to the supervisor, and so the end of both.
    pub(crate) fn kill(mut self) -> Instant {
        let at = Instant::now();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        at
    }

    /// Tells it to stop, as the kubelet does.
    pub(crate) fn tell_to_stop(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Waits until it has left; the exit code.
    pub(crate) fn left(&mut self) -> Option<i32> {
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

    fn words(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.words.lock().unwrap()
    }

    /// The first line with this in it that was said after a moment.
    pub(crate) fn said(&self, since: Instant, what: &str) -> Option<(Instant, String)> {
        self.words().iter().find(|(at, line)| *at >= since && line.contains(what)).cloned()
    }

    /// The same, waited for.
    pub(crate) fn says(&self, since: Instant, what: &str) -> (Instant, String) {
        let mut said = None;
        until(&format!("{} says {what:?}", self.name), || {
            said = self.said(since, what);
            said.is_some()
        });
        said.unwrap()
    }

    /// The number of the generation that it said last that it is of.
    pub(crate) fn generation(&self) -> Option<u64> {
        let words = self.words();
        let number = |line: &str| line.split_once("generation ")?.1.split_once(" has formed")?.0.parse().ok();
        words.iter().rev().find_map(|(_, line)| number(line))
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let name = &self.name;
            for (at, line) in self.words().iter() {
                println!("{name} at {:.3} s: {line}", at.saturating_duration_since(self.started).as_secs_f64());
            }
        }
    }
}
