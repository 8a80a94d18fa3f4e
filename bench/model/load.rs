//! The time to load a model, and to score with it. The file is read from the page cache, checked and decoded.

use std::{fs, hint::black_box, time::Instant};

use delaycast::{
    history,
    model::{Model, ModelDir},
    request::Request,
};
use serde::{Deserialize, Serialize};

use crate::{
    embedded::steps::score_all,
    process::Target,
    requests,
    results::{Measurement, Spread},
};

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of loads
    #[arg(long, default_value_t = 101)]
    rounds: usize,
    /// Number of requests that are scored
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// Requests of a batch
    #[arg(long, default_value_t = 2000)]
    batch: usize,
    /// Number of rounds, each of all requests
    #[arg(long, default_value_t = 5)]
    score_rounds: usize,
}

/// Each time includes the drop of the step's result.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    model_bytes: u64,
    read_ms: Spread,
    decode_ms: Spread,
    /// Reading and decoding, which includes the checksum.
    load_ms: Spread,
    score_without_flight_number_us: Spread,
    score_with_flight_number_us: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "load";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let dir = ModelDir::new(&options.target.models);
    let version = dir.current()?;
    let bytes = dir.read(&version)?;
    let (model, rounds) = (dir.load_current()?.model, options.rounds);
    Ok(Values {
        model_bytes: fs::metadata(dir.path_of(&version))?.len(),
        read_ms: times_ms(rounds, || Ok(dir.read(&version)?))?,
        decode_ms: times_ms(rounds, || Ok(Model::decode(&bytes)?))?,
        load_ms: times_ms(rounds, || Ok(dir.load(&version)?))?,
        score_without_flight_number_us: score_us(options, &model, false)?,
        score_with_flight_number_us: score_us(options, &model, true)?,
    })
}

fn times_ms<T>(rounds: usize, step: impl Fn() -> anyhow::Result<T>) -> anyhow::Result<Spread> {
    let mut times_ms = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        drop(black_box(step()?));
        times_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Spread::of(times_ms)
}

/// The time for a request.
fn score_us(options: &Options, model: &Model, with_numbers: bool) -> anyhow::Result<Spread> {
    let asked = asked(options.requests, with_numbers)?;
    let mut times_us = Vec::with_capacity(options.score_rounds);
    for _ in 0..options.score_rounds {
        let started = Instant::now();
        score_all(model, &asked, options.batch);
        times_us.push(started.elapsed().as_secs_f64() * 1e6 / asked.len() as f64);
    }
    Spread::of(times_us)
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
