//! The processes under measurement.

mod metrics;
mod proc;
mod to_end;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

pub(crate) use metrics::Metrics;
pub(crate) use proc::{children, thread_seconds};
pub(crate) use to_end::run_to_end;

/// The program under measurement, and its model.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Target {
    /// The delaycast binary
    #[arg(long, default_value = "target/release/delaycast")]
    pub(crate) binary: PathBuf,
    /// The model directory
    #[arg(long, default_value = "target/bench-models")]
    pub(crate) models: PathBuf,
}

impl Target {
    /// A command of the program, which logs errors only.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("DELAYCAST_LOG_LEVEL", "error").stdin(Stdio::null());
        command
    }
}

/// A process that is ended on drop.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let started = command.spawn();
        Ok(Process(started.with_context(|| format!("cannot start {}: is it built?", command.get_program().display()))?))
    }

    /// `delaycast score` with log and store at one URL, with more options.
    pub(crate) fn score(target: &Target, workers: usize, url: &str, more: &[&str]) -> anyhow::Result<Self> {
        Self::score_between(target, workers, url, url, more)
    }

    /// `delaycast score` between a log and a store.
    pub(crate) fn score_between(
        target: &Target,
        workers: usize,
        log: &str,
        store: &str,
        more: &[&str],
    ) -> anyhow::Result<Self> {
        let workers = workers.to_string();
        let mut command = target.command(&["score", "--workers", &workers, "--log", log, "--store", store, "--models"]);
        Self::start(command.arg(&target.models).args(more))
    }

    /// `delaycast up` on a folder, with more options; returns the page's address, too.
    pub(crate) fn up(target: &Target, dir: &Path, more: &[&str]) -> anyhow::Result<(Self, String)> {
        let mut command = target.command(&["up", "--port", "0", "--models"]);
        Self::serving(command.arg(&target.models).arg("--dir").arg(dir).args(more))
    }

    /// `delaycast web` with log and store at one URL; returns once it serves.
    pub(crate) fn web(target: &Target, url: &str) -> anyhow::Result<Self> {
        let mut command = target.command(&["web", "--port", "0", "--log", url, "--store", url, "--models"]);
        Ok(Self::serving(command.arg(&target.models))?.0)
    }

    /// Starts a process that serves a page; returns the page's address, too.
    pub(crate) fn serving(command: &mut Command) -> anyhow::Result<(Self, String)> {
        let mut process = Self::start(command.stdout(Stdio::piped()))?;
        let stdout = process.0.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("delaycast is ready: ").context("delaycast did not start")?;
        Ok((process, address.to_owned()))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        proc::memory_mib(self.pid(), "VmRSS")
    }

    /// CPU seconds used so far, user and system.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        proc::cpu_s(self.pid())
    }

    /// CPU seconds used so far by the process and the processes that it has started, without those that have ended.
    pub(crate) fn tree_cpu_s(&self) -> f64 {
        proc::tree(self.pid()).into_iter().filter_map(|pid| proc::cpu_s(pid).ok()).sum()
    }

    /// The most resident memory in MiB of the process and the processes that it has started, each at its own most.
    pub(crate) fn tree_peak_mib(&self) -> f64 {
        // A process that is ending has none.
        proc::tree(self.pid()).into_iter().filter_map(|pid| proc::memory_mib(pid, "VmHWM").ok()).sum()
    }

    /// Resident memory in MiB of the process and the processes that it has started.
    pub(crate) fn tree_resident_mib(&self) -> f64 {
        proc::tree(self.pid()).into_iter().filter_map(|pid| proc::memory_mib(pid, "VmRSS").ok()).sum()
    }

    /// Open file descriptors of the process and the processes that it has started.
    pub(crate) fn tree_descriptors(&self) -> usize {
        proc::tree(self.pid()).into_iter().filter_map(|pid| proc::descriptors(pid).ok()).sum()
    }

    /// The input and the output, if they are pipes that nobody has taken.
    pub(crate) fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.0.stdin.take()?, self.0.stdout.take()?))
    }

    /// Waits until the process and those that it has started have ended, or the time is over.
    pub(crate) fn wait_for_end(&mut self, timeout: Duration) {
        let (pids, started) = (proc::tree(self.pid()), Instant::now());
        // A process that has ended and is not waited for has no memory.
        let lives = |pid: &Pid| proc::memory_mib(*pid, "VmRSS").is_ok();
        while pids.iter().any(lives) && started.elapsed() < timeout {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = kill_process(self.pid(), Signal::TERM);
        let _ = self.0.wait();
    }
}
