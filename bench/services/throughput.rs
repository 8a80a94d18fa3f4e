//! Answers per second to requests that wait in a topic of four partitions, into a store and into a sink that drops
//! them, beside the throughput of a plain consumer and of a plain driver.

use std::{sync::Arc, time::Instant};

use anyhow::ensure;
use delaycast::{
    domain::Flights,
    model::{Model, ModelDir, VersionedModel},
    request::Request,
};
use delaycast_dataflows::score::Models;
use engine::{
    delivery::ROWS_PER_WRITE_MAX,
    log,
    store::{self, Store},
};

use super::{
    Options, mongo,
    mongo::TestDatabase,
    score::{NullStore, Run},
    topic::Topic,
};
use crate::{embedded::steps::answers, process::thread_seconds, requests, results::Compared};

/// Throughput in requests per second.
pub(super) struct Throughput {
    pub(super) published_per_s: f64,
    pub(super) into_null_sink: Compared,
    pub(super) into_store: Compared,
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Throughput> {
    let topic = Topic::make(&options.servers.kafka, "throughput")?;
    let asked = requests::make(options.requests, 1)?;
    let started = Instant::now();
    requests::publish(&log::open::<Flights>(&topic.url("none"))?.producer()?, &asked)?;
    let published_per_s = asked.len() as f64 / started.elapsed().as_secs_f64();
    let model = ModelDir::new(&options.target.models).load_current()?.map(Model::explaining);
    let documents = documents(&asked, &model);
    drop(asked);
    let models = Models::fixed(Arc::new(model));
    let score = |log: &str, store: Arc<dyn Store<Flights>>| {
        let rate =
            Run { workers: options.workers, count: options.requests, log, models: &models }.score(store, |_| Ok(()))?;
        println!("    CPU: {}", thread_seconds("/proc/self")?);
        anyhow::Ok(rate)
    };

    let (mut dropped, mut landed) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        println!("  round {round} of {}", options.rounds);
        let consumed = report("read and dropped by a plain consumer", topic.consume(options.requests)?);
        let url = topic.url(&format!("null-{round}"));
        let answered = report("answered into a null sink", score(&url, Arc::new(NullStore))?);
        dropped.push((answered, consumed));
        let alone = TestDatabase::make(&options.servers.mongo, &format!("insert_{round}"))?;
        let rate = alone.insert(documents.clone(), options.workers, ROWS_PER_WRITE_MAX)?;
        let inserted = report("inserted by the plain driver", rate);
        drop(alone);
        let database = TestDatabase::make(&options.servers.mongo, &format!("land_{round}"))?;
        let url = topic.url(&format!("store-{round}"));
        let rate = score(&url, store::open(database.url())?)?;
        landed.push((report("answered into the store", rate), inserted));
        ensure!(database.count()? == options.requests as u64, "the store has {} answers", database.count()?);
    }
    let (into_null_sink, into_store) = (Compared::of(&dropped)?, Compared::of(&landed)?);
    Ok(Throughput { published_per_s, into_null_sink, into_store })
}

fn report(what: &str, rate: f64) -> f64 {
    println!("    {what}: {rate:.0}/s");
    rate
}

fn documents(asked: &[Request], model: &VersionedModel) -> Vec<mongodb::bson::Document> {
    answers(model, asked).iter().map(mongo::document).collect()
}
