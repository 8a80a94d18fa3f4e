//! The processes under measurement.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use crate::Options;

/// A delaycast process that is ended on drop.
pub(crate) struct Process(Child);

impl Process {
    /// `delaycast score` between a log and a store, with more options.
    pub(crate) fn score(options: &Options, log: &str, store: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = Self::command(options, "score");
        command.args(["--log", log, "--store", store, "--models"]).arg(&options.models).args(more);
        Self::start(command, options)
    }

    /// `delaycast up` on a folder with its models; returns the page's address, too.
    pub(crate) fn up(options: &Options, dir: &Path) -> anyhow::Result<(Self, String)> {
        let mut command = Self::command(options, "up");
        command.args(["--port", "0", "--dir"]).arg(dir).stdout(Stdio::piped());
        Self::serving(command, options)
    }

    /// Starts a process that serves a page; returns the page's address, too.
    fn serving(command: Command, options: &Options) -> anyhow::Result<(Self, String)> {
        let mut process = Self::start(command, options)?;
        let stdout = process.0.stdout.take().context("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("delaycast is ready: ").context("delaycast did not start")?;
        Ok((process, address.to_owned()))
    }

    /// `delaycast web` between a log and a store; returns once it serves.
    pub(crate) fn web(options: &Options, log: &str, store: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(&options.binary);
        command.args(["web", "--port", "0", "--log", log, "--store", store, "--models"]).arg(&options.models);
        command.env("DELAYCAST_LOG_LEVEL", "error").stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self::serving(command, options)?.0)
    }

    fn command(options: &Options, subcommand: &str) -> Command {
        let mut command = Command::new(&options.binary);
        command.args([subcommand, "--workers", &options.workers.to_string()]);
        command.env("DELAYCAST_LOG_LEVEL", "error").stdin(Stdio::null());
        command
    }

    fn start(mut command: Command, options: &Options) -> anyhow::Result<Self> {
        let started = command.spawn();
        Ok(Process(started.with_context(|| format!("cannot start {}: is it built?", options.binary.display()))?))
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// CPU seconds used so far, user and system.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, may have any character; the fields after it are numbered from 3.
        let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
        let ticks = |field: usize| -> anyhow::Result<f64> { Ok(fields.get(field - 3).context("no field")?.parse()?) };
        Ok((ticks(14)? + ticks(15)?) / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// The CPU seconds of a process so far, by the names of its threads, as in "timely:work 0.41, rdk:broker 0.22". Threads
/// whose names differ only in a trailing number are summed up.
pub(crate) fn thread_seconds(process: &str) -> anyhow::Result<String> {
    let mut seconds = BTreeMap::<String, f64>::new();
    for task in fs::read_dir(format!("{process}/task"))? {
        let task = task?.path();
        // A thread may end meanwhile.
        let (Ok(name), Ok(spent)) = (fs::read_to_string(task.join("comm")), fs::read_to_string(task.join("schedstat")))
        else {
            continue;
        };
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let nanoseconds: f64 = spent.split(' ').next().unwrap_or_default().parse()?;
        *seconds.entry(name.to_owned()).or_default() += nanoseconds / 1e9;
    }
    let mut seconds: Vec<_> = seconds.into_iter().filter(|(_, seconds)| *seconds >= 0.005).collect();
    seconds.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    Ok(seconds.iter().map(|(name, seconds)| format!("{name} {seconds:.2}")).collect::<Vec<_>>().join(", "))
}
