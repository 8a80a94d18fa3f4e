//! The cost of three scoring processes instead of one, on one machine: throughput with as many workers, and latency on
//! an idle system. Three processes on one machine are for learning and tests; the difference is the cost of the mesh.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use delaycast::{domain::Flights, request::Request};
use engine::{log, store};

use crate::{
    Options,
    embedded_latency::{ask, report},
    process::Process,
    requests,
    watch_cost::{compare, rate},
};

/// As many partitions as there are workers in all.
const PARTITIONS: usize = 6;
/// Processes of the cluster, beside one process with as many workers in all.
const PROCESSES: usize = 3;
/// Workers of each process.
const WORKERS: usize = 2;
/// Number of requests that are sent one by one.
const ASKED: usize = 500;

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let requests = requests::make(options.requests, 1)?;
    compare("in three processes", |many| landed_per_second(options, &requests, many))?;
    for many in [false, true, false, true] {
        let dir = tempfile::tempdir_in(".")?;
        let (_, url) = file_and_url(dir.path());
        let (producer, lookup) = (log::open::<Flights>(&url)?.producer()?, store::open::<Flights>(&url)?.lookup()?);
        let _scorers = scorers(options, dir.path(), &url, many)?;
        let (mut acknowledged, mut visible) = ask(&requests::make(ASKED + 1, 2)?, &*producer, &*lookup)?;
        println!("{}", if many { "three processes, idle" } else { "one process, idle" });
        report("  until the log has it", &mut acknowledged);
        report("  until the answer is visible", &mut visible);
    }
    Ok(())
}

fn file_and_url(dir: &Path) -> (PathBuf, String) {
    let path = dir.join("delaycast.db");
    let url = format!("sqlite:{}?partitions={PARTITIONS}", path.display());
    (path, url)
}

fn landed_per_second(options: &Options, asked: &[Request], many: bool) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir_in(".")?;
    let (path, url) = file_and_url(dir.path());
    requests::publish(&log::open::<Flights>(&url)?.producer()?, asked)?;
    let _scorers = scorers(options, dir.path(), &url, many)?;
    rate(&path, asked.len())
}

/// Starts one process with all workers, or three with a share each and a shared secret.
fn scorers(options: &Options, dir: &Path, url: &str, many: bool) -> anyhow::Result<Vec<Process>> {
    let with = |workers: usize| Options {
        binary: options.binary.clone(),
        models: options.models.clone(),
        requests: options.requests,
        workers,
    };
    if !many {
        return Ok(vec![Process::score(&with(PROCESSES * WORKERS), url, url, &[])?]);
    }
    let secret = dir.join("secret");
    fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&secret)?
        .write_all(b"for this measurement alone")?;
    // The ports are free now; a process fails if one is taken meanwhile.
    let listeners: Result<Vec<_>, _> = (0..PROCESSES).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let addresses: Result<Vec<_>, _> = listeners?.iter().map(TcpListener::local_addr).collect();
    let hosts = addresses?.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let secret = secret.to_str().context("a path that is no text")?;
    let start = |process: usize| {
        let process = process.to_string();
        let cluster = ["--hosts", &hosts, "--process", &process, "--mesh-secret", secret];
        Process::score(&with(WORKERS), url, url, &cluster)
    };
    (0..PROCESSES).map(start).collect()
}
