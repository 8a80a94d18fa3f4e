//! A log and a store in memory with injected faults. They replace the connectors, which have their own tests, so that a
//! test sees one rule of a dataflow alone.

mod calibrations;
#[path = "../../testing.rs"]
pub mod domain;
mod log;
mod rig;
mod store;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use delaycast_dataflows::score::{Config, Connections, Counters, Error, InFlightSize, Models, run};
use domain::{Level, Reading, Readings};
use engine::{
    answer::ModelVersion,
    domain::Domain,
    model::{Candidate, DesiredModel, Loader, Role, Scorer},
    runtime::{Mutex, Stop},
};

#[allow(unused_imports, reason = "for those with events")]
pub use calibrations::{EMPTIED, calibration};
pub use log::MemoryLog;
#[allow(unused_imports, reason = "for those with events")]
pub use rig::Rig;
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

/// A model that scores by the value of a reading, and records the thread of each request.
pub struct ByValue {
    version: ModelVersion,
    pub threads: Mutex<Vec<(String, thread::ThreadId)>>,
}

impl ByValue {
    pub fn new() -> Arc<Self> {
        Self::named("by-value")
    }

    pub fn named(version: &str) -> Arc<Self> {
        Arc::new(ByValue { version: ModelVersion::new(version), threads: Mutex::default() })
    }
}

impl Scorer<Readings> for ByValue {
    fn version(&self) -> &ModelVersion {
        &self.version
    }

    fn score(&self, requests: &[Reading], scores: &mut Vec<Level>) {
        let here = thread::current().id();
        self.threads.lock().extend(requests.iter().map(|request| (request.id.to_string(), here)));
        scores.extend(requests.iter().map(|request| Level::of(request.value)));
    }
}

/// A loader that returns [`ByValue`] for any file, and refuses files that begin with `bad`.
pub struct AnyButBad;

impl Loader<Readings> for AnyButBad {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Readings>>, String> {
        if bytes.starts_with(b"bad") { Err("it is bad".into()) } else { Ok(ByValue::named(version.as_str())) }
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

/// The sequential oracle: returns the level of a message, or the reason of its dead letter.
pub fn oracle(message: &[u8]) -> Result<Level, String> {
    Readings::decode(message).map(|request| Level::of(request.value)).map_err(|malformed| malformed.reason)
}

/// A score dataflow on its own thread.
pub struct Running {
    pub stop: Stop,
    #[allow(dead_code, reason = "for those that monitor")]
    pub connections: Connections<Readings>,
    pub counters: Arc<Counters>,
    thread: thread::JoinHandle<Result<(), Error>>,
}

impl Running {
    pub fn start(workers: usize, log: &Arc<MemoryLog>, store: &Arc<MemoryStore>) -> Self {
        let patient = Config { drain: DEADLINE, ..Config::new(workers) };
        Self::start_with(patient, log, store, ByValue::new())
    }

    pub fn start_with(
        config: Config,
        log: &Arc<MemoryLog>,
        store: &Arc<MemoryStore>,
        scorer: Arc<dyn Scorer<Readings>>,
    ) -> Self {
        Self::start_models(config, log, store, Models::fixed(scorer))
    }

    pub fn start_models(
        config: Config,
        log: &Arc<MemoryLog>,
        store: &Arc<MemoryStore>,
        models: Models<Readings>,
    ) -> Self {
        Self::start_connected(config, Connections::new(Arc::clone(log) as _, Arc::clone(store) as _), models)
    }

    pub fn start_connected(config: Config, connections: Connections<Readings>, models: Models<Readings>) -> Self {
        let (stop, counters) = (Stop::default(), Arc::new(Counters::of::<Readings>()));
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
