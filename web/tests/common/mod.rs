//! The parts that the tests give to the web: a log and a store in memory, and a few airports.

#![allow(dead_code, reason = "each test file uses its share")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

pub(crate) mod axe;
pub(crate) mod browser;
pub(crate) mod evaluation;
pub(crate) mod history;
pub(crate) mod http_server;
pub(crate) mod openapi;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod site;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::NaiveDate;
use delaycast::{
    airports::{Airport, Airports, Route},
    delay_forecast::DelayForecast,
    domain::{Answer, Flights},
    explanation::{Change, Explanation, Factor},
    explore::Preparation,
    features::KnownInputs,
    flight::Code,
    request::{self, Request},
};
use delaycast_web::{Config, Parts};
use engine::{
    batch::{BatchAnswer, Place, Task},
    delivery::{Refusal, Unavailable},
    document,
    log::{LetterLog, Offset, PartitionId, Position, Producer, PublishCallback, PublishError},
    store::{self, Batches, DayCounts, Lookup, Outcome, ResultPage, Store},
};
use serde_json::{Map, Value, json};

use operations::{InMemoryOperations, KeptLetters};

/// The outcome of a publication to the in-memory log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishOutcome {
    /// The message is kept and acknowledged.
    Acknowledges,
    /// The message is kept and not acknowledged.
    Silent,
    /// The log is unavailable.
    Fails,
}

/// A log in memory.
pub(crate) struct InMemoryLog {
    pub(crate) outcome: Mutex<PublishOutcome>,
    pub(crate) published: Mutex<Vec<(Option<String>, Vec<u8>)>>,
    /// Callbacks that are never called: dropping one would be an answer.
    unanswered: Mutex<Vec<PublishCallback>>,
}

impl Producer for InMemoryLog {
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, _: u32, done: PublishCallback) {
        let outcome = *self.outcome.lock().unwrap();
        if outcome == PublishOutcome::Fails {
            done(Err(PublishError::Unavailable(Unavailable::transient("the <b>broker</b> is away"))));
            return;
        }
        let mut published = self.published.lock().unwrap();
        let offset = Offset(published.len() as u64);
        published.push((key.map(str::to_owned), payload));
        match outcome {
            PublishOutcome::Silent => self.unanswered.lock().unwrap().push(done),
            _ => done(Ok(Position { partition: PartitionId(0), offset })),
        }
    }
}

impl InMemoryLog {
    /// Returns the published requests, and checks their keys.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let published = self.published.lock().unwrap();
        let decoded = published.iter().map(|(key, payload)| {
            let request = request::decode(payload).unwrap();
            assert_eq!(key.as_deref(), Some(request.id.as_str()), "keyed by UUID");
            request
        });
        decoded.collect()
    }
}

/// A store in memory, filled by the test.
#[derive(Default)]
pub(crate) struct InMemoryStore {
    pub(crate) outcomes: Mutex<HashMap<String, Outcome>>,
    /// The versions of each answer.
    pub(crate) versions: Mutex<HashMap<String, Vec<Map<String, Value>>>>,
    /// The duration of a lookup.
    pub(crate) delay: Mutex<Duration>,
    pub(crate) down: Mutex<bool>,
    /// Concurrent lookups: now, and at most.
    pub(crate) under_way: Mutex<(usize, usize)>,
}

impl Lookup for InMemoryStore {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        {
            let mut under_way = self.under_way.lock().unwrap();
            under_way.0 += 1;
            under_way.1 = under_way.1.max(under_way.0);
        }
        let delay = *self.delay.lock().unwrap();
        std::thread::sleep(delay);
        self.under_way.lock().unwrap().0 -= 1;
        if *self.down.lock().unwrap() {
            return Err(Unavailable::transient("the <i>database</i> is away"));
        }
        Ok(self.outcomes.lock().unwrap().get(id).cloned())
    }

    fn versions(&self, id: &str, after: u32) -> Result<Vec<Map<String, Value>>, Unavailable> {
        if *self.down.lock().unwrap() {
            return Err(Unavailable::transient("the <i>database</i> is away"));
        }
        let versions = self.versions.lock().unwrap();
        Ok(versions.get(id).map(|all| all[(after as usize).min(all.len())..].to_vec()).unwrap_or_default())
    }
}

