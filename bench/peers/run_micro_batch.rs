//! The measurement of answering waiting requests into a sink that drops.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};
use delaycast::domain::Flights;
use engine::log;

use super::{
    lines::LineProcess,
    micro_batch::{Options, Round, Side, Values},
    null_scorer::Line,
};
use crate::{
    embedded::folder,
    requests,
    results::Spread,
    services::topic::{PARTITIONS, Topic},
};

/// Timeout of a pass.
const PASS_TIMEOUT: Duration = Duration::from_secs(300);

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let preload = |name: &str, count: usize| {
        let topic = Topic::make(&options.kafka, name)?;
        requests::publish(&log::open::<Flights>(&topic.url("none"))?.producer()?, &requests::make(count, 1)?)?;
        anyhow::Ok(topic)
    };
    let (topic, few) = (preload("peers", options.requests)?, preload("peers-first", options.first_requests)?);
    println!("  warming Spark up");
    let mut spark = Spark::start(options, &topic)?;
    for _ in 0..options.warm_up_passes {
        spark.pass(options.requests)?;
    }
    let mut rounds = Vec::with_capacity(options.rounds);
    let mut batches = 0;
    for number in 1..=options.rounds {
        println!("  round {number} of {}", options.rounds);
        let consumed = topic.consume(options.requests)?;
        let ours = Round {
            first_answer_s: first_answer_of_ours(options, &few.url(&format!("first-{number}")))?,
            ..round_of_ours(options, &topic.url(&format!("all-{number}")))?
        };
        let cpu_s = spark.process.process.tree_cpu_s();
        let pass = spark.pass(options.requests)?;
        batches = pass.batches;
        let theirs = Round {
            per_s: pass.rows as f64 / pass.seconds,
            cpu_us: (spark.process.process.tree_cpu_s() - cpu_s) * 1e6 / pass.rows as f64,
            peak_mib: spark.process.process.tree_peak_mib(),
            first_answer_s: first_answer_of_spark(options, &few)?,
        };
        println!("    plain consumer {consumed:.0}/s\n    delaycast {ours:.3?}\n    Spark {theirs:.3?}");
        rounds.push((ours, theirs, consumed));
    }
    let over = |number: fn(&(Round, Round, f64)) -> f64| Spread::over(&rounds, number);
    Ok(Values {
        partitions: PARTITIONS as usize,
        delaycast: Side::of(&rounds.iter().map(|round| round.0).collect::<Vec<_>>())?,
        spark: Side::of(&rounds.iter().map(|round| round.1).collect::<Vec<_>>())?,
        consumed_per_s: over(|round| round.2)?,
        delaycast_by_consumed: over(|round| round.0.per_s / round.2)?,
        throughput_ratio: over(|round| round.0.per_s / round.1.per_s)?,
        cpu_ratio: over(|round| round.1.cpu_us / round.0.cpu_us)?,
        memory_ratio: over(|round| round.1.peak_mib / round.0.peak_mib)?,
        first_answer_ratio: over(|round| round.1.first_answer_s / round.0.first_answer_s)?,
        spark_micro_batches: batches,
    })
}

fn start_ours(options: &Options, log: &str, requests: usize) -> anyhow::Result<LineProcess> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["peers", "null-scorer", "--log", log, "--models"]).arg(&options.target.models);
    command.args(["--workers", &options.workers.to_string(), "--requests", &requests.to_string()]);
    LineProcess::start(&mut command, "delaycast")
}

/// All but the start.
fn round_of_ours(options: &Options, log: &str) -> anyhow::Result<Round> {
    let ours = start_ours(options, log, options.requests)?;
    let per_s = loop {
        if let Line::PerS(per_s) = ours.line(PASS_TIMEOUT)? {
            break per_s;
        }
    };
    Ok(Round {
        per_s,
        // The start is included.
        cpu_us: ours.process.tree_cpu_s() * 1e6 / options.requests as f64,
        peak_mib: ours.process.tree_peak_mib(),
        first_answer_s: 0.0,
    })
}

fn first_answer_of_ours(options: &Options, log: &str) -> anyhow::Result<f64> {
    let started = Instant::now();
    let ours = start_ours(options, log, options.first_requests)?;
    match ours.line(PASS_TIMEOUT)? {
        Line::Answered(_) => Ok(started.elapsed().as_secs_f64()),
        Line::PerS(_) => bail!("no first answer"),
    }
}

/// From starting Spark to the end of its first batch, of the few requests that wait.
fn first_answer_of_spark(options: &Options, few: &Topic) -> anyhow::Result<f64> {
    let started = Instant::now();
    Spark::start(options, few)?.pass(options.first_requests)?;
    Ok(started.elapsed().as_secs_f64())
}

/// Spark, which answers all requests of a topic at each command.
struct Spark {
    process: LineProcess,
    _checkpoints: tempfile::TempDir,
}

/// A pass of Spark over all requests.
#[derive(serde::Deserialize)]
struct Pass {
    rows: usize,
    batches: usize,
    /// Of the batches, without starting the query.
    seconds: f64,
}

impl Spark {
    fn start(options: &Options, topic: &Topic) -> anyhow::Result<Self> {
        let checkpoints = folder()?;
        let mut command = options.installed.spark(options.workers);
        command.args(["drop", "--brokers", topic.brokers(), "--topic", topic.name(), "--checkpoint"]);
        command.arg(std::path::absolute(checkpoints.path())?).args(["--batch", &options.batch.to_string()]);
        Ok(Spark { process: LineProcess::start(&mut command, "spark-drop")?, _checkpoints: checkpoints })
    }

    fn pass(&mut self, requests: usize) -> anyhow::Result<Pass> {
        self.process.command("pass")?;
        let pass: Pass = self.process.line(PASS_TIMEOUT)?;
        ensure!(pass.rows == requests, "Spark has answered {} of {requests}", pass.rows);
        Ok(pass)
    }
}
