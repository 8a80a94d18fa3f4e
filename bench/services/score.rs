//! The score dataflow over requests that wait in a topic.

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use delaycast::domain::{Answer, Flights};
use delaycast_dataflows::score::{Config, Connections, Counters, Models, run};
use engine::{
    answer::Rejection,
    delivery::{Refusal, Unavailable, Writer},
    finding::Finding,
    follow::Version,
    log,
    runtime::Stop,
    store::{Lookup, Store, Tail},
};

use crate::clock::per_s;

/// Interval between two readings of the counters.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(1);

/// A run over the waiting requests.
pub(crate) struct Run<'a> {
    pub(crate) workers: usize,
    /// The number of requests.
    pub(crate) count: usize,
    /// The URL of the log.
    pub(crate) log: &'a str,
    pub(crate) models: &'a Models<Flights>,
}

impl Run<'_> {
    /// Answers per second that the sink acknowledges, from the first ones that are counted to the last. `seen` is
    /// called with each new count.
    pub(crate) fn score(
        &self,
        store: Arc<dyn Store<Flights>>,
        seen: impl FnMut(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<f64> {
        let connections = Connections::new(log::open::<Flights>(self.log)?, store);
        let (stop, counters) = (Stop::default(), Arc::new(Counters::of::<Flights>()));
        let config = Config::new(self.workers);
        let answers = || {
            ensure!(counters.dead_letters.get() == 0, "there are dead letters");
            Ok(counters.answers.get() as usize)
        };
        thread::scope(|scope| {
            let running = scope.spawn(|| run(&config, &connections, self.models, &counters, &stop));
            let rate = per_s(self.count, SAMPLE_INTERVAL, answers, seen);
            stop.request();
            running.join().ok().context("a worker panicked")??;
            rate
        })
    }
}

/// A store that drops everything.
pub(crate) struct NullStore;

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
