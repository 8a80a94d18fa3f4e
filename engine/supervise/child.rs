//! The child's side.

use std::{
    io::{self, Write},
    process::exit,
    thread,
};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::{EXIT_TEMPORARY, REPORT, Report};

/// Why a process cannot be tied to its supervisor.
#[derive(Debug, thiserror::Error)]
pub enum TieError {
    /// It has ended, or never was.
    #[error("process {0} is not the one that has started this one")]
    Orphan(u32),
    /// The system.
    #[error("cannot be tied to the supervisor: {0}")]
    Io(#[from] io::Error),
}

/// Makes the system kill this process (SIGKILL, even while it is stopped) when the thread that has started it ends.
pub fn tie(supervisor: u32) -> Result<(), TieError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    // It may have ended before the system was asked.
    match getppid() {
        Some(parent) if Pid::as_raw(Some(parent)) as u32 == supervisor => Ok(()),
        _ => Err(TieError::Orphan(supervisor)),
    }
}

/// Starts to report on standard output. A process that cannot be heard leaves.
pub fn report(mut now: impl FnMut() -> Report + Send + 'static) -> io::Result<()> {
    let run = move || {
        loop {
            let said = serde_json::to_string(&now()).map_err(io::Error::from);
            let said = said.and_then(|line| writeln!(io::stdout().lock(), "{line}"));
            if let Err(error) = said {
                tracing::error!("the supervisor does not listen any more: {error}");
                exit(EXIT_TEMPORARY);
            }
            thread::sleep(REPORT);
        }
    };
    thread::Builder::new().name("report".into()).spawn(run).map(drop)
}
