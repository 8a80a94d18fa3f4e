//! Processes that are measured from their start to their end.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::proc;

/// Interval between two checks for the end, and so the resolution of the elapsed time.
const CHECK_INTERVAL: Duration = Duration::from_millis(2);

/// The use of a process that has ended.
pub(crate) struct Usage {
    pub(crate) wall_s: f64,
    /// User and system, of all threads.
    pub(crate) cpu_s: f64,
    /// The most resident memory; without that of the last milliseconds.
    pub(crate) peak_mib: f64,
}

/// Runs a command until it ends.
pub(crate) fn run_to_end(command: &mut Command) -> anyhow::Result<Usage> {
    let program = command.get_program().display().to_string();
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {program}: is it built?"))?;
    let pid = Pid::from_child(&child);
    let mut peak_mib = 0.0f64;
    // It is not waited for yet: its CPU time would be gone.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), look)?.is_none() {
        // A process that has just ended has no memory.
        peak_mib = proc::memory_mib(pid, "VmHWM").unwrap_or_default().max(peak_mib);
        thread::sleep(CHECK_INTERVAL);
    }
    let usage = Usage { wall_s: started.elapsed().as_secs_f64(), cpu_s: proc::cpu_s(pid)?, peak_mib };
    let status = child.wait()?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(usage)
}
