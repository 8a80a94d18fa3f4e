//! The machine and the commit of a measurement.

use std::{fs, process::Command};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

/// The machine, as far as it affects a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let memory_kib: f64 = field_of("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
        Ok(Machine {
            cpu: field_of("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (memory_kib / 1024.0 / 1024.0).round(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            rustc: output("rustc", &["--version"])?,
        })
    }
}

/// The processes that ran or waited to run, averaged over the last minute.
pub(crate) fn load_average() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("/proc/loadavg is empty")?.parse()?)
}

/// The commit of the sources. Changes that are not committed are marked, those that a report writes excepted.
pub(crate) fn commit() -> anyhow::Result<String> {
    let commit = output("git", &["rev-parse", "--short=9", "HEAD"])?;
    let written = [":/", ":(exclude,top)bench/results", ":(exclude,top)docs/benchmarks.md", ":(exclude,top)README.md"];
    let status = output("git", &[&["status", "--porcelain", "--untracked-files=no", "--"], &written[..]].concat())?;
    Ok(if status.is_empty() { commit } else { commit + " with changes" })
}

fn field_of(file: &str, name: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    Ok(value.with_context(|| format!("{file} has no {name}"))?.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot start {program}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {error}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
