//! Answers per second to requests that wait in a topic of four partitions, into a store and into a sink that drops
//! them, beside the throughput of a plain consumer and of a plain driver.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use delaycast::{
    domain::{Answer, Flights},
    model::{Model, ModelDir, VersionedModel},
    request::Request,
};
use delaycast_dataflows::score::{Config, Connections, Counters, Models, run};
use engine::{
    answer::Rejection,
    delivery::{ROWS_PER_WRITE_MAX, Refusal, Unavailable, Writer},
    finding::Finding,
    follow::Version,
    log,
    runtime::Stop,
    store::{self, Lookup, Store, Tail},
};

use super::{Options, mongo, mongo::TestDatabase, topic::Topic};
use crate::{clock::per_s, embedded::steps::answers, process::thread_seconds, requests, results::Compared};

/// Interval between two readings of the counters.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(1);

/// Throughput in requests per second.
pub(super) struct Throughput {
    pub(super) published_per_s: f64,
    pub(super) into_null_sink: Compared,
    pub(super) into_store: Compared,
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Throughput> {
    let topic = Topic::make(&options.kafka, "throughput")?;
    let asked = requests::make(options.requests, 1)?;
    let started = Instant::now();
    requests::publish(&log::open::<Flights>(&topic.url("none"))?.producer()?, &asked)?;
    let published_per_s = asked.len() as f64 / started.elapsed().as_secs_f64();
    let model = ModelDir::new(&options.target.models).load_current()?.map(Model::explaining);
    let documents = documents(&asked, &model);
    drop(asked);
    let models = Models::fixed(Arc::new(model));

    let (mut dropped, mut landed) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        println!("  round {round} of {}", options.rounds);
        let consumed = report("read and dropped by a plain consumer", topic.consume(options.requests)?);
        let url = topic.url(&format!("null-{round}"));
        let answered = report("answered into a null sink", score(options, &url, Arc::new(NullStore), &models)?);
        dropped.push((answered, consumed));
        let alone = TestDatabase::make(&options.mongo, &format!("insert_{round}"))?;
        let rate = alone.insert(documents.clone(), options.workers, ROWS_PER_WRITE_MAX)?;
        let inserted = report("inserted by the plain driver", rate);
        drop(alone);
        let database = TestDatabase::make(&options.mongo, &format!("land_{round}"))?;
        let url = topic.url(&format!("store-{round}"));
        let rate = score(options, &url, store::open(database.url())?, &models)?;
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

/// Answers per second that the sink acknowledges, from the first ones that are counted to the last.
fn score(
    options: &Options,
    log: &str,
    store: Arc<dyn Store<Flights>>,
    models: &Models<Flights>,
) -> anyhow::Result<f64> {
    let connections = Connections::new(log::open::<Flights>(log)?, store);
    let (stop, counters) = (Stop::default(), Arc::new(Counters::of::<Flights>()));
    let config = Config::new(options.workers);
    thread::scope(|scope| {
        let running = scope.spawn(|| run(&config, &connections, models, &counters, &stop));
        let rate = watch(&counters, options.requests);
        stop.request();
        running.join().ok().context("a worker panicked")??;
        rate
    })
}

fn watch(counters: &Counters, count: usize) -> anyhow::Result<f64> {
    let answers = || {
        ensure!(counters.dead_letters.get() == 0, "there are dead letters");
        Ok(counters.answers.get() as usize)
    };
    let rate = per_s(count, SAMPLE_INTERVAL, answers, |_| Ok(()))?;
    println!("    CPU: {}", thread_seconds("/proc/self")?);
    Ok(rate)
}

/// A store that drops everything.
struct NullStore;

impl<T> Writer<T> for NullStore {
    fn write(&mut self, _: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Store<Flights> for NullStore {
    fn describe(&self) -> String {
        "nowhere".to_owned()
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer>>, Unavailable> {
        Ok(Box::new(NullStore))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        Ok(Box::new(NullStore))
    }

    fn versions(&self) -> Result<Box<dyn Writer<Version<Flights>>>, Unavailable> {
        Ok(Box::new(NullStore))
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Err(Unavailable::needs_operator("nothing is kept here"))
    }

    fn inspect(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn tail(&self, _: DateTime<Utc>) -> Result<Box<dyn Tail<Flights>>, Unavailable> {
        Err(Unavailable::needs_operator("nothing is kept here"))
    }
}
