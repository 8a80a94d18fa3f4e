//! The process under measurement.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use crate::Options;

/// `delaycast score`, ended with the value.
pub(crate) struct Scorer(Child);

impl Scorer {
    pub(crate) fn start(options: &Options, url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(&options.binary);
        command.args(["score", "--log", url, "--store", url, "--workers", &options.workers.to_string(), "--models"]);
        let child = command.arg(&options.models).env("DELAYCAST_LOG", "warn").stdin(Stdio::null()).spawn();
        Ok(Scorer(child.with_context(|| format!("cannot start {}: is it built?", options.binary.display()))?))
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
        // The name, in parentheses, may hold anything; the fields after it are numbered from 3.
        let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
        let ticks = |field: usize| -> anyhow::Result<f64> { Ok(fields.get(field - 3).context("no field")?.parse()?) };
        Ok((ticks(14)? + ticks(15)?) / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}
