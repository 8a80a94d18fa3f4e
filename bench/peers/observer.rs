//! The load generator and observer of all systems from topic to topic: publishes requests at a steady rate, and reads
//! the answers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use delaycast::request::{Request, encode};
use rdkafka::{
    Message,
    consumer::BaseConsumer,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use serde::Deserialize;

use super::copy::consumer_of;
use crate::{requests, services::topic::Topic};

/// Interval between two requests before the first answer.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// Timeout of the first answer.
const START_TIMEOUT: Duration = Duration::from_secs(180);
/// Timeout without a new answer after the last request.
const LAST_TIMEOUT: Duration = Duration::from_secs(10);
/// Length of a UUID.
const UUID_LEN: usize = 36;

/// The answers that have been read, by their requests' ids.
type Answers = Mutex<HashMap<String, Instant>>;

pub(super) struct Observer {
    producer: ThreadedProducer<DefaultProducerContext>,
    requests: String,
    answers: Arc<Answers>,
    stop: Arc<AtomicBool>,
    reading: Option<JoinHandle<anyhow::Result<()>>>,
    seed: u64,
}

/// The latencies of the requests that were answered, and how many there were.
pub(super) struct Observed {
    pub(super) asked: usize,
    pub(super) latencies: Vec<Duration>,
}

impl Observer {
    pub(super) fn start(requests: &Topic, answers: &Topic) -> anyhow::Result<Self> {
        let consumer = consumer_of(&requests.config(), answers.name())?;
        // A request is sent at once; the default waits 5 ms for others.
        let producer = requests.config().set("queue.buffering.max.ms", "0").create()?;
        let (read, stop) = (Arc::new(Answers::default()), Arc::new(AtomicBool::new(false)));
        let reading = thread::spawn({
            let (read, stop) = (Arc::clone(&read), Arc::clone(&stop));
            move || read_all(&consumer, &read, &stop)
        });
        let requests = requests.name().to_owned();
        Ok(Observer { producer, requests, answers: read, stop, reading: Some(reading), seed: 0 })
    }

    /// Asks until a request is answered.
    pub(super) fn wait_for_first_answer(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while self.answers().is_empty() {
            ensure!(started.elapsed() < START_TIMEOUT, "no answer in {} s", START_TIMEOUT.as_secs());
            for request in self.make(1)? {
                self.publish(&request)?;
            }
            thread::sleep(PROBE_INTERVAL);
        }
        Ok(())
    }

    /// Asks at a steady rate, and waits for the answers.
    pub(super) fn ask(&mut self, per_s: u32, seconds: u32) -> anyhow::Result<Observed> {
        let asked = self.make((per_s * seconds) as usize)?;
        let interval = Duration::from_secs(1) / per_s.max(1);
        let (mut next, mut published) = (Instant::now(), Vec::with_capacity(asked.len()));
        for request in &asked {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            next += interval;
            // The time starts when the producer gets the request: a late publisher does not add to the latency.
            published.push((request.id.as_str(), Instant::now()));
            self.publish(request)?;
        }
        self.producer.flush(LAST_TIMEOUT).context("the requests are not acknowledged")?;
        let (mut last, mut count) = (Instant::now(), 0);
        loop {
            let answers = self.answers();
            let answered = published.iter().filter(|(id, _)| answers.contains_key(*id)).count();
            drop(answers);
            if answered > count {
                (last, count) = (Instant::now(), answered);
            }
            if answered == asked.len() || last.elapsed() > LAST_TIMEOUT {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.check_reader()?;
        let answers = self.answers();
        let latency = |(id, at): &(&str, Instant)| Some(answers.get(*id)?.saturating_duration_since(*at));
        Ok(Observed { asked: asked.len(), latencies: published.iter().filter_map(latency).collect() })
    }

    fn make(&mut self, count: usize) -> anyhow::Result<Vec<Request>> {
        self.seed += 1;
        requests::make(count, self.seed)
    }

    fn publish(&self, request: &Request) -> anyhow::Result<()> {
        let payload = encode(request);
        let record = BaseRecord::to(&self.requests).key(request.id.as_str()).payload(&payload);
        Ok(self.producer.send(record).map_err(|(error, _)| error)?)
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_reader(&mut self) -> anyhow::Result<()> {
        match self.reading.take_if(|reading| reading.is_finished()) {
            Some(reading) => reading.join().ok().context("the reader of answers panicked")?,
            None => Ok(()),
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reading) = self.reading.take() {
            // Its error has no further use.
            let _ = reading.join();
        }
    }
}

fn read_all(consumer: &BaseConsumer, answers: &Answers, stop: &AtomicBool) -> anyhow::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let (message, at) = (message?, Instant::now());
        if let Some(id) = id_of(message.key(), message.payload().unwrap_or_default()) {
            // The first answer counts.
            answers.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(at);
        }
    }
    Ok(())
}

/// The id of the request that a message answers: its key if that is a UUID, else a field of its JSON.
fn id_of(key: Option<&[u8]>, payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "UUID")]
        id: String,
    }
    let key = key.and_then(|key| std::str::from_utf8(key).ok()).filter(|key| key.len() == UUID_LEN);
    key.map(str::to_owned).or_else(|| Some(serde_json::from_slice::<Answer>(payload).ok()?.id))
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn an_answer_is_known_by_its_key_or_by_its_field() {
        let id = "6c03d09c-8355-448a-b07b-54e8d00ad05d";
        let payload = format!(r#"{{"UUID": "{id}", "Prediction": 1.0}}"#);
        assert_eq!(id_of(Some(id.as_bytes()), b"").as_deref(), Some(id));
        assert_eq!(id_of(Some(b"^X1MXHYYG4YM0DB900V28XN5T4W"), payload.as_bytes()).as_deref(), Some(id));
        assert_eq!(id_of(None, payload.as_bytes()).as_deref(), Some(id));
        assert_eq!(id_of(None, b"no JSON"), None);
    }
}
