//! Liveness, readiness and metrics of a process.
//!
//! A [`Monitor`] knows which parts have not started, and holds the counters and healths of those that run. It answers
//! at any time, from any thread, and blocks none.
//!
//! 1. Live: no worker's main loop is silent for 30 s. An outage, however long, is no reason to restart.
//! 2. Ready: the clock is within bounds, nothing is missing, all workers run their main loop, every connection that
//!    answers need serves, and no stop was requested. An outage of the log of events is shown in the metrics alone.
//! 3. The text of the metrics is made at each request; the dataflow touches only atomics.

mod exposition;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use engine::{
    answer::ModelVersion,
    clock,
    delivery::{Health, Unavailable},
    domain::Domain,
    model::Role,
    process::Usage,
    runtime::{Mutex, MutexGuard, Stop, Thread},
    sqlite,
    status::Status,
};

use exposition::Snapshot;

use crate::{
    live,
    score::{Connections, Counters, StatusSource},
};

/// Interval of the probes of a dependency that serves.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// Upper bound on the wait for a running probe at the end: it holds the store, which must be closed in good order.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The status of a process.
pub struct Monitor {
    build: &'static str,
    usage: fn() -> Option<Usage>,
    stop: Stop,
    files: OnceLock<fn() -> Vec<sqlite::FileMetrics>>,
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    missing: BTreeMap<&'static str, String>,
    healths: BTreeMap<&'static str, Arc<Health>>,
    model: Option<ModelVersion>,
    counters: Option<Arc<Counters>>,
    status: Option<StatusSource>,
    events: Option<(Arc<Health>, Arc<live::Counters>)>,
}

impl Monitor {
    /// Returns the monitor of a process of version `build`, which ends when `stop` is requested; `usage` measures its
    /// memory and processor time.
    pub fn new(build: &'static str, usage: fn() -> Option<Usage>, stop: &Stop) -> Self {
        Monitor { build, usage, stop: stop.clone(), files: OnceLock::new(), parts: Mutex::default() }
    }

    /// Adds the metrics of the open embedded files.
    pub fn shows_files(&self, files: fn() -> Vec<sqlite::FileMetrics>) {
        self.files.get_or_init(|| files);
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock()
    }

    /// Notes that a part is missing, with the reason, until [`has`](Monitor::has) notes that it is there.
    pub fn lacks(&self, what: &'static str, why: impl Into<String>) {
        self.parts().missing.insert(what, why.into());
    }

    /// Notes that a part is there.
    pub fn has(&self, what: &'static str) {
        self.parts().missing.remove(what);
    }

    /// Sets the model in use, until a score dataflow reports its own.
    pub fn uses(&self, model: &ModelVersion) {
        self.parts().model = Some(model.clone());
    }

    /// Adds a dependency, by a short name.
    pub fn depends_on(&self, name: &'static str, health: Arc<Health>) {
        self.parts().healths.insert(name, health);
    }

    /// Adds a score dataflow with its connections and counters.
    pub fn scores<D: Domain>(&self, connections: &Connections<D>, counters: &Arc<Counters>) {
        connections.healths().into_iter().for_each(|(name, health)| self.depends_on(name, health));
        let mut parts = self.parts();
        parts.counters = Some(Arc::clone(counters));
        parts.status = Some(connections.status_source(counters));
    }

    /// Returns the status of the scorer of this process, if it has one.
    pub fn status(&self) -> Option<Status> {
        let source = self.parts().status.clone();
        source.map(|status| status())
    }

    /// Adds the health and the counters of the events that a score dataflow reads. Their outage is shown in the
    /// metrics, and the process is ready all the same: answers do not wait for events.
    pub fn reads_events(&self, health: &Arc<Health>, counters: &Arc<live::Counters>) {
        self.parts().events = Some((Arc::clone(health), Arc::clone(counters)));
    }

    /// Returns the reason to restart the process, if there is one (rule 1).
    pub fn live(&self) -> Result<(), String> {
        let counters = self.parts().counters.clone();
        counters.and_then(|counters| counters.workers.hanging()).map_or(Ok(()), Err)
    }

