//! The measurement of the way from topic to topic.

use std::{process::Command, time::Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::{
    kafka_to_kafka::{Latency, Options, Outcome, Rate, Started, System, Values},
    lines::LineProcess,
    observer::Observer,
};
use crate::{
    embedded::folder,
    process::Process,
    results::{Percentiles, Spread},
    services::topic::{PARTITIONS, Topic},
};

/// A system in one round.
struct Round {
    system: System,
    first_answer_s: f64,
    peak_mib: f64,
    /// At each rate.
    outcomes: Vec<Outcome>,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let mut systems = vec![System::Delaycast];
    systems.extend(options.beside.iter().filter(|system| **system != System::Delaycast));
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        println!("  round {number} of {}", options.rounds);
        for system in &systems {
            rounds.push(round(options, *system).with_context(|| system.name().to_owned())?);
        }
    }
    let of = |system: System| rounds.iter().filter(move |round| round.system == system);
    let at = |system, rate: usize| of(system).filter_map(|round| round.outcomes.get(rate).copied()).collect::<Vec<_>>();
    let rates = options.rates.iter().enumerate().map(|(rate, per_s)| {
        let ours = at(System::Delaycast, rate);
        let latency = |system: &System| Latency::of(system.name(), &at(*system, rate), &ours);
        let asked = ours.iter().map(|outcome| outcome.asked).sum();
        anyhow::Ok(Rate { per_s: *per_s, asked, systems: systems.iter().map(latency).collect::<anyhow::Result<_>>()? })
    });
    let started = |system: &System| {
        anyhow::Ok(Started {
            name: system.name().to_owned(),
            first_answer_s: Spread::of(of(*system).map(|round| round.first_answer_s))?,
            peak_mib: Spread::of(of(*system).map(|round| round.peak_mib))?,
        })
    };
    Ok(Values {
        partitions: PARTITIONS as usize,
        rates: rates.collect::<anyhow::Result<_>>()?,
        systems: systems.iter().map(started).collect::<anyhow::Result<_>>()?,
    })
}

/// Starts a system between new topics, and asks it at all rates.
fn round(options: &Options, system: System) -> anyhow::Result<Round> {
    let (requests, answers) =
        (Topic::make(&options.kafka, "peers-requests")?, Topic::make(&options.kafka, "peers-answers")?);
    let mut observer = Observer::start(&requests, &answers)?;
    let started = Instant::now();
    let running = Running::start(options, system, &requests, &answers)?;
    observer.wait_for_first_answer()?;
    let first_answer_s = started.elapsed().as_secs_f64();
    let highest = options.rates.iter().copied().max().context("no rates")?;
    observer.ask(highest, options.warm_up_s)?;
    let mut outcomes = Vec::with_capacity(options.rates.len());
    for per_s in &options.rates {
        let (cpu_s, asking) = (running.process().tree_cpu_s(), Instant::now());
        let observed = observer.ask(*per_s, options.seconds)?;
        let cpu = (running.process().tree_cpu_s() - cpu_s) / asking.elapsed().as_secs_f64();
        ensure!(!observed.latencies.is_empty(), "no request of {} was answered", observed.asked);
        let Percentiles { median, p99, max, .. } = Percentiles::of(&observed.latencies)?;
        let unanswered = observed.asked - observed.latencies.len();
        println!("    {} at {per_s}/s: {median:.2} ms, p99 {p99:.2}, unanswered {unanswered}", system.name());
        outcomes.push(Outcome { asked: observed.asked, unanswered, median_ms: median, p99_ms: p99, max_ms: max, cpu });
    }
    let peak_mib = running.process().tree_peak_mib();
    println!("    {}: first answer after {first_answer_s:.2} s, {peak_mib:.0} MiB", system.name());
    Ok(Round { system, first_answer_s, peak_mib, outcomes })
}

/// A system that runs.
enum Running {
    Delaycast(Process),
    Peer { process: LineProcess, _checkpoints: TempDir },
}

impl Running {
    fn start(options: &Options, system: System, requests: &Topic, answers: &Topic) -> anyhow::Result<Self> {
        let checkpoints = folder()?;
        let ends = ["--brokers", requests.brokers(), "--topic", requests.name(), "--to", answers.name()];
        let mut command = match system {
            System::Delaycast => {
                let to = format!("{}/{}", options.kafka.trim_end_matches('/'), answers.name());
                let log = requests.url("peers");
                let process =
                    Process::score_between(&options.target, options.workers, &log, "none", &["--answers", &to])?;
                return Ok(Running::Delaycast(process));
            }
            System::Copy => {
                let mut command = Command::new(std::env::current_exe()?);
                let ends = ["--brokers", requests.brokers(), "--from", requests.name(), "--to", answers.name()];
                command.args(["peers", "copy"]).args(ends);
                command
            }
            System::Spark => {
                // Each partition occupies a slot for as long as the query runs.
                let mut command = options.installed.spark(PARTITIONS as usize);
                command.arg("answer").args(ends).arg("--checkpoint").arg(std::path::absolute(checkpoints.path())?);
                command
            }
            System::Pathway => {
                let mut command = options.installed.pathway();
                command.arg("answer").args(ends).env("PATHWAY_THREADS", options.workers.to_string());
                command
            }
        };
        let name = format!("{system:?}").to_lowercase();
        Ok(Running::Peer { process: LineProcess::start(&mut command, &name)?, _checkpoints: checkpoints })
    }

    fn process(&self) -> &Process {
        match self {
            Running::Delaycast(process) => process,
            Running::Peer { process, .. } => &process.process,
        }
    }
}
