//! The cost of explanations: each step with a model that explains and with one that does not, in turns.

use std::{sync::Arc, thread, time::Instant};

use anyhow::Context;
use delaycast::{
    domain::Flights,
    model::{Model, ModelDir, VersionedModel},
    request::Request,
};
use delaycast_dataflows::score::{self, Config, Connections, Counters, Models};
use engine::{log, model::Scorer, runtime::Stop, store};
use serde::{Deserialize, Serialize};

use super::{
    EmbeddedFile,
    steps::{BATCH, answers, encode_all, score_all, write_all},
};
use crate::{
    clock::{Clock, Cost},
    process::Target,
    requests,
    results::{Measurement, Spread},
};

/// Repetitions of fast steps, so that their time can be measured.
const REPEATED: usize = 5;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of requests
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds, each of all steps with and without
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    prepared_ms: f64,
    answer_bytes_without: usize,
    answer_bytes_with: usize,
    scored: Step,
    encoded: Step,
    written: Step,
    answered: Step,
}

/// A step without explanations and with them. The CPU time is that of all threads.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    cpu_us_without: Spread,
    cpu_us_with: Spread,
    /// With by without.
    cpu_ratio: Spread,
    per_s_ratio: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "explanations";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let asked = requests::make(options.requests, 1)?;
    let plain = ModelDir::new(&options.target.models).load_current()?;
    let started = Instant::now();
    let explaining = plain.clone().map(Model::explaining);
    let prepared_ms = started.elapsed().as_secs_f64() * 1e3;
    let model = |with| if with { &explaining } else { &plain };
    let answers = [false, true].map(|with| answers(model(with), &asked));
    let answers = |with| &answers[usize::from(with)];
    let in_turns =
        |repeated, cost: &dyn Fn(bool) -> anyhow::Result<Cost>| compare(options.rounds, asked.len() * repeated, cost);
    Ok(Values {
        prepared_ms,
        answer_bytes_without: encode_all(answers(false)) / asked.len(),
        answer_bytes_with: encode_all(answers(true)) / asked.len(),
        scored: in_turns(REPEATED, &|with| {
            let clock = Clock::start();
            (0..REPEATED).for_each(|_| score_all(&model(with).model, &asked, BATCH));
            Ok(clock.read())
        })?,
        encoded: in_turns(REPEATED, &|with| {
            let clock = Clock::start();
            for _ in 0..REPEATED {
                std::hint::black_box(encode_all(answers(with)));
            }
            Ok(clock.read())
        })?,
        written: in_turns(1, &|with| {
            let file = EmbeddedFile::new("")?;
            let mut writer = store::open::<Flights>(&file.url)?.answers()?;
            let clock = Clock::start();
            write_all(&mut *writer, answers(with))?;
            Ok(clock.read())
        })?,
        answered: in_turns(1, &|with| land(options.workers, model(with), &asked))?,
    })
}

fn compare(rounds: usize, count: usize, cost: &dyn Fn(bool) -> anyhow::Result<Cost>) -> anyhow::Result<Step> {
    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        measured.push((cost(false)?, cost(true)?));
    }
    let each_us = |cost: &Cost| cost.cpu_s / count as f64 * 1e6;
    Ok(Step {
        cpu_us_without: Spread::over(&measured, |(without, _)| each_us(without))?,
        cpu_us_with: Spread::over(&measured, |(_, with)| each_us(with))?,
        cpu_ratio: Spread::over(&measured, |(without, with)| with.cpu_s / without.cpu_s)?,
        per_s_ratio: Spread::over(&measured, |(without, with)| without.seconds / with.seconds)?,
    })
}

/// Runs the dataflow in this process. The time is from the first answer to the last, the CPU time from the start of the
/// dataflow.
fn land(workers: usize, model: &VersionedModel, asked: &[Request]) -> anyhow::Result<Cost> {
    let (file, _) = EmbeddedFile::with(asked, "")?;
    let scorer: Arc<dyn Scorer<Flights>> = Arc::new(model.clone());
    let (connections, stop) =
        (Connections::new(log::open::<Flights>(&file.url)?, store::open(&file.url)?), Stop::default());
    let (config, models) = (Config::new(workers), Models::fixed(scorer));
    let counters = Arc::new(Counters::of::<Flights>());
    thread::scope(|scope| {
        let clock = Clock::start();
        let run = scope.spawn(|| score::run(&config, &connections, &models, &counters, &stop));
        let landed_per_s = file.landed_per_s(asked.len(), |_| Ok(()));
        let cost = clock.read();
        stop.request();
        run.join().ok().context("a worker panicked")??;
        Ok(Cost { seconds: asked.len() as f64 / landed_per_s?, ..cost })
    })
}
