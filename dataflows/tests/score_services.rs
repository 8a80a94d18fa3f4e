//! The score dataflow between a real Kafka and a real MongoDB: stopped in the middle, it answers every request.
//!
//! It runs where `KAFKA_URL` and `MONGO_URL` name services, as in `kafka://127.0.0.1:9092` and
//! `mongodb://127.0.0.1:27017`, and leaves a topic and a database behind, both called `test-score` and a number.

#![allow(unreachable_pub, clippy::expect_used, clippy::print_stdout)]

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use delaycast::{
    answer::{ModelVersion, Score},
    classes::DelayClass,
    delivery::Health,
    log::{self, Log, Share},
    model::Scorer,
    request::Request,
    store::{self, Lookup, Outcome, Store},
};
use delaycast_dataflows::score::{Config, Connections, Counters, Error, Stop, run};

const DEADLINE: Duration = Duration::from_secs(60);
const REQUESTS: usize = 600;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Scores by departure delay alone.
struct ByDelay(ModelVersion);

impl Scorer for ByDelay {
    fn version(&self) -> &ModelVersion {
        &self.0
    }

    fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        scores.extend(requests.iter().map(|request| Score {
            probabilities: [0.25; 4],
            class: DelayClass::of_delay(request.dep_delay.unwrap_or(0.0) as f32),
            distance: 2139.0,
            remarks: vec![],
        }));
    }
}

