//! Measurements of a cluster of processes on one machine. That is for learning and tests; the difference to one process
//! is the cost of the mesh.

pub(crate) mod recovery;
pub(crate) mod scaling;
pub(crate) mod throughput;

use std::{fs, io::Write, net::TcpListener, os::unix::fs::OpenOptionsExt};

use anyhow::Context;

use crate::{
    embedded::EmbeddedFile,
    process::{Process, Target},
};

/// Processes of the cluster.
const PROCESSES: usize = 3;
/// As many partitions as there are workers in all, with two in each process.
const PARTITIONS: usize = 6;

/// Starts a number of processes with a number of workers each: one alone, or several with a shared secret. `more` are
/// further options of each.
fn start_cluster<'a, const N: usize>(
    target: &Target,
    file: &EmbeddedFile,
    (processes, workers): (usize, usize),
    more: impl Fn(usize) -> [&'a str; N],
) -> anyhow::Result<Vec<Process>> {
    if processes == 1 {
        return Ok(vec![Process::score(target, workers, &file.url, &more(0))?]);
    }
    let secret = file.dir.path().join("secret");
    fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&secret)?
        .write_all(b"for this measurement alone")?;
    let (hosts, secret) = (free_addresses(processes)?.join(","), secret.to_str().context("a path that is no text")?);
    let start = |process: usize| {
        let number = process.to_string();
        let mut options = vec!["--hosts", &*hosts, "--process", &*number, "--mesh-secret", secret];
        options.extend(more(process));
        Process::score(target, workers, &file.url, &options)
    };
    (0..processes).map(start).collect()
}

/// Returns addresses whose ports are free now; a process fails if one is taken meanwhile.
fn free_addresses(count: usize) -> anyhow::Result<Vec<String>> {
    let listeners: Result<Vec<_>, _> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let addresses: Result<Vec<_>, _> = listeners?.iter().map(TcpListener::local_addr).collect();
    Ok(addresses?.iter().map(ToString::to_string).collect())
}
