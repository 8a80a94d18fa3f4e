//! The use of memory and CPU by processes, from /proc.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use rustix::process::Pid;

/// A number of `/proc/PID/status` in MiB.
pub(super) fn memory_mib(pid: Pid, field: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib: f64 = value.with_context(|| format!("no {field}"))?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// CPU seconds of a process so far, user and system. A process that has ended has them until it is waited for.
pub(super) fn cpu_s(pid: Pid) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
    // The name, in parentheses, may have any character; the fields after it are numbered from 3.
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name")?.1.split_whitespace().collect();
    let ticks = |field: usize| -> anyhow::Result<f64> { Ok(fields.get(field - 3).context("no field")?.parse()?) };
    Ok((ticks(14)? + ticks(15)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// The number of a process's open file descriptors.
pub(super) fn descriptors(pid: Pid) -> std::io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?.count())
}

/// The child processes of a process, each with its arguments.
pub(crate) fn children(parent: Pid) -> Vec<(Pid, Vec<String>)> {
    let threads = fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero())).into_iter().flatten().flatten();
    // A thread or a child may end meanwhile.
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids: Vec<Pid> = lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>())
        .filter_map(Pid::from_raw)
        .collect();
    let arguments = |pid: Pid| fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok();
    pids.into_iter().filter_map(|pid| Some((pid, arguments(pid)?.split('\0').map(str::to_owned).collect()))).collect()
}

/// A process and the processes that it has started, and so on.
pub(super) fn tree(root: Pid) -> Vec<Pid> {
    let below = children(root).into_iter().flat_map(|(pid, _)| tree(pid));
    std::iter::once(root).chain(below).collect()
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
