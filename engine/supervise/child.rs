//! The child's side: ends with its supervisor, and reports to it.

use std::{
    io::{self, Write},
    process::exit,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use crate::status::Status;

/// Interval of a child's reports.
pub const REPORT_INTERVAL: Duration = Duration::from_millis(200);
/// `EX_TEMPFAIL` of sysexits.h: work is unfinished; restart.
pub(super) const EXIT_TEMPORARY: i32 = 75;

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
