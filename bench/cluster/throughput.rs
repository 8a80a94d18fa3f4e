//! The cost of three scoring processes instead of one with as many workers in all: throughput, and latency on an idle
//! system.

use delaycast::request::Request;
use serde::{Deserialize, Serialize};

use super::{PARTITIONS, PROCESSES, start_cluster};
use crate::{
    embedded::{
        EmbeddedFile,
        latency::{Times, ask, open},
    },
    process::{Process, Target},
    requests,
    results::{Compared, Measurement, Percentiles},
};

/// Number of measurements of each latency, in turns.
const LATENCY_ROUNDS: usize = 2;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Worker threads of each process of the cluster
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds, each of both
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Number of requests that are sent one by one
    #[arg(long, default_value_t = 500)]
    requests_one_by_one: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    processes: usize,
    partitions: usize,
    /// The throughput of the cluster; that of one process is the reference.
    landed: Compared,
    /// On an idle system, until the answer is visible.
    one_process_ms: Percentiles,
    cluster_ms: Percentiles,
}

impl Measurement for Options {
    const NAME: &'static str = "cluster";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let requests = requests::make(options.requests, 1)?;
    let landed = Compared::in_turns(options.rounds, |many| landed_per_s(options, &requests, many))?;
    let mut visible = [Vec::new(), Vec::new()];
    for _ in 0..LATENCY_ROUNDS {
        for (many, visible) in [false, true].into_iter().zip(&mut visible) {
            let file = EmbeddedFile::new(&parameters())?;
            let (producer, lookup) = open(&file)?;
            let _scorers = scorers(options, &file, many)?;
            let asked = requests::make(options.requests_one_by_one / LATENCY_ROUNDS + 1, 2)?;
            let Times { visible: times, .. } = ask(&asked, &*producer, &*lookup)?;
            visible.extend(times);
        }
    }
    let [one, cluster] = visible;
    Ok(Values {
        processes: PROCESSES,
        partitions: PARTITIONS,
        landed,
        one_process_ms: Percentiles::of(&one)?,
        cluster_ms: Percentiles::of(&cluster)?,
    })
}

fn parameters() -> String {
    format!("?partitions={PARTITIONS}")
}

fn landed_per_s(options: &Options, asked: &[Request], many: bool) -> anyhow::Result<f64> {
    let (file, _) = EmbeddedFile::with(asked, &parameters())?;
    let _scorers = scorers(options, &file, many)?;
    file.landed_per_s(asked.len(), |_| Ok(()))
}

/// Starts one process with all workers, or three with a share each.
fn scorers(options: &Options, file: &EmbeddedFile, many: bool) -> anyhow::Result<Vec<Process>> {
    let layout = if many { (PROCESSES, options.workers) } else { (1, PROCESSES * options.workers) };
    start_cluster(&options.target, file, layout, |_| [])
}
