//! A log and a store in memory with injected faults. They replace the connectors, which have their own tests, so that a
//! test sees one rule of a dataflow alone.

mod log;
mod store;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use delaycast::{
    answer::Score,
    domain::Flights,
    features::KnownInputs,
    flight::DelayClass,
    request::{self, Request},
};
use delaycast_dataflows::score::{Config, Connections, Counters, Error, InFlightSize, Models, run};
use engine::{
    answer::ModelVersion,
    model::{Candidate, DesiredModel, Loader, Role, Scorer},
    runtime::{Mutex, Stop},
};
pub use log::MemoryLog;
pub use store::{Fault, MemoryStore};

/// Timeout of the tests, for slow machines too.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until a condition holds; panics after [`DEADLINE`].
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Returns a well-formed message.
pub fn message(id: &str, dep_delay: f64) -> Vec<u8> {
    format!(
        r#"{{"UUID": "{id}", "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25", "DepDelay": {dep_delay}, "Distance": 2139.0}}"#
    )
    .into_bytes()
}

/// A model that scores by departure delay alone, and records the thread of each request.
pub struct ByDelay {
    version: ModelVersion,
    pub threads: Mutex<Vec<(String, thread::ThreadId)>>,
}

impl ByDelay {
    pub fn new() -> Arc<Self> {
        Self::named("by-delay")
    }

    pub fn named(version: &str) -> Arc<Self> {
        Arc::new(ByDelay { version: ModelVersion::new(version), threads: Mutex::default() })
    }

    pub fn class(request: &Request) -> DelayClass {
        DelayClass::of_delay(request.dep_delay.unwrap_or(0.0) as f32)
    }
}

impl Scorer<Flights> for ByDelay {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        let here = thread::current().id();
        self.threads.lock().extend(requests.iter().map(|request| (request.id.to_string(), here)));
        scores.extend(requests.iter().map(|request| {
            let class = Self::class(request);
            let mut probabilities = [0.0; 4];
            probabilities[class.index()] = 1.0;
            Score {
                probabilities,
                class,
                distance: request.distance.unwrap_or(1.0),
                remarks: vec![],
                forest: KnownInputs { dep_delay: true, ..KnownInputs::NONE },
                explanation: None,
            }
        }));
    }
}

/// A loader that returns [`ByDelay`] for any file, and refuses files that begin with `bad`.
pub struct AnyButBad;

impl Loader<Flights> for AnyButBad {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        if bytes.starts_with(b"bad") { Err("it is bad".into()) } else { Ok(ByDelay::named(version.as_str())) }
    }
}

/// Returns a desired model whose file begins with `begins` and is longer than one chunk.
pub fn desired_model(version: &str, begins: &str) -> DesiredModel {
    let bytes: Vec<u8> = begins.bytes().chain([0; 100_000]).collect();
    DesiredModel {
        role: Role::Current,
        candidate: Some(Candidate { version: ModelVersion::new(version), bytes: bytes.into() }),
    }
}

/// The sequential oracle: returns the class of a message, or the reason of its dead letter.
pub fn oracle(message: &[u8]) -> Result<DelayClass, String> {
    request::decode(message).map(|request| ByDelay::class(&request)).map_err(|malformed| malformed.reason)
}

/// A score dataflow on its own thread.
pub struct Running {
    pub stop: Stop,
    #[allow(dead_code, reason = "for those that monitor")]
    pub connections: Connections<Flights>,
    pub counters: Arc<Counters>,
    thread: thread::JoinHandle<Result<(), Error>>,
}

impl Running {
    pub fn start(workers: usize, log: &Arc<MemoryLog>, store: &Arc<MemoryStore>) -> Self {
        let patient = Config { drain: DEADLINE, ..Config::new(workers) };
        Self::start_with(patient, log, store, ByDelay::new())
    }

    pub fn start_with(
        config: Config,
        log: &Arc<MemoryLog>,
        store: &Arc<MemoryStore>,
        scorer: Arc<dyn Scorer<Flights>>,
    ) -> Self {
        Self::start_models(config, log, store, Models::fixed(scorer))
    }

    pub fn start_models(
        config: Config,
        log: &Arc<MemoryLog>,
        store: &Arc<MemoryStore>,
        models: Models<Flights>,
    ) -> Self {
        let connections = Connections::new(Arc::clone(log) as _, Arc::clone(store) as _);
        let (stop, counters) = (Stop::default(), Arc::new(Counters::of::<Flights>()));
        let thread = {
            let (stop, connections, counters) = (stop.clone(), connections.clone(), Arc::clone(&counters));
            thread::spawn(move || run(&config, &connections, &models, &counters, &stop))
        };
        Running { stop, connections, counters, thread }
    }

    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    pub fn stop(self) -> Result<(), Error> {
        self.stop.request();
        self.thread.join().expect("a worker panicked")
    }
}

/// Returns settings with a small bound on the records in flight.
pub fn few(records: usize) -> Config {
    Config { in_flight: InFlightSize { records, bytes: 1 << 20 }, drain: DEADLINE, ..Config::new(1) }
}

/// Returns settings with a short timeout for the drain.
pub fn impatient(workers: usize) -> Config {
    Config { drain: Duration::from_millis(300), ..Config::new(workers) }
}
