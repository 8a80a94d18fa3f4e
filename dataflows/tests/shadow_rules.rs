//! Tests of the rules of the shadow, on a log and a store in memory.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports, reason = "these tests use their share")]
mod in_memory;

use std::sync::Arc;

use delaycast_dataflows::score::{Config, Models, SHADOW_WAITING_MAX};
use engine::{
    answer::ModelVersion,
    model::{DesiredModel, DesiredModels, Loader, Role, Scorer},
    shadow::ShadowAnswer,
};
use in_memory::{
    ByValue, DEADLINE, MemoryLog, MemoryStore, Running, desired_model,
    domain::{Constant, Level, Reading, Readings, message},
    until,
};

/// Returns a model that gives every reading the level low.
fn low(version: &ModelVersion) -> Constant {
    Constant { version: version.clone(), level: Level::Low }
}

/// A model that returns no score for the last request.
struct Lossy(Constant);

impl Scorer<Readings> for Lossy {
    fn version(&self) -> &ModelVersion {
        self.0.version()
    }

    fn score(&self, requests: &[Reading], scores: &mut Vec<Level>) {
        self.0.score(requests, scores);
        scores.pop();
    }
}

struct Shadows;

impl Loader<Readings> for Shadows {
    fn load(&self, version: &ModelVersion, _: &[u8]) -> Result<Arc<dyn Scorer<Readings>>, String> {
        let low = low(version);
        Ok(if version.as_str() == "lossy" { Arc::new(Lossy(low)) } else { Arc::new(low) })
    }
}

struct Rig {
    log: Arc<MemoryLog>,
    store: Arc<MemoryStore>,
    desired: DesiredModels,
    running: Running,
    asked: usize,
}

impl Rig {
    fn start() -> Self {
        let store = MemoryStore::new();
        let log = MemoryLog::new(2, &store);
        let desired = DesiredModels::default();
        let models = Models::new(ByValue::new(), &desired, Arc::new(Shadows));
        let running = Running::start_models(Config { drain: DEADLINE, ..Config::new(2) }, &log, &store, models);
        Rig { log, store, desired, running, asked: 0 }
    }

    /// Appends requests, half of which are low.
    fn ask(&mut self, count: usize) {
        for _ in 0..count {
            let value = if self.asked.is_multiple_of(2) { -60.0 } else { 60.0 };
            self.log.append(self.asked / 2 % 2, message(&format!("request-{}", self.asked), value));
            self.asked += 1;
        }
    }

    /// Sets or removes the shadow, and waits until the change is active.
    fn shadow(&self, version: Option<&str>) {
        let candidate = version.and_then(|version| desired_model(version, "good").candidate);
        self.desired.put(DesiredModel { role: Role::Shadow, candidate });
        let used = || self.running.counters.models.get(Role::Shadow).map(|(version, _)| version.to_string());
        until("the shadow is another", || used().as_deref() == version);
    }

    fn until_answered(&self) {
        until("all are answered", || self.store.answers().len() == self.asked);
    }

    /// Stops, asserts that the current model has given all answers, and returns the store.
    fn stop(self) -> Arc<MemoryStore> {
        self.until_answered();
        self.running.stop().expect("stopped in order");
        assert_eq!((self.log.uncommitted(), self.log.breaches()), (0, vec![]));
        assert!(self.store.answers().values().all(|answer| answer.model.as_str() == "by-value"));
        self.store
    }
}

#[test]
fn rule_1_a_shadow_is_compared_and_its_answers_are_stored_separately() {
    let mut rig = Rig::start();
    let counters = Arc::clone(&rig.running.counters);
    rig.ask(10);
    rig.until_answered();
    rig.shadow(Some("low"));
    // Records that are read during the change may have a timestamp before it.
    until("many are compared", || {
        rig.ask(10);
        counters.shadow.compared.get() >= 100
    });
    rig.shadow(None);
    rig.ask(100);
    let asked = rig.asked;
    let store = rig.stop();
    // When its thread has ended, all its scores are stored.
    let shadows = store.shadows();
    assert_eq!(shadows.len() as u64, counters.shadow.compared.get());
    assert!(shadows.len() < asked);
    let fits = |shadow: &ShadowAnswer<Readings>| {
        shadow.answer.model.as_str() == "low" && shadow.current.as_str() == "by-value"
    };
    assert!(shadows.values().all(fits));
    let agree = shadows.values().filter(|shadow| shadow.agrees()).count() as u64;
    assert!(agree > 0 && agree == counters.shadow.agreed.get());
    // The scores of the others differ by 1.
    let others = shadows.len() as u64 - agree;
    assert!(others > 0 && counters.shadow.change_millionths.get() == others * 1_000_000);
}

#[test]
fn a_shadow_that_loses_a_request_is_not_compared() {
    let mut rig = Rig::start();
    let counters = Arc::clone(&rig.running.counters);
    rig.shadow(Some("lossy"));
    until("the lost requests are counted", || {
        rig.ask(10);
        counters.shadow.dropped.get() >= 10
    });
    assert_eq!(rig.stop().shadows().len() as u64 + counters.shadow.compared.get(), 0);
}

#[test]
fn rules_2_and_3_a_slow_store_of_shadows_delays_no_answer_and_gets_what_the_queue_holds() {
    let mut rig = Rig::start();
    rig.shadow(Some("low"));
    rig.store.hold_shadows(true);
    let counters = Arc::clone(&rig.running.counters);
    while counters.shadow.dropped.get() == 0 {
        assert!(rig.asked < 4 * SHADOW_WAITING_MAX, "nothing is dropped");
        rig.ask(2000);
        rig.until_answered();
    }
    assert_eq!(rig.store.shadows().len(), 0);
    rig.store.hold_shadows(false);
    // Except the records that were read during the change, which may have a timestamp before it.
    until("all are stored or dropped", || {
        counters.shadow.landed.get() + counters.shadow.dropped.get() >= rig.asked as u64 - 2000
    });
    assert!(counters.shadow.landed.get() > 0);
    assert_eq!(rig.stop().shadows().len() as u64, counters.shadow.landed.get());
}
