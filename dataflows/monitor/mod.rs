//! Liveness, readiness and metrics of a process.
//!
//! A [`Monitor`] is told what is not started yet, and holds the counters and healths of what runs. It answers at any
//! time, from any thread, and blocks none.
//!
//! 1. Live: no worker's main loop is silent for 30 s. An outage, however long, is no reason to start again.
//! 2. Ready: the clock is within bounds, nothing is missing, all workers turn, every connection serves, and no stop
//!    was requested.
//! 3. The text of the metrics is made when it is asked for; the dataflow touches nothing but plain atomics.

mod exposition;
mod probe;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use engine::{
    answer::ModelVersion,
    clock,
    delivery::Health,
    domain::Domain,
    model::Role,
    process::Usage,
    runtime::{Mutex, MutexGuard, Stop},
    sqlite,
};

use crate::score::{Connections, Counters};

pub use probe::{Probing, probe};

/// Tells how a process is.
pub struct Monitor {
    build: &'static str,
    usage: fn() -> Option<Usage>,
    stop: Stop,
    files: OnceLock<fn() -> Vec<sqlite::Vitals>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    missing: BTreeMap<&'static str, String>,
    healths: BTreeMap<&'static str, Arc<Health>>,
    model: Option<ModelVersion>,
    counters: Option<Arc<Counters>>,
}

impl Monitor {
    /// Of a process of version `build`, which ends when `stop` is asked; `usage` tells what it takes of the machine.
    pub fn new(build: &'static str, usage: fn() -> Option<Usage>, stop: &Stop) -> Self {
        Monitor { build, usage, stop: stop.clone(), files: OnceLock::new(), state: Mutex::default() }
    }

    /// Shows the numbers of the embedded files that are open, too.
    pub fn shows_files(&self, files: fn() -> Vec<sqlite::Vitals>) {
        self.files.get_or_init(|| files);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Something is missing, for a reason, until it is [had](Monitor::has) or missing for another.
    pub fn lacks(&self, what: &'static str, why: impl Into<String>) {
        self.state().missing.insert(what, why.into());
    }

    /// It is missing no longer.
    pub fn has(&self, what: &'static str) {
        self.state().missing.remove(what);
    }

    /// This is the model in use, until a score dataflow knows better.
    pub fn uses(&self, model: &ModelVersion) {
        self.state().model = Some(model.clone());
    }

    /// A dependency, by a short name.
    pub fn depends_on(&self, name: &'static str, health: Arc<Health>) {
        self.state().healths.insert(name, health);
    }

    /// A score dataflow, which runs or will run between these.
    pub fn scores<D: Domain>(&self, connections: &Connections<D>, counters: &Arc<Counters>) {
        connections.healths().into_iter().for_each(|(name, health)| self.depends_on(name, health));
        self.state().counters = Some(Arc::clone(counters));
    }

    /// Why the process can only be started again, if so (rule 1).
    pub fn live(&self) -> Result<(), String> {
        let counters = self.state().counters.clone();
        counters.and_then(|counters| counters.workers.hanging()).map_or(Ok(()), Err)
    }

    /// What is waited for; ready if there is nothing (rule 2).
    pub fn ready(&self) -> Vec<String> {
        let State { missing, healths, counters, .. } = &*self.state();
        let stopping = self.stop.asked().then(|| "stopping".to_owned());
        let workers = counters.as_ref().and_then(|counters| counters.workers.missing());
        let outages = healths.values().filter_map(|health| {
            let outage = health.outage()?;
            Some(format!("{}: {}, for {} s", health.what(), outage.reason, outage.since.elapsed().as_secs()))
        });
        // It goes on, with stamps as near as can be; nothing is deleted meanwhile.
        let clock = clock::wall().err().map(|wrong| wrong.to_string());
        let missing = missing.iter().map(|(what, why)| format!("{what}: {why}"));
        let workers = workers.map(|missing| format!("workers: {missing}"));
        stopping.into_iter().chain(clock).chain(missing).chain(workers).chain(outages).collect()
    }

    /// The numbers, in the text format of Prometheus, version 0.0.4 (rule 3).
    pub fn metrics(&self) -> String {
        let State { healths, model, counters, .. } = &*self.state();
        let outage = |health: &Health| health.outage().map_or(0.0, |outage| outage.since.elapsed().as_secs_f64());
        let used = |role| counters.as_ref()?.models.get(role).map(|(version, _)| version);
        exposition::text(exposition::Snapshot {
            build: self.build,
            model: used(Role::Current).or_else(|| model.clone()),
            shadow: used(Role::Shadow),
            outages: healths.iter().map(|(name, health)| (*name, outage(health))).collect(),
            counters: counters.clone(),
            usage: (self.usage)(),
            files: self.files.get().map_or_else(Vec::new, |files| files()),
        })
    }
}

#[cfg(test)]
mod tests {
    use engine::delivery::Unavailable;

    use super::*;

    #[test]
    fn rule_2_readiness_names_what_is_waited_for() {
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
        stop.ask();
        assert_eq!(monitor.ready(), ["stopping"]);
        assert_eq!(monitor.live(), Ok(()));
    }
}
