//! Counts the instructions of a run of this program with callgrind.

use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use crate::steps::{COUNTED, Step};

/// The link to this program, and the folder of the data, in the folder of the counts.
pub(crate) const PROGRAM: &str = "./program";
pub(crate) const DATA: &str = "data";
/// Settings of glibc: each thread keeps freed memory by size, up to 65,535 pieces. Else malloc merges and splits them,
/// and how often depends on addresses: counts of steps that allocate much vary by several per cent.
const TUNABLES: &str = "glibc.malloc.tcache_count=65535";
/// Timeout of a run.
const DEADLINE: Duration = Duration::from_secs(600);
/// Interval between two looks at a run.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Runs a step on some requests; returns the instructions of its work, or of the whole process if it has threads.
///
/// The process gets the same environment, arguments and paths everywhere, because their lengths move what is in memory.
/// Its threads run in turns.
pub(crate) fn count(folder: &Path, step: &Step, requests: usize, run: usize) -> anyhow::Result<u64> {
    let name = match run {
        0 => format!("{}-{requests}", step.name),
        run => format!("{}-{requests}-{run}", step.name),
    };
    let (profile, log) = (folder.join(format!("{name}.callgrind")), folder.join(format!("{name}.log")));
    let output = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--fair-sched=yes"]);
    if !step.has_threads {
        command.arg(format!("--toggle-collect={COUNTED}"));
    }
    command.arg(format!("--callgrind-out-file={name}.callgrind"));
    command.args([PROGRAM, "run", DATA, step.name, &requests.to_string(), &run.to_string()]).current_dir(folder);
    command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GLIBC_TUNABLES", TUNABLES);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().context("cannot start valgrind")?;
    let status = wait(&mut child)?;
    ensure!(status.success(), "{name} fails under callgrind ({status}): see {}", log.display());
    let text = fs::read_to_string(&profile).with_context(|| format!("callgrind wrote no {}", profile.display()))?;
    total(&text).with_context(|| format!("{} has no sum of instructions", profile.display()))
}

/// Waits for the end of a run, and ends one that takes too long.
fn wait(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let began_at = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if began_at.elapsed() > DEADLINE {
            child.kill()?;
            child.wait()?;
            bail!("a run under callgrind has not ended within {} s", DEADLINE.as_secs());
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Returns the instructions of a profile. `totals:` is the sum over all threads and functions.
fn total(profile: &str) -> Option<u64> {
    profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_sum_of_a_profile_is_its_last_total() {
        let profile = "events: Ir\nsummary: 12\n\nfl=(1)\n1 12\n\ntotals: 123\n";
        assert_eq!(total(profile), Some(123));
        for broken in ["", "events: Ir\n", "totals: many\n"] {
            assert_eq!(total(broken), None, "{broken:?}");
        }
    }
}
