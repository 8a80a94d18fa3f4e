//! The cost of explanations: each step with a model that explains and with one that does not, in turns.

use std::{hint::black_box, sync::Arc, thread, time::Instant};

use anyhow::Context;
use chrono::Utc;
use delaycast::{
    domain::{Answer, Flights},
    model::{Model, ModelDir, VersionedModel},
    request::Request,
};
use delaycast_dataflows::score::{self, Config, Connections, Counters, Models};
use engine::{document::Json, log, model::Scorer, runtime::Stop, store};

use crate::{
    Options,
    clock::{Clock, Cost},
    requests,
    watch_cost::rate,
};

/// Requests of a batch, and answers of a write, as many as two busy workers have.
const BATCH: usize = 2000;
/// Rounds of both ways in turns; the medians are reported.
const ROUNDS: usize = 5;
/// Repetitions of fast steps, so that their time can be measured.
const REPEATED: usize = 5;

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let asked = requests::make(options.requests, 1)?;
    let plain = ModelDir::new(&options.models).load_current()?;
    let started = Instant::now();
    let explaining = plain.clone().map(Model::explaining);
    println!("prepared in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let model = |with| if with { &explaining } else { &plain };
    let answers = [false, true].map(|with| answers(model(with), &asked));
    let answers = |with| &answers[usize::from(with)];
    let size = |with| Ok(bytes(answers(with))? as f64 / asked.len() as f64);
    let (without, with): (anyhow::Result<f64>, anyhow::Result<f64>) = (size(false), size(true));
    println!("bytes of JSON each: {:.0} without, {:.0} with", without?, with?);
    compare("scored", asked.len() * REPEATED, |with| {
        let clock = Clock::start();
        (0..REPEATED).for_each(|_| score_all(model(with), &asked));
        Ok(clock.read())
    })?;
    compare("put into JSON", asked.len() * REPEATED, |with| {
        let clock = Clock::start();
        for _ in 0..REPEATED {
            bytes(answers(with))?;
        }
        Ok(clock.read())
    })?;
    compare("written to the store alone", asked.len(), |with| {
        let dir = tempfile::tempdir_in(".")?;
        let mut writer =
            store::open::<Flights>(&format!("sqlite:{}", dir.path().join("why.db").display()))?.answers()?;
        let clock = Clock::start();
        for batch in answers(with).chunks(BATCH) {
            writer.write(batch)?;
        }
        Ok(clock.read())
    })?;
    compare("answered and durable", asked.len(), |with| land(options, model(with), &asked))
}

fn compare(what: &str, count: usize, cost: impl Fn(bool) -> anyhow::Result<Cost>) -> anyhow::Result<()> {
    let median = |mut numbers: Vec<f64>| {
        numbers.sort_unstable_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((cost(false)?, cost(true)?));
    }
    let of = |number: &dyn Fn(&(Cost, Cost)) -> f64| median(rounds.iter().map(number).collect());
    let each_us = |cost: &Cost| cost.cpu_s / count as f64 * 1e6;
    println!(
        "{what}: {:.2} µs of CPU each without, {:.2} with; with / without, medians of {ROUNDS} rounds: CPU {:.2}, per second {:.2}",
        of(&|(without, _)| each_us(without)),
        of(&|(_, with)| each_us(with)),
        of(&|(without, with)| with.cpu_s / without.cpu_s),
        of(&|(without, with)| without.seconds / with.seconds),
    );
    Ok(())
}

fn score_all(model: &VersionedModel, asked: &[Request]) {
    let mut scores = Vec::with_capacity(BATCH);
    for batch in asked.chunks(BATCH) {
        scores.clear();
        model.score(batch, &mut scores);
        black_box(&scores);
    }
}

fn answers(model: &VersionedModel, asked: &[Request]) -> Vec<Answer> {
    let mut scores = Vec::with_capacity(asked.len());
    model.score(asked, &mut scores);
    let answer = |(request, score): (&Request, _)| Answer {
        request: request.clone(),
        score,
        model: model.version.clone(),
        scored_at: Utc::now(),
    };
    asked.iter().zip(scores).map(answer).collect()
}

fn bytes(answers: &[Answer]) -> anyhow::Result<usize> {
    answers.iter().map(|answer| Ok(serde_json::to_string(&Json(&answer.to_document()))?.len())).sum()
}

/// Runs the dataflow in this process. The time is from the first answer to the last, the CPU time from the start of the
/// dataflow.
fn land(options: &Options, model: &VersionedModel, asked: &[Request]) -> anyhow::Result<Cost> {
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let (log, store) = (log::open::<Flights>(&url)?, store::open(&url)?);
    requests::publish(&log.producer()?, asked)?;
    let scorer: Arc<dyn Scorer<Flights>> = Arc::new(model.clone());
    let (connections, stop) = (Connections::new(log, store), Stop::default());
    let config = Config::new(options.workers);
    thread::scope(|scope| {
        let clock = Clock::start();
        let run = scope.spawn(|| {
            score::run(
                &config,
                &connections,
                &Models::fixed(Arc::clone(&scorer)),
                &Arc::new(Counters::of::<Flights>()),
                &stop,
            )
        });
        let rate = rate(&path, asked.len());
        let cost = clock.read();
        stop.request();
        run.join().ok().context("a worker panicked")??;
        Ok(Cost { seconds: asked.len() as f64 / rate?, ..cost })
    })
}
