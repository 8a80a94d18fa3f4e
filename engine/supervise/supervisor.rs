//! The supervisor's side.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;
use rustix::process::{Pid, Signal, kill_process};

use super::{EXIT_TEMPORARY, GRACE, PAUSE, Report, SETTLED, SILENCE, STARTING};
use crate::runtime::{Backoff, Stop};

/// How often a supervisor looks whether its child has left, or is to stop.
const LOOK: Duration = Duration::from_millis(10);
/// A longer line is no report.
const LINE_BYTES_MAX: u64 = 16 << 10;

/// Why a supervisor gives up.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// The first child could not start, and has said why.
    #[error("{name} could not start")]
    CannotStart {
        /// Which.
        name: String,
        /// The exit code.
        code: i32,
    },
    /// The system gave no process.
    #[error("cannot start {name}")]
    NoProcess {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// What a child is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The number of the last generation that is known, or 0.
    pub after_generation: u64,
    /// How many there were before this one.
    pub restarts: u64,
}

/// How a child's life ended.
struct Life {
    status: Option<ExitStatus>,
    lived: Duration,
    generation: u64,
}

/// Keeps a child running until `stop` is asked, and returns once it has left, with the exit
/// code of the last one if there was any. Each child is made by `command`; `seen` hears every report, and `None` when the child has left.
/// Blocks; the thread must not end before.
pub fn supervise(
    name: &str,
    command: impl Fn(Start) -> io::Result<Command>,
    stop: &Stop,
    seen: &dyn Fn(Option<&Report>),
) -> Result<Option<i32>, SuperviseError> {
    let no_process = |source| SuperviseError::NoProcess { name: name.to_owned(), source };
    let (mut generation, mut restarts, mut backoff) = (0, 0, Backoff::new());
    while !stop.asked() {
        let mut child = command(Start { after_generation: generation, restarts }).map_err(no_process)?;
        // A group of its own: Ctrl-C in a terminal is for the supervisor, which passes it on.
        let mut child = child.process_group(0).stdout(Stdio::piped()).spawn().map_err(no_process)?;
        let life = attend(name, &mut child, stop, seen);
        seen(None);
        generation = generation.max(life.generation);
        restarts += 1;
        if stop.asked() {
            return Ok(Some(life.status.map_or(EXIT_TEMPORARY, code_of)));
        }
        if let Some(code @ 1..=2) = life.status.and_then(|status| status.code())
            && generation == 0
            && restarts == 1
        {
            return Err(SuperviseError::CannotStart { name: name.to_owned(), code });
        }
        if life.generation > 0 && life.lived >= SETTLED {
            backoff = Backoff::new();
        }
        let pause = backoff.next_pause(false).min(PAUSE.mul_f64(rand::rng().random_range(0.5..1.0)));
        let how = life.status.map_or_else(|| "it cannot be waited for".to_owned(), |status| status.to_string());
        tracing::warn!("{name} has left ({how}): it is started again in {} ms", pause.as_millis());
        stop.sleep(pause);
    }
    Ok(None)
}

/// The exit code that stands for a child's end after the word to stop.
fn code_of(status: ExitStatus) -> i32 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code,
        // It did not yet listen for the word to stop, which it does first of all: so it has begun nothing.
        (None, Some(signal)) if signal == Signal::TERM.as_raw() => 0,
        // Who had to be killed has left something undone.
        (None, _) => EXIT_TEMPORARY,
    }
}

/// From a child's start to its end.
fn attend(name: &str, child: &mut Child, stop: &Stop, seen: &dyn Fn(Option<&Report>)) -> Life {
    let (born, mut generation) = (Instant::now(), 0);
    let reports = child.stdout.take().and_then(listen);
    let mut silent_after = born + STARTING;
    let mut kill_after = None;
    let status = loop {
        match reports.as_ref().map_or(Err(RecvTimeoutError::Disconnected), |reports| reports.recv_timeout(LOOK)) {
            Ok(report) => {
                silent_after = Instant::now() + SILENCE;
                generation = generation.max(report.generation);
                seen(Some(&report));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // It is leaving, or has closed its output.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
        }
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) => {}
            Err(error) => {
                tracing::error!("{name} cannot be waited for: {error}");
                break None;
            }
        }
        if stop.asked() && kill_after.is_none() {
            kill_after = Some(Instant::now() + GRACE);
            // Gone already is as good.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        let now = Instant::now();
        if now >= silent_after {
            tracing::warn!("{name} does not report any more, and so is killed");
            silent_after = now + SILENCE;
            let _ = child.kill();
        } else if kill_after.is_some_and(|kill_after| now >= kill_after) {
            tracing::warn!("{name} has not stopped within {} s, and so is killed", GRACE.as_secs());
            kill_after = Some(now + GRACE);
            let _ = child.kill();
        }
    };
    Life { status, lived: born.elapsed(), generation }
}

/// Reads a child's reports on a thread, until its output ends.
fn listen(output: ChildStdout) -> Option<Receiver<Report>> {
    let (send, reports) = sync_channel(16);
    let mut output = BufReader::new(output);
    let run = move || {
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            // What is no report is nothing to go by.
            if let Ok(report) = serde_json::from_slice(&line)
                && send.send(report).is_err()
            {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("reports".into()).spawn(run);
    started.inspect_err(|error| tracing::error!("cannot listen to a child: {error}")).ok().map(|_| reports)
}
