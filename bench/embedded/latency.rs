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
use serde::{Deserialize, Serialize};

use super::EmbeddedFile;
use crate::{
    process::{Process, Target},
    requests,
    results::{Measurement, Percentiles},
};

/// Interval between two lookups of the answer.
const POLL_INTERVAL: Duration = Duration::from_micros(200);
/// Timeout of an acknowledgement, and of an answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Time over which an idle scorer is observed.
const IDLE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 500)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    acknowledged_ms: Percentiles,
    visible_ms: Percentiles,
    /// The CPU time of a scorer without requests, by the elapsed time.
    idle_cpu_ratio: f64,
}

impl Measurement for Options {
    const NAME: &'static str = "embedded-latency";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let file = EmbeddedFile::new("")?;
    let (producer, lookup) = open(&file)?;
    let scorer = Process::score(&options.target, options.workers, &file.url, &[])?;
    let Times { acknowledged, visible } = ask(&requests::make(options.requests + 1, 2)?, &*producer, &*lookup)?;
    let (cpu_s, asked) = (scorer.cpu_s()?, Instant::now());
    thread::sleep(IDLE);
    let idle_cpu_ratio = (scorer.cpu_s()? - cpu_s) / asked.elapsed().as_secs_f64();
    Ok(Values {
        acknowledged_ms: Percentiles::of(&acknowledged)?,
        visible_ms: Percentiles::of(&visible)?,
        idle_cpu_ratio,
    })
}

/// Opens the log to publish to, and the store to look into.
pub(crate) fn open(file: &EmbeddedFile) -> anyhow::Result<(std::sync::Arc<dyn Producer>, Box<dyn Lookup>)> {
    Ok((log::open::<Flights>(&file.url)?.producer()?, store::open::<Flights>(&file.url)?.lookup()?))
}

/// The time of each request until its acknowledgement, and until its answer is visible.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) acknowledged: Vec<Duration>,
    pub(crate) visible: Vec<Duration>,
}

/// Sends requests one by one. The first one waits for the scorer to start and is left out.
pub(crate) fn ask(requests: &[Request], producer: &dyn Producer, lookup: &dyn Lookup) -> anyhow::Result<Times> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut times = Times::default();
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
            times.acknowledged.push(at_acknowledgement);
            times.visible.push(started.elapsed());
        }
        pause(&mut random);
    }
    Ok(times)
}

/// Sleeps for a random time: requests do not align with any timer.
pub(super) fn pause(random: &mut ChaCha8Rng) {
    thread::sleep(Duration::from_micros(random.random_range(5_000..40_000)));
}
