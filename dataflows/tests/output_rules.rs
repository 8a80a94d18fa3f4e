//! Tests of the output topic of the score dataflow: beside a store, and instead of one.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[allow(dead_code, unused_imports, reason = "each test file uses its share")]
mod in_memory;

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use delaycast_dataflows::score::{Config, Connections, Models};
use engine::{
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
    log::{
        self, DeadLetter, DeadLetterReader, DeadLetterSpan, Headers, Log, Message, Producer, PublishCallback, Reader,
        Share, Start, Topic, TopicOptions, Wake,
    },
    output::Output,
    runtime::Mutex,
    store,
};
use in_memory::{
    ByValue, DEADLINE, MemoryLog, MemoryStore, Running,
    domain::{Readings, message},
    until,
};
use serde_json::Value;

/// Time in which a wrong commit would occur.
const SEVERAL_COMMITS: Duration = Duration::from_millis(350);

/// A message that the test log was given: key, payload, headers.
type Published = (String, Value, BTreeMap<&'static str, String>);

/// An output topic in memory, which acknowledges nothing while it holds.
#[derive(Default)]
struct OutputLog {
    published: Mutex<Vec<Published>>,
    holds: Mutex<Option<Vec<PublishCallback>>>,
}

impl OutputLog {
    fn release(&self) {
        let held = self.holds.lock().take();
        held.into_iter().flatten().for_each(acknowledge);
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self.published.lock().iter().map(|(key, ..)| key.clone()).collect();
        ids.sort();
        ids
    }
}

fn acknowledge(done: PublishCallback) {
    let (partition, offset) = (log::PartitionId(0), log::Offset(0));
    done(Ok(log::Position { partition, offset }));
}

struct OutputProducer(Arc<OutputLog>);

impl Producer for OutputProducer {
    fn republish(&self, _: Option<&str>, _: Vec<u8>, _: u32, _: PublishCallback) {}

    fn publish_with(&self, key: Option<&str>, payload: Vec<u8>, headers: Headers, done: PublishCallback) {
        let document = serde_json::from_slice(&payload).unwrap();
        self.0.published.lock().push((key.unwrap().to_owned(), document, headers.into_iter().collect()));
        match &mut *self.0.holds.lock() {
            Some(held) => held.push(done),
            None => acknowledge(done),
        }
    }
}

struct OutputTopic(Arc<OutputLog>);

fn unused<T>() -> Result<T, Unavailable> {
    Err(Unavailable::transient("an output is written to alone"))
}

impl Log for OutputTopic {
    fn describe(&self) -> String {
        "in memory".into()
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        unused()
    }

    fn reader(&self, _: Share, _: Start, _: Wake, _: Arc<Health>) -> Result<Box<dyn Reader>, Unavailable> {
        unused()
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Ok(Arc::new(OutputProducer(Arc::clone(&self.0))))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        unused()
    }

    fn create_topics(&self, _: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        unused()
    }

    fn inspect(&self) -> Vec<Finding> {
        vec![]
    }

    fn read_dead_letters(&self, _: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        unused()
    }
}

fn start(connections: Connections<Readings>) -> Running {
    let config = Config { drain: DEADLINE, ..Config::new(2) };
    Running::start_connected(config, connections, Models::fixed(ByValue::new()))
}

#[test]
fn an_output_beside_the_store_gets_each_answer_and_rejection_with_its_position() {
    let store = MemoryStore::new();
    let (requests, output) = (MemoryLog::new(2, &store), Arc::new(OutputLog::default()));
    for number in 0..10 {
        requests.append(number % 2, message(&format!("request-{number}"), 0.0));
    }
    requests.append(1, br#"{"UUID": "wrong", "Value": 7}"#.to_vec());
    requests.append(1, b"no request".to_vec());
    let connections = Connections::new(Arc::clone(&requests) as _, Arc::clone(&store) as _);
    let running = start(connections.with_output(Output::new(Arc::new(OutputTopic(Arc::clone(&output))))));
    until("all are committed", || requests.uncommitted() == 0);
    let counted = running.counters.messages.get();
    running.stop().unwrap();
    assert_eq!((store.answers().len(), output.ids().len(), counted), (10, 11, 11));
    let published = output.published.lock();
    let of = |id: &str| published.iter().find(|(key, ..)| key == id).unwrap();
    let (_, document, headers) = of("request-5");
    assert_eq!((&document["UUID"], &document["ModelVersion"]), (&"request-5".into(), &"by-value".into()));
    assert_eq!((&*headers["delaycast-position"], &*headers["delaycast-model"]), ("1/2", "by-value"));
    let (_, document, headers) = of("wrong");
    assert_eq!((&*headers["delaycast-outcome"], &*headers["delaycast-position"]), ("rejected", "1/5"));
    assert_eq!(document["Reason"], "Sensor: is missing");
}

#[test]
fn an_offset_is_committed_only_once_the_output_has_acknowledged_too() {
    let store = MemoryStore::new();
    let (requests, output) = (MemoryLog::new(2, &store), Arc::new(OutputLog::default()));
    *output.holds.lock() = Some(Vec::new());
    (0..10).for_each(|number| requests.append(number % 2, message(&format!("request-{number}"), 0.0)));
    let connections = Connections::new(Arc::clone(&requests) as _, Arc::clone(&store) as _);
    let running = start(connections.with_output(Output::new(Arc::new(OutputTopic(Arc::clone(&output))))));
    until("all are in the store", || store.answers().len() == 10);
    thread::sleep(SEVERAL_COMMITS);
    assert_eq!(requests.uncommitted(), 10);
    output.release();
    until("all are committed", || requests.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(requests.breaches(), Vec::<String>::new());
}

/// Returns the messages of an embedded topic, when there are this many.
fn read(log: &dyn Log, wanted: usize) -> Vec<Message> {
    let health = Arc::new(Health::new("the output"));
    let mut reader = log.reader(Share::ALL, Start::Earliest, Arc::new(|| ()), health).unwrap();
    let mut messages = Vec::new();
    until("the messages are there", || {
        reader.poll(1000, &mut messages);
        messages.len() >= wanted
    });
    messages
}

#[test]
fn an_output_instead_of_a_store_has_the_answers_alone_and_a_second_run_repeats_none() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("x.db").display());
    let (requests, output) = (log::open::<Readings>(&url).unwrap(), log::open_output::<Readings>(&url).unwrap());
    let producer = requests.producer().unwrap();
    for number in 0..50 {
        producer.publish(None, message(&format!("request-{number}"), 0.0), Box::new(|_| ()));
    }
    for _ in 0..2 {
        let connections = Connections::new(Arc::clone(&requests), store::open::<Readings>("none").unwrap());
        let running = start(connections.with_output(Output::new(Arc::clone(&output))));
        until("all is committed", || running.counters.lag.get() == Some(0) && running.counters.in_flight() == 0);
        let (answers, messages) = (running.counters.answers.get(), running.counters.messages.get());
        assert_eq!(answers, messages);
        running.stop().unwrap();
    }
    let messages = read(&*output, 50);
    assert_eq!(messages.len(), 50);
    let answered = |it: &Message| serde_json::from_slice::<Value>(it.payload.bytes()).unwrap()["Level"].is_string();
    assert!(messages.iter().all(answered));
}