/// What the message of a number asks; every tenth one names no carrier.
fn message(id: &str, number: usize) -> String {
    let carrier = if number % 10 == 9 { "" } else { r#""Carrier": "AA", "# };
    let delay = number as f64 % 100.0 - 30.0;
    format!(
        r#"{{"UUID": "{id}", {carrier}"Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25", "DepDelay": {delay:.1}}}"#
    )
}

fn prediction(number: usize) -> f64 {
    DelayClass::of_delay(number as f32 % 100.0 - 30.0).wire_value()
}

struct Services {
    log: Arc<dyn Log>,
    dead_letters: Arc<dyn Log>,
    store: Arc<dyn Store>,
}

fn services() -> Option<Services> {
    let (Ok(kafka), Ok(mongo)) = (std::env::var("KAFKA_URL"), std::env::var("MONGO_URL")) else {
        println!("skipped: KAFKA_URL and MONGO_URL name no Kafka and no MongoDB to test with");
        return None;
    };
    let (kafka, mongo) = (kafka.trim_end_matches('/'), mongo.trim_end_matches('/'));
    let name = format!("test-score-{}", std::process::id());
    let topic = format!("{kafka}/{name}");
    let log = match log::open(&format!("{topic}?partitions=3")) {
        Err(log::OpenError::NoConnector { .. }) => {
            println!("skipped: this build has no connectors");
            return None;
        }
        log => log.expect("the URL of the log"),
    };
    let dead_letters = log::open(&format!("{topic}.dlq")).expect("the URL of the dead letters");
    let store = store::open(&format!("{mongo}/{name}")).expect("the URL of the store");
    Some(Services { log, dead_letters, store })
}

impl Services {
    /// Runs the dataflow until `enough`, then stops it with so much time to drain.
    fn run_until(&self, drain: Duration, mut enough: impl FnMut(&Counters) -> bool) -> Result<(), Error> {
        let connections = Connections::new(Arc::clone(&self.log), Arc::clone(&self.store));
        let scorer: Arc<dyn Scorer> = Arc::new(ByDelay(ModelVersion::new("by-delay")));
        let (stop, counters) = (Stop::default(), Arc::new(Counters::default()));
        let config = Config { drain, ..Config::new(2) };
        thread::scope(|scope| {
            let running = scope.spawn(|| run(&config, &connections, &scorer, &counters, &stop));
            until("enough is done", || enough(&counters));
            stop.ask();
            running.join().expect("a worker panicked")
        })
    }

    fn publish(&self, messages: &[String]) {
        let (producer, (done, landed)) = (self.log.producer().expect("a producer"), channel());
        for message in messages {
            let done = done.clone();
            let report = Box::new(move |result| done.send(result).expect("the test listens"));
            producer.publish(None, message.clone().into_bytes(), report);
        }
        for _ in messages {
            landed.recv_timeout(DEADLINE).expect("a report").expect("an acknowledgement");
        }
    }

    /// What the group has not committed: what a new reader gets before a message that is published now.
    fn uncommitted(&self) -> usize {
        let health = Arc::new(Health::new("the log"));
        let mut reader = self.log.reader(Share::ALL, Arc::new(|| ()), health).expect("a reader");
        // One for each partition, as far as chance has it.
        let ends = vec!["end".to_owned(); 30];
        self.publish(&ends);
        let mut messages = Vec::new();
        until("the end is read", || {
            reader.poll(1000, &mut messages);
            messages.iter().filter(|message| message.payload.bytes() == b"end").count() == ends.len()
        });
        messages.len() - ends.len()
    }
}

#[test]
fn every_request_is_answered_once_whatever_stops_in_the_middle() {
    let Some(services) = services() else { return };
    assert_eq!(services.log.partitions(), Ok(3));
    let run = std::process::id();
    let ids: Vec<String> = (0..REQUESTS).map(|number| format!("{run}-{number}")).collect();
    let messages: Vec<String> = ids.iter().enumerate().map(|(number, id)| message(id, number)).collect();

    let start = Instant::now();
    services.publish(&messages[..REQUESTS / 2]);
    println!("{} requests acknowledged after {:?}", REQUESTS / 2, start.elapsed());
    // No time to drain: what is in flight will be read again.
    let stopped = services.run_until(Duration::ZERO, |counters| counters.read.get() >= 50);
    println!("stopped in the middle: {stopped:?}");
    assert!(matches!(stopped, Ok(()) | Err(Error::Undrained { .. })));
    services.publish(&messages[REQUESTS / 2..]);

    let lookup = services.store.lookup().expect("a lookup");
    let start = Instant::now();
    let mut found = 0;
    let stopped = services.run_until(Config::DRAIN, |_| {
        while found < REQUESTS && lookup.find(&ids[found]).expect("an answer of the store").is_some() {
            found += 1;
        }
        found == REQUESTS
    });
    println!("all {REQUESTS} found {:?} after the restart", start.elapsed());
    stopped.expect("a drained dataflow");

    for (number, id) in ids.iter().enumerate() {
        check(&*lookup, id, number);
    }
    assert_eq!(services.uncommitted(), 0);
    let bad: BTreeSet<&String> = messages.iter().skip(9).step_by(10).collect();
    assert_eq!(dead(&*services.dead_letters, bad.len()), bad.into_iter().cloned().collect());
}

fn check(lookup: &dyn Lookup, id: &str, number: usize) {
    match lookup.find(id).expect("an answer of the store").expect("an outcome") {
        Outcome::Answered(document) => {
            assert_eq!(document["Prediction"], prediction(number), "{id}");
            assert_eq!((&document["UUID"], &document["_id"]), (&id.into(), &id.into()));
            assert!(number % 10 != 9, "{id}");
        }
        Outcome::Rejected(reason) => assert!(number % 10 == 9 && reason.contains("Carrier"), "{id}: {reason}"),
    }
}

/// The dead letters, each once: there are so many different ones.
fn dead(log: &dyn Log, count: usize) -> BTreeSet<String> {
    let mut reader = log.reader(Share::ALL, Arc::new(|| ()), Arc::new(Health::new("dead letters"))).expect("a reader");
    let (mut messages, mut letters) = (Vec::new(), BTreeSet::new());
    until("all dead letters are read", || {
        reader.poll(100, &mut messages);
        letters.extend(messages.drain(..).map(|message| String::from_utf8_lossy(message.payload.bytes()).into_owned()));
        letters.len() >= count
    });
    letters
}