    /// Returns what the process waits for; it is ready if there is nothing (rule 2).
    pub fn ready(&self) -> Vec<String> {
        let Parts { missing, healths, counters, .. } = &*self.parts();
        let stopping = self.stop.is_requested().then(|| "stopping".to_owned());
        let workers = counters.as_ref().and_then(|counters| counters.workers.start_progress());
        let outages = healths.values().filter_map(|health| {
            let outage = health.outage()?;
            Some(format!("{}: {}, for {} s", health.what(), outage.reason, outage.since.elapsed().as_secs()))
        });
        // With a wrong clock the process goes on with approximate times, and deletes nothing.
        let clock = clock::wall().err().map(|wrong| wrong.to_string());
        let missing = missing.iter().map(|(what, why)| format!("{what}: {why}"));
        let workers = workers.map(|missing| format!("workers: {missing}"));
        stopping.into_iter().chain(clock).chain(missing).chain(workers).chain(outages).collect()
    }

    /// Returns the metrics in the text format of Prometheus, version 0.0.4 (rule 3).
    pub fn metrics(&self) -> String {
        let Parts { healths, model, counters, events, .. } = &*self.parts();
        let outage = |health: &Health| health.outage().map_or(0.0, |outage| outage.since.elapsed().as_secs_f64());
        let used = |role| counters.as_ref()?.models.get(role).map(|(version, _)| version);
        exposition::text(Snapshot {
            build: self.build,
            model: used(Role::Current).or_else(|| model.clone()),
            shadow: used(Role::Shadow),
            outages: healths
                .iter()
                .map(|(name, health)| (*name, health))
                .chain(events.as_ref().map(|(health, _)| ("events", health)))
                .map(|(name, health)| (name, outage(health)))
                .collect(),
            counters: counters.clone(),
            events: events.as_ref().map(|(_, counters)| Arc::clone(counters)),
            usage: (self.usage)(),
            files: self.files.get().map_or_else(Vec::new, |files| files()),
        })
    }
}

/// The thread of a probe. Dropping it waits for the thread's end after `stop` was requested.
#[must_use = "the thread holds the dependency"]
pub struct Probe {
    stop: Stop,
    thread: Thread,
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.stop.is_requested() {
            self.thread.join(JOIN_TIMEOUT);
        }
    }
}

/// Starts a thread that calls `request` until `stop` is requested, and reports to `monitor` under `name`. Without
/// probes, an unused store would seem to serve, because no write fails.
pub fn start_probe(
    monitor: &Arc<Monitor>,
    name: &'static str,
    health: Health,
    stop: &Stop,
    mut request: impl FnMut() -> Result<(), Unavailable> + Send + 'static,
) -> io::Result<Probe> {
    let (monitor, health, stopping) = (Arc::clone(monitor), Arc::new(health), stop.clone());
    monitor.lacks(name, "has not answered yet");
    monitor.depends_on(name, Arc::clone(&health));
    let run = move || {
        while health.retry(&stopping, &mut request).is_some() {
            monitor.has(name);
            stopping.sleep(PROBE_INTERVAL);
        }
    };
    let thread = Thread::spawn(&format!("probe-{name}"), run)?;
    Ok(Probe { stop: stop.clone(), thread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_2_readiness_names_what_the_process_waits_for() {
        let stop = Stop::default();
        let monitor = Monitor::new("1.2.3", || None, &stop);
        let store = Arc::new(Health::new("the store mongodb"));
        monitor.lacks("model", "not loaded");
        monitor.lacks("log", "connecting");
        monitor.depends_on("store", Arc::clone(&store));
        assert_eq!(monitor.ready(), ["log: connecting", "model: not loaded"]);
        monitor.lacks("log", "no such topic");
        monitor.has("model");
        assert_eq!(monitor.ready(), ["log: no such topic"]);
        monitor.has("log");
        assert_eq!(monitor.ready(), [""; 0]);
        store.waiting(&Unavailable::transient("no primary"));
        assert_eq!(monitor.ready(), ["the store mongodb: no primary, for 0 s"]);
        store.serving();
        assert_eq!(monitor.ready(), [""; 0]);
        stop.request();
        assert_eq!(monitor.ready(), ["stopping"]);
        assert_eq!(monitor.live(), Ok(()));
    }
}
