//! Supervision: a process restarts its child at once when it ends, and kills it when it hangs.
//!
//! A process of a cluster ends when any of its peers fails, and all of them must be back at the same time. A supervisor
//! restarts it within milliseconds; container runtimes pause for up to minutes, and each machine differently.
//!
//! # The rules
//!
//! 1. A child that ends is restarted after a pause with jitter. The pause grows to [`RESTART_PAUSE_MAX`] while children
//!    end before they have formed a generation and lived for [`STABLE_AFTER`]: the cluster waits for the longest pause.
//! 2. A child without a report for [`REPORT_TIMEOUT`] is killed: a suspended process cannot end by itself.
//! 3. A child never outlives its supervisor, however that ends.
//! 4. A first child that cannot start is a mistake in the configuration: its supervisor exits with the same code.
//! 5. A supervisor that is told to stop forwards the signal, waits, and exits as the child does; after [`GRACE_PERIOD`]
//!    it kills the child.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio, exit},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rand::RngExt;
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::{
    runtime::{Backoff, Stop},
    status::Status,
};

/// Interval of a child's reports.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(200);
/// `EX_TEMPFAIL` of sysexits.h: work is unfinished; restart.
const EXIT_TEMPORARY: i32 = 75;

/// A child without a report for this time hangs.
pub const REPORT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of the first report, which includes loading the program.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);
/// A child that has lived for this time has started well: the next pause is short again.
pub const STABLE_AFTER: Duration = Duration::from_secs(2);
/// Upper bound on the pause before a restart.
pub const RESTART_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Time between SIGTERM and SIGKILL. A scorer takes at most 8 s to finish what it has read, and 5 s more if a commit
/// hangs.
pub const GRACE_PERIOD: Duration = Duration::from_secs(15);
/// Interval of the checks whether the child has ended or must stop.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Upper bound on the length of a report.
const LINE_BYTES_MAX: u64 = 256 << 10;

/// A report of a child: one line of JSON on its standard output. Its arrival proves that the child does not hang.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildReport {
    /// The number of its generation, or 0.
    pub generation: u64,
    /// The status of its scorer.
    pub status: Status,
}

/// A process without the supervisor that has started it.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// The supervisor has ended, or is another process.
    #[error("process {0} is not the one that has started this one")]
    Orphan(u32),
    /// The system refuses.
    #[error("cannot be tied to the supervisor: {0}")]
    Io(#[from] io::Error),
}

/// Makes the kernel kill this process (SIGKILL, also while it is suspended) when the thread that has started it ends.
pub fn end_with_parent(supervisor: u32) -> Result<(), ParentError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    // The supervisor may have ended before the call.
    match getppid() {
        Some(parent) if Pid::as_raw(Some(parent)) as u32 == supervisor => Ok(()),
        _ => Err(ParentError::Orphan(supervisor)),
    }
}

/// Starts a thread that reports on standard output. It ends the process when nothing reads the reports.
pub fn start_reports(mut report: impl FnMut() -> ChildReport + Send + 'static) -> io::Result<()> {
    let run = move || {
        loop {
            let line = serde_json::to_string(&report()).map_err(io::Error::from);
            let written = line.and_then(|line| writeln!(io::stdout().lock(), "{line}"));
            if let Err(error) = written {
                tracing::error!("the supervisor does not listen any more: {error}");
                exit(EXIT_TEMPORARY);
            }
            thread::sleep(REPORT_INTERVAL);
        }
    };
    thread::Builder::new().name("report".into()).spawn(run).map(drop)
}

/// A child that cannot be supervised.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// The first child could not start, and has logged the reason.
    #[error("{name} could not start")]
    CannotStart {
        /// Its name.
        name: String,
        /// The exit code.
        code: i32,
    },
    /// The system starts no process.
    #[error("cannot start {name}")]
    NoProcess {
        /// Its name.
        name: String,
        /// The cause.
        source: io::Error,
    },
}

/// The arguments of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildStart {
    /// The number of the last known generation, or 0.
    pub after_generation: u64,
    /// The number of children before this one.
    pub restarts: u64,
}

/// The end of a child.
struct ChildEnd {
    status: Option<ExitStatus>,
    lived: Duration,
    generation: u64,
}

