//! Answers per second into the embedded store, beside the single steps on one thread, the store's writes among them.

use delaycast::model::{Model, ModelDir};
use serde::{Deserialize, Serialize};

use super::{
    EmbeddedFile,
    steps::{self, Steps},
};
use crate::{
    process::{Process, Target},
    requests,
    results::{Measurement, Spread},
};

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
    /// Number of rounds, each of all
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    answered_per_s: Spread,
    published_per_s: Spread,
    decoded_per_s: Spread,
    scored_per_s: Spread,
    encoded_per_s: Spread,
    written_per_s: Spread,
    /// Answered by written alone.
    answered_by_written: Spread,
    /// The scorer's CPU time for an answer, start and loading the model included.
    answer_cpu_us: Spread,
    /// The mean length of an answer's JSON.
    answer_bytes: usize,
}

impl Measurement for Options {
    const NAME: &'static str = "embedded-throughput";
    type Values = Values;
}

struct Round {
    published_per_s: f64,
    answered_per_s: f64,
    cpu_s: f64,
    steps: Steps,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let asked = requests::make(options.requests, 1)?;
    let model = ModelDir::new(&options.target.models).load_current()?.map(Model::explaining);
    let mut rounds = Vec::with_capacity(options.rounds);
    for number in 1..=options.rounds {
        let (file, published_per_s) = EmbeddedFile::with(&asked, "")?;
        let scorer = Process::score(&options.target, options.workers, &file.url, &[])?;
        let answered_per_s = file.landed_per_s(asked.len(), |_| Ok(()))?;
        let cpu_s = scorer.cpu_s()?;
        drop(scorer);
        println!("  round {number} of {}: {answered_per_s:.0}/s", options.rounds);
        rounds.push(Round { published_per_s, answered_per_s, cpu_s, steps: steps::measure(&asked, &model)? });
    }
    let over = |number: fn(&Round) -> f64| Spread::over(&rounds, number);
    Ok(Values {
        answered_per_s: over(|round| round.answered_per_s)?,
        published_per_s: over(|round| round.published_per_s)?,
        decoded_per_s: over(|round| round.steps.decoded_per_s)?,
        scored_per_s: over(|round| round.steps.scored_per_s)?,
        encoded_per_s: over(|round| round.steps.encoded_per_s)?,
        written_per_s: over(|round| round.steps.written_per_s)?,
        answered_by_written: over(|round| round.answered_per_s / round.steps.written_per_s)?,
        answer_cpu_us: Spread::over(&rounds, |round| round.cpu_s * 1e6 / asked.len() as f64)?,
        answer_bytes: rounds.first().map(|round| round.steps.answer_bytes).unwrap_or_default(),
    })
}
