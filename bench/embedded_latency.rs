//! Latency from a request to its visible answer on an idle system, in parts.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use delaycast::{
    domain::Flights,
    request::{Request, encode},
};
use engine::{
    log::{self, Producer},
    store::{self, Lookup},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Options, process::Process, requests};

/// Interval between two lookups of the answer.
const POLL_INTERVAL: Duration = Duration::from_micros(200);
/// Timeout of an acknowledgement, and of an answer.
const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".")?;
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let (producer, lookup) = (log::open::<Flights>(&url)?.producer()?, store::open::<Flights>(&url)?.lookup()?);
    let scorer = Process::score(options, &url, &url, &[])?;
    let (mut acknowledged, mut visible) = ask(&requests::make(options.requests + 1, 2)?, &*producer, &*lookup)?;
    report("until the log has it", &mut acknowledged);
    report("until the answer is visible", &mut visible);
    let (cpu, asked) = (scorer.cpu_s()?, Instant::now());
    thread::sleep(Duration::from_secs(5));
    let idle = (scorer.cpu_s()? - cpu) / asked.elapsed().as_secs_f64();
    println!("idle scorer: {:.1} % of one CPU", idle * 100.0);
    Ok(())
}

/// Sends requests one by one. Returns each one's time until its acknowledgement, and until its answer is visible. The
/// first one waits for the scorer to start and is left out.
pub(crate) fn ask(
    requests: &[Request],
    producer: &dyn Producer,
    lookup: &dyn Lookup,
) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut acknowledged, mut visible) = (Vec::new(), Vec::new());
    for (number, request) in requests.iter().enumerate() {
        let (report, reply) = mpsc::channel();
        let started = Instant::now();
        let done = Box::new(move |result| drop(report.send(result)));
        producer.publish(Some(request.id.as_str()), encode(request).into_bytes(), done);
        reply.recv_timeout(DEADLINE).context("no acknowledgement")??;
        let at_acknowledgement = started.elapsed();
        while lookup.find(request.id.as_str())?.is_none() {
            anyhow::ensure!(started.elapsed() < DEADLINE, "no answer");
            thread::sleep(POLL_INTERVAL);
        }
        if number > 0 {
            acknowledged.push(at_acknowledgement);
            visible.push(started.elapsed());
        }
        // A random pause: requests do not align with any timer.
        thread::sleep(Duration::from_micros(random.random_range(5_000..40_000)));
    }
    Ok((acknowledged, visible))
}

/// Prints quantiles.
pub(crate) fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |quantile: f64| times[((times.len() - 1) as f64 * quantile) as usize].as_secs_f64() * 1e3;
    println!("{what}: median {:.1} ms, p90 {:.1}, p99 {:.1}, most {:.1}", at(0.5), at(0.9), at(0.99), at(1.0));
}