/// Runs a child and restarts it until `stop` is requested; returns the exit code of the last child, if any was started.
/// `command` makes each child; `on_report` receives each report, and `None` at the end of a child. Blocks. The children
/// are killed when the calling thread ends.
pub fn supervise(
    name: &str,
    command: impl Fn(ChildStart) -> io::Result<Command>,
    stop: &Stop,
    on_report: &dyn Fn(Option<&ChildReport>),
) -> Result<Option<i32>, SuperviseError> {
    let no_process = |source| SuperviseError::NoProcess { name: name.to_owned(), source };
    let (mut generation, mut restarts, mut backoff) = (0, 0, Backoff::new());
    while !stop.is_requested() {
        let mut child = command(ChildStart { after_generation: generation, restarts }).map_err(no_process)?;
        // Its own process group: the supervisor receives Ctrl-C of a terminal and forwards it.
        let mut child = child.process_group(0).stdout(Stdio::piped()).spawn().map_err(no_process)?;
        let end = wait_for_end(name, &mut child, stop, on_report);
        on_report(None);
        generation = generation.max(end.generation);
        restarts += 1;
        if stop.is_requested() {
            return Ok(Some(end.status.map_or(EXIT_TEMPORARY, exit_code)));
        }
        if let Some(code @ 1..=2) = end.status.and_then(|status| status.code())
            && generation == 0
            && restarts == 1
        {
            return Err(SuperviseError::CannotStart { name: name.to_owned(), code });
        }
        if end.generation > 0 && end.lived >= STABLE_AFTER {
            backoff = Backoff::new();
        }
        let pause = backoff.next_pause(false).min(RESTART_PAUSE_MAX.mul_f64(rand::rng().random_range(0.5..1.0)));
        let how = end.status.map_or_else(|| "it cannot be waited for".to_owned(), |status| status.to_string());
        tracing::warn!("{name} has left ({how}): it is started again in {} ms", pause.as_millis());
        stop.sleep(pause);
    }
    Ok(None)
}

/// Returns the exit code of the supervisor for the end of a child that was told to stop.
fn exit_code(status: ExitStatus) -> i32 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code,
        // SIGTERM has ended it before it installed its handler: it has begun nothing.
        (None, Some(signal)) if signal == Signal::TERM.as_raw() => 0,
        // A killed child has unfinished work.
        (None, _) => EXIT_TEMPORARY,
    }
}

/// Waits for the end of a child; kills it if it hangs or does not stop in time.
fn wait_for_end(name: &str, child: &mut Child, stop: &Stop, on_report: &dyn Fn(Option<&ChildReport>)) -> ChildEnd {
    let (started, mut generation) = (Instant::now(), 0);
    let reports = child.stdout.take().and_then(read_reports);
    let mut silent_after = started + START_TIMEOUT;
    let mut kill_after = None;
    let status = loop {
        match reports
            .as_ref()
            .map_or(Err(RecvTimeoutError::Disconnected), |reports| reports.recv_timeout(POLL_INTERVAL))
        {
            Ok(report) => {
                silent_after = Instant::now() + REPORT_TIMEOUT;
                generation = generation.max(report.generation);
                on_report(Some(&report));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The child ends, or has closed its output.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL_INTERVAL),
        }
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) => {}
            Err(error) => {
                tracing::error!("{name} cannot be waited for: {error}");
                break None;
            }
        }
        if stop.is_requested() && kill_after.is_none() {
            kill_after = Some(Instant::now() + GRACE_PERIOD);
            // It may have ended already.
            let _ = kill_process(Pid::from_child(child), Signal::TERM);
        }
        let now = Instant::now();
        if now >= silent_after {
            tracing::warn!("{name} does not report any more, and so is killed");
            silent_after = now + REPORT_TIMEOUT;
            let _ = child.kill();
        } else if kill_after.is_some_and(|kill_after| now >= kill_after) {
            tracing::warn!("{name} has not stopped within {} s, and so is killed", GRACE_PERIOD.as_secs());
            kill_after = Some(now + GRACE_PERIOD);
            let _ = child.kill();
        }
    };
    ChildEnd { status, lived: started.elapsed(), generation }
}

/// Reads a child's reports on a thread, until its output ends.
fn read_reports(output: ChildStdout) -> Option<Receiver<ChildReport>> {
    let (sender, reports) = sync_channel(16);
    let mut output = BufReader::new(output);
    let run = move || {
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            // Other output is ignored.
            if let Ok(report) = serde_json::from_slice(&line)
                && sender.send(report).is_err()
            {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("reports".into()).spawn(run);
    thread.inspect_err(|error| tracing::error!("cannot listen to a child: {error}")).ok().map(|_| reports)
}

#[cfg(test)]
mod tests;
