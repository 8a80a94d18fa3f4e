//! This build beside another build, in turns. Both must know the same embedded file; each has models that it trained.

use std::{fs::File, io::Write, path::PathBuf, process::Stdio};

use delaycast::request::{Request, encode};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{
    embedded::{
        EmbeddedFile, folder,
        latency::{ask, open},
    },
    process::{Process, Target, run_to_end},
    requests,
    results::{Measurement, Percentiles, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// This build's delaycast binary
    #[arg(long, default_value = "target/release/delaycast")]
    #[serde(skip)]
    binary: PathBuf,
    /// The other build's
    #[arg(long)]
    #[serde(skip)]
    before: PathBuf,
    /// The other build's name in the table, as in its commit
    #[arg(long, default_value = "another build")]
    before_name: String,
    /// Number of requests that are answered in bulk
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Number of requests that are sent one by one
    #[arg(long, default_value_t = 200)]
    requests_one_by_one: usize,
    /// Number of requests that are answered on a pipe
    #[arg(long, default_value_t = 300_000)]
    requests_on_pipe: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds, each of both
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    /// Embedded, answered and durable.
    answered_per_s: Editions,
    /// Between two processes on an idle embedded system; the median of each round.
    visible_ms: Editions,
    /// `delaycast train` on the bundled flights.
    train_cpu_s: Editions,
    /// `delaycast predict` on a pipe, for a request, without start and end.
    predict_cpu_us: Editions,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Editions {
    current: Spread,
    before: Spread,
    /// This build's by the other's.
    ratio: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "editions";
    type Values = Values;
}

/// The numbers of a round of one build.
struct Round {
    answered_per_s: f64,
    visible_ms: f64,
    train_cpu_s: f64,
    predict_cpu_us: f64,
}

/// The requests of all measurements.
struct Workload {
    bulk: Vec<Request>,
    one_by_one: Vec<Request>,
    on_pipe: PathBuf,
    _folder: TempDir,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let folder = folder()?;
    let on_pipe = folder.path().join("requests");
    let mut file = std::io::BufWriter::new(File::create(&on_pipe)?);
    for request in requests::make(options.requests_on_pipe, 5)? {
        writeln!(file, "{}", encode(&request))?;
    }
    file.flush()?;
    let bulk = requests::make(options.requests, 1)?;
    let one_by_one = requests::make(options.requests_one_by_one + 1, 2)?;
    let asked = Workload { bulk, one_by_one, on_pipe, _folder: folder };
    let mut rounds = Vec::with_capacity(options.rounds);
    for number in 1..=options.rounds {
        let before = measure_build(options, &options.before, &asked)?;
        let this = measure_build(options, &options.binary, &asked)?;
        println!(
            "  round {number} of {}: {:.0}/s, {:.0}/s",
            options.rounds, this.answered_per_s, before.answered_per_s
        );
        rounds.push((this, before));
    }
    Ok(Values {
        answered_per_s: editions(&rounds, |round| round.answered_per_s)?,
        visible_ms: editions(&rounds, |round| round.visible_ms)?,
        train_cpu_s: editions(&rounds, |round| round.train_cpu_s)?,
        predict_cpu_us: editions(&rounds, |round| round.predict_cpu_us)?,
    })
}

fn editions(rounds: &[(Round, Round)], number: fn(&Round) -> f64) -> anyhow::Result<Editions> {
    Ok(Editions {
        current: Spread::over(rounds, |(this, _)| number(this))?,
        before: Spread::over(rounds, |(_, before)| number(before))?,
        ratio: Spread::over(rounds, |(this, before)| number(this) / number(before))?,
    })
}

fn measure_build(options: &Options, binary: &std::path::Path, asked: &Workload) -> anyhow::Result<Round> {
    let folder = folder()?;
    let target = Target { binary: binary.to_owned(), models: folder.path().join("models") };
    let workers = options.workers.to_string();
    let mut train = target.command(&["train", "--workers", &workers, "--models"]);
    let train_cpu_s = run_to_end(train.arg(&target.models).stdout(Stdio::null()).stderr(Stdio::null()))?.cpu_s;

    let (file, _) = EmbeddedFile::with(&asked.bulk, "")?;
    let scorer = Process::score(&target, options.workers, &file.url, &[])?;
    let answered_per_s = file.landed_per_s(asked.bulk.len(), |_| Ok(()))?;
    drop(scorer);

    let file = EmbeddedFile::new("")?;
    let (producer, lookup) = open(&file)?;
    let scorer = Process::score(&target, options.workers, &file.url, &[])?;
    let visible_ms = Percentiles::of(&ask(&asked.one_by_one, &*producer, &*lookup)?.visible)?.median;
    drop(scorer);

    let predict = |input: Stdio| {
        let mut command = target.command(&["predict", "--models"]);
        run_to_end(command.arg(&target.models).stdin(input).stdout(Stdio::null()))
    };
    let without = predict(Stdio::null())?.cpu_s;
    let spent = predict(File::open(&asked.on_pipe)?.into())?.cpu_s - without;
    let predict_cpu_us = spent * 1e6 / options.requests_on_pipe as f64;
    Ok(Round { answered_per_s, visible_ms, train_cpu_s, predict_cpu_us })
}
