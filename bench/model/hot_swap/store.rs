//! A store that records when each answer is durable.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use delaycast::domain::{Answer, Flights};
use engine::{
    answer::ModelVersion,
    answer::Rejection,
    delivery::{Refusal, Unavailable, Writer},
    finding::Finding,
    follow::Version,
    runtime::Mutex,
    store::{Lookup, Store, Tail},
};

/// A durable answer, with the times of its request and of its write in microseconds since 1970.
pub(super) struct Landed {
    pub(super) id: String,
    pub(super) asked_us: i64,
    pub(super) landed_us: i64,
    pub(super) model: ModelVersion,
}

/// A store that records the time at which each answer is durable.
pub(super) struct TimedStore {
    pub(super) store: Arc<dyn Store<Flights>>,
    /// False drops the answers instead of writing them.
    pub(super) keeps: bool,
    pub(super) landed: Arc<Mutex<Vec<Landed>>>,
}

struct TimedWriter {
    keeps: bool,
    writer: Box<dyn Writer<Answer>>,
    landed: Arc<Mutex<Vec<Landed>>>,
}

impl Writer<Answer> for TimedWriter {
    fn write(&mut self, rows: &[Answer]) -> Result<Vec<Refusal>, Unavailable> {
        let refusals = if self.keeps { self.writer.write(rows)? } else { Vec::new() };
        let landed_us = Utc::now().timestamp_micros();
        let asked_us = |answer: &Answer| answer.request.asked_at.map(|at| at.and_utc().timestamp_micros());
        let landed = |answer: &Answer| {
            let (id, model) = (answer.request.id.to_string(), answer.model.clone());
            Some(Landed { id, asked_us: asked_us(answer)?, landed_us, model })
        };
        self.landed.lock().extend(rows.iter().filter_map(landed));
        Ok(refusals)
    }
}

impl Store<Flights> for TimedStore {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer>>, Unavailable> {
        Ok(Box::new(TimedWriter { keeps: self.keeps, writer: self.store.answers()?, landed: Arc::clone(&self.landed) }))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        self.store.rejections()
    }

    fn versions(&self) -> Result<Box<dyn Writer<Version<Flights>>>, Unavailable> {
        self.store.versions()
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        self.store.lookup()
    }

    fn inspect(&self) -> Vec<Finding> {
        self.store.inspect()
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<Flights>>, Unavailable> {
        self.store.tail(since)
    }
}