impl InMemoryStore {
    /// Lands the next version of an answer: its median, the state of the following, and what is known of the flight.
    pub(crate) fn put_version(&self, request: &Request, median: i32, following: Value, live: Value) {
        let Outcome::Answered(mut document) = answer_to(request) else { panic!("no answer") };
        let (mut versions, id) = (self.versions.lock().unwrap(), request.id.as_str());
        let all = versions.entry(id.to_owned()).or_default();
        document.insert("_id".into(), format!("{id}#{}", all.len() + 1).into());
        document.insert("Version".into(), (all.len() + 1).into());
        document["ArrDelay"]["P50"] = median.into();
        document["ArrDelay"]["P90"] = (median + 40).into();
        document.insert("Following".into(), following);
        document.insert("Live".into(), live);
        all.push(document);
    }

    pub(crate) fn put(&self, id: &str, outcome: Outcome) {
        self.outcomes.lock().unwrap().insert(id.to_owned(), outcome);
    }
}

/// The tasks and results of an embedded store.
pub(crate) struct StoredBatches {
    pub(crate) store: Arc<dyn Store<Flights>>,
    batches: Box<dyn Batches>,
    _dir: tempfile::TempDir,
}

impl StoredBatches {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store::open::<Flights>(&format!("sqlite:{}/batches.db", dir.path().display())).unwrap();
        StoredBatches { batches: store.batches().unwrap(), store, _dir: dir }
    }

    /// Answers a task as the batch does.
    pub(crate) fn answer(&self, task: &Task) {
        let request = request::decode(&serde_json::to_vec(&task.message).unwrap()).unwrap();
        let answer = BatchAnswer { answer: scored(&request), stamp: task.stamp.clone() };
        assert_eq!(self.store.results().unwrap().write(&[answer]), Ok(vec![]));
    }
}

impl Batches for StoredBatches {
    fn add(&self, tasks: &[Task]) -> Result<Vec<Refusal>, Unavailable> {
        self.batches.add(tasks)
    }

