//! The time to load a model, and to score with it. The file is read from the page cache, checked and decoded.

use std::{fs, hint::black_box, path::PathBuf, time::Instant};

use anyhow::Context;
use delaycast::{
    history,
    model::{Model, ModelDir},
    request::Request,
};
use engine::model::MODEL_FILE;

use crate::requests;

/// Requests per batch.
const BATCH: usize = 2000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The model directory
    #[arg(long)]
    models: PathBuf,
    /// How often it is loaded
    #[arg(long, default_value_t = 101)]
    rounds: usize,
    /// How many requests it is asked
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let dir = ModelDir::new(&options.models);
    let version = dir.current()?;
    let path = options.models.join(version.as_str()).join(MODEL_FILE);
    println!("{version}: {} bytes", fs::metadata(&path)?.len());
    let bytes = dir.read(&version)?;
    times("read", options.rounds, || Ok(dir.read(&version)?))?;
    times("checksum and decode", options.rounds, || Ok(Model::decode(&bytes)?))?;
    times("read, checksum, decode", options.rounds, || Ok(dir.load(&version)?))?;
    let model = dir.load_current()?.model;
    for (what, with_numbers) in [("without flight numbers", false), ("with flight numbers", true)] {
        let asked = asked(options.requests, with_numbers)?;
        let started = Instant::now();
        let mut scores = Vec::with_capacity(BATCH);
        for batch in asked.chunks(BATCH) {
            scores.clear();
            model.score(batch, &mut scores);
            black_box(&scores);
        }
        let each_us = started.elapsed().as_secs_f64() * 1e6 / asked.len() as f64;
        println!("scored {} requests {what}: {each_us:.2} µs each", asked.len());
    }
    Ok(())
}

/// Runs a step repeatedly and prints the time it takes, including the drop of its result.
fn times<T>(what: &str, rounds: usize, step: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<()> {
    let mut times_ms = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        drop(black_box(step()?));
        times_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times_ms.sort_unstable_by(f64::total_cmp);
    let median = times_ms.get(rounds / 2).context("no rounds")?;
    println!("{what}: median {median:.2} ms, least {:.2} ms, {rounds} rounds", times_ms[0]);
    Ok(())
}

/// Requests about flights of the bundled history, spread over the year.
fn asked(count: usize, with_numbers: bool) -> anyhow::Result<Vec<Request>> {
    let flights = history::bundled()?.flights;
    let request = |at: usize| {
        let flight = &flights[at * 7919 % flights.len()];
        let number = flight.flight_num.filter(|_| with_numbers);
        Request { flight_num: number.map(|number| number.to_string()), ..requests::about(flight) }
    };
    Ok((0..count).map(request).collect())
}
