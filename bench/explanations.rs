//! What it costs that an answer says why: each step with a model that does and with one that does not, in turns.

use std::{sync::Arc, thread, time::Instant};

use anyhow::Context;
use chrono::Utc;
use delaycast::{
    answer::Answer,
    document::Json,
    log,
    model::{ModelDir, Scorer, VersionedModel},
    request::Request,
    store,
};
use delaycast_dataflows::score::{self, Config, Connections, Counters, Stop};

use crate::{
    Options, requests,
    watch_cost::{compare, rate},
};

/// So many requests are scored together, and so many answers written: what two busy workers come to.
const BATCH: usize = 2000;

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    let asked = requests::make(options.requests, 1)?;
    let plain = ModelDir::new(&options.models).load_current()?;
    let started = Instant::now();
    let explaining = plain.clone().explaining();
    println!("prepared in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    let model = |with| if with { &explaining } else { &plain };
    for with in [false, true] {
        println!("{} bytes of JSON an answer, {with}", bytes(&answers(model(with), &asked))? / asked.len());
    }
    compare("that say why: scored", |with| Ok(scored_per_second(model(with), &asked)))?;
    compare("that say why: put into JSON", |with| {
        let answers = answers(model(with), &asked);
        let started = Instant::now();
        bytes(&answers)?;
        Ok(asked.len() as f64 / started.elapsed().as_secs_f64())
    })?;
    compare("that say why: written to the store alone", |with| {
        let answers = answers(model(with), &asked);
        let dir = tempfile::tempdir_in(".")?;
        let mut writer = store::open(&format!("sqlite:{}", dir.path().join("why.db").display()))?.answers()?;
        let started = Instant::now();
        for batch in answers.chunks(BATCH) {
            writer.write(batch)?;
        }
        Ok(asked.len() as f64 / started.elapsed().as_secs_f64())
    })?;
    compare("that say why: answered and durable", |with| landed_per_second(options, model(with), &asked))
}

fn scored_per_second(model: &VersionedModel, asked: &[Request]) -> f64 {
    let mut scores = Vec::with_capacity(BATCH);
    let started = Instant::now();
    for batch in asked.chunks(BATCH) {
        scores.clear();
        model.score(batch, &mut scores);
    }
    asked.len() as f64 / started.elapsed().as_secs_f64()
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

/// The whole way, in this process.
fn landed_per_second(options: &Options, model: &VersionedModel, asked: &[Request]) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("delaycast.db");
    let url = format!("sqlite:{}", path.display());
    let (log, store) = (log::open(&url)?, store::open(&url)?);
    requests::publish(&log.producer()?, asked)?;
    let scorer: Arc<dyn Scorer> = Arc::new(model.clone());
    let (connections, stop) = (Connections::new(log, store), Stop::default());
    let config = Config::new(options.workers);
    thread::scope(|scope| {
        let run = scope.spawn(|| score::run(&config, &connections, &scorer, &Arc::new(Counters::default()), &stop));
        let rate = rate(&path, asked.len());
        stop.ask();
        run.join().ok().context("a worker panicked")??;
        rate
    })
}