    fn tasks(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<Vec<Task>, Unavailable> {
        self.batches.tasks(day, from, rows_max)
    }

    fn results(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<ResultPage, Unavailable> {
        self.batches.results(day, from, rows_max)
    }

    fn counts(&self, day: NaiveDate) -> Result<DayCounts, Unavailable> {
        self.batches.counts(day)
    }
}

/// The web's parts on test doubles, and the test's access to these.
pub(crate) struct TestDoubles {
    pub(crate) log: Arc<InMemoryLog>,
    pub(crate) store: Arc<InMemoryStore>,
    pub(crate) batches: Arc<StoredBatches>,
    pub(crate) operations: Arc<InMemoryOperations>,
    pub(crate) dead_letters: Arc<KeptLetters>,
    pub(crate) event_letters: Arc<KeptLetters>,
    pub(crate) parts: Parts,
}

impl TestDoubles {
    /// Answers each request as soon as it is published, as a scorer would, until the future is done.
    pub(crate) async fn answering<T>(&self, asking: impl Future<Output = T>) -> T {
        let score = async {
            loop {
                for request in self.log.requests() {
                    let landed = self.store.outcomes.lock().unwrap().contains_key(request.id.as_str());
                    if !landed {
                        self.store.put(request.id.as_str(), answer_to(&request));
                    }
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            done = asking => done,
            () = score => unreachable!("it goes on"),
        }
    }
}

pub(crate) fn doubles(config: Config) -> TestDoubles {
    let log = Arc::new(InMemoryLog {
        outcome: Mutex::new(PublishOutcome::Acknowledges),
        published: Mutex::default(),
        unanswered: Mutex::default(),
    });
    let store = Arc::new(InMemoryStore::default());
    let batches = Arc::new(StoredBatches::new());
    let operations = Arc::new(InMemoryOperations::default());
    let dead_letters = Arc::new(KeptLetters::new(LetterLog::Requests));
    let event_letters = Arc::new(KeptLetters::new(LetterLog::Events));
    let parts = Parts {
        requests: log.clone(),
        answers: store.clone(),
        batches: batches.clone(),
        operations: operations.clone(),
        dead_letters: dead_letters.clone(),
        event_letters: Some(event_letters.clone()),
        airports: Arc::new(airports()),
        history: Preparation::default(),
        config,
    };
    TestDoubles { log, store, batches, operations, dead_letters, event_letters, parts }
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn airports() -> Airports {
    let airport = |name: &str, latitude, longitude| Airport { name: name.into(), latitude, longitude };
    let airports = BTreeMap::from([
        (code("ATL"), airport("Hartsfield Jackson Atlanta Intl", 33.64, -84.43)),
        (code("BOS"), airport("General Edward Lawrence Logan Intl", 42.36, -71.01)),
        (code("JFK"), airport("John F Kennedy Intl", 40.64, -73.78)),
        (code("LGA"), airport("La Guardia", 40.78, -73.87)),
        (code("ORD"), airport("Chicago Ohare Intl", 41.98, -87.90)),
        (code("SEA"), airport("Seattle Tacoma Intl", 47.45, -122.31)),
        (code("SFO"), airport("San Francisco Intl", 37.62, -122.37)),
    ]);
    let airlines = [
        ("AA", "American Airlines Inc."),
        ("B6", "JetBlue Airways"),
        ("DL", "Delta Air Lines Inc."),
        ("PA (1)", "Pan <Am> & Co."),
    ];
    let airlines = airlines.map(|(airline, name)| (code(airline), name.to_owned()));
    let route = |origin, dest, miles| Route { origin: code(origin), dest: code(dest), miles };
    // SJU and PSE are known from routes only; the distance between them is unknown.
    let observed = [
        route("JFK", "SJU", 1598.0),
        route("JFK", "PSE", 1617.0),
        route("LGA", "ATL", 762.0),
        route("JFK", "SEA", 2422.0),
    ];
    Airports::new(airports, BTreeMap::from(airlines), [route("ATL", "SFO", 2139.0)], observed)
}

/// An answer to a request as the scorer writes it.
pub(crate) fn answer_to(request: &Request) -> Outcome {
    Outcome::Answered(document::to_json(&scored(request).to_document()))
}

/// A scored request.
fn scored(request: &Request) -> Answer {
    Answer {
        request: request.clone(),
        score: delaycast::answer::Score {
            probabilities: [0.08, 0.25, 0.5, 0.17],
            class: delaycast::flight::DelayClass::SlightlyLate,
            delay: Some(DelayForecast { mean: 9.0, percentiles: [-14.0, 4.0, 46.0], late: [0.31, 0.17, 0.06, 0.02] }),
            cancelled: Some(0.02),
            distance: 2139.0,
            remarks: vec![delaycast::features::Remark::UnseenCarrier],
            forest: match request.dep_delay {
                Some(_) => KnownInputs { dep_delay: true, ..KnownInputs::NONE },
                None => KnownInputs::NONE,
            },
            rotation: None,
            explanation: Some(explanation(request)),
        },
        model: engine::answer::ModelVersion::new("2013-09-30-a1b2c3"),
        scored_at: chrono::DateTime::from_timestamp(1_479_900_000, 0).unwrap(),
    }
}

/// The explanation of [`answer_to`]: from 92 % to 83 % of less than 30 minutes late.
fn explanation(request: &Request) -> Explanation {
    let first = if request.dep_delay.is_some() { Factor::DepDelay } else { Factor::Schedule };
    let factors = [first, Factor::Carrier, Factor::Route, Factor::Distance];
    let changes: [Change; 4] =
        [[-0.11, -0.13, 0.2, 0.04], [0.0, -0.02, -0.03, 0.05], [-0.01, -0.03, 0.04, 0.0], [0.003, -0.001, -0.002, 0.0]];
    Explanation::new([0.197, 0.431, 0.292, 0.08], &factors, &changes.concat())
}

/// The smallest answer that the wire contract allows.
pub(crate) fn an_old_scorers_answer() -> Map<String, Value> {
    let document = json!({
        "_id": {"$oid": "6b04"}, "Origin": "ATL", "Dest": "SFO", "DepDelay": 5.0, "Carrier": "AA", "UUID": "6c03",
        "FlightDate": {"$date": "2016-12-25T00:00:00Z"}, "Distance": 2139.0, "Route": "ATL-SFO", "Prediction": 2.0,
    });
    document.as_object().unwrap().clone()
}
