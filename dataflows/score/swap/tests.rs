//! Tests of the rules of a swap, but of rule 5, whose test is in `proposer.rs`. Each worker stands for a process here:
//! it has its own loaded models and loader.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use engine::{
    domain::Answer,
    log::{Message, Offset, PartitionId, Payload, Position},
    model::{Candidate, DesiredModel, Role},
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, Scope, StreamVec,
        operators::{Input, generic::operator::source, vec::Map},
    },
};

use super::*;
use crate::{
    heartbeat::FailureDetector,
    score::{
        clock::{ClusterClock, TICK, Ticker, Timestamp},
        commit::InFlight,
        counters::Counters,
        generation::{Config, LoadedModels},
        infer,
        source::Record,
    },
    testing::{self, Constant, Level, Reading, Readings},
};

fn constant(version: &str) -> Arc<dyn Scorer<Readings>> {
    Arc::new(Constant { version: ModelVersion::new(version), level: Level::Normal })
}

/// Returns a desired model whose file has several chunks.
fn desired_model(version: &str) -> DesiredModel {
    let bytes = vec![1; CHUNK_BYTES * 3 + 17];
    DesiredModel {
        role: Role::Current,
        candidate: Some(Candidate { version: ModelVersion::new(version), bytes: bytes.into() }),
    }
}

/// A loader that waits while it is closed, and refuses one version.
#[derive(Default)]
struct GatedLoader {
    refused: Option<&'static str>,
    closed: AtomicBool,
    loaded: AtomicUsize,
}

impl Loader<Readings> for GatedLoader {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Readings>>, String> {
        while self.closed.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        self.loaded.fetch_add(1, Ordering::AcqRel);
        assert_eq!(bytes.len(), CHUNK_BYTES * 3 + 17);
        match self.refused == Some(version.as_str()) {
            true => Err("not this one".into()),
            false => Ok(constant(version.as_str())),
        }
    }
}

fn record(at: Timestamp) -> (Reading, Record) {
    let text = testing::message("u", 1.0);
    let position = Position { partition: PartitionId(0), offset: Offset(at) };
    let message = Message { position, payload: Payload::new(text.clone()), attempt: 0, topic_id: None };
    (Readings::decode(&text).unwrap(), Record { message, read_us: at })
}

/// Returns a generation of processes with one worker each.
fn generation(clock: ClusterClock, detector: Option<Arc<FailureDetector>>) -> Generation<Readings> {
    Generation {
        rebalance: false,
        drain: Config::DRAIN,
        in_flight: Config::IN_FLIGHT,
        clock,
        workers: 1,
        loaded_models: LoadedModels::default(),
        detector,
        unopened: Arc::default(),
    }
}

/// Returns requests at every timestamp until a stop; `read_us` of each record is its timestamp.
fn requests<'scope>(
    scope: Scope<'scope, Timestamp>,
    clock: ClusterClock,
    stop: &Stop,
) -> StreamVec<'scope, Timestamp, (Reading, Record)> {
    let stop = stop.clone();
    source::<_, CapacityContainerBuilder<Vec<(Reading, Record)>>, _, _>(scope, "Ask", |capability, info| {
        let activator = scope.activator_for(info.address);
        activator.activate();
        let (mut capability, mut ticker) = (Some(capability), Ticker::new());
        move |output| {
            capability.take_if(|_| stop.is_requested());
            let Some(open) = capability.as_mut() else { return };
            open.downgrade(&clock.now().max(open.time() + 1));
            let at = *open.time();
            output.session(open).give_iterator((0..3).map(|_| record(at)));
            ticker.rearm(Duration::from_millis(1), |delay| activator.activate_after(delay));
        }
    })
}

/// A run of several workers, whose desired models a script changes.
struct Trial {
    desired: DesiredModels,
    counters: Arc<Counters>,
    stop: Stop,
    /// The timestamp and the version of every answer.
    answers: Arc<Mutex<Vec<(Timestamp, String)>>>,
}

impl Trial {
    fn new() -> Self {
        let (desired, counters) = (DesiredModels::default(), Arc::new(Counters::of::<Readings>()));
        Trial { desired, counters, stop: Stop::default(), answers: Arc::default() }
    }

    /// Runs a worker for each loader, and stops them all when the script has ended.
    fn run(&self, loaders: Vec<Arc<GatedLoader>>, mut script: impl FnMut(&Trial) + Send) {
        let (clock, workers) = (ClusterClock::start(), loaders.len());
        let (desired, counters, stop, answers) =
            (self.desired.clone(), Arc::clone(&self.counters), self.stop.clone(), Arc::clone(&self.answers));
        counters.models.set(Role::Current, Some(ModelVersion::new("v1")), 0);
        let running = timely::execute(timely::Config::process(workers), move |worker| {
            let in_flight = Rc::new(RefCell::new(InFlight::new(Config::IN_FLIGHT)));
            let shared =
                Shared { clock, in_flight, counters: Arc::clone(&counters), shadow_queue: None, observer: None };
            let models = Models::new(constant("v1"), &desired, Arc::clone(&loaders[worker.index()]) as _);
            let schedule = build(worker, &models, &generation(clock, None), &shared, &stop).unwrap();
            let answers = Arc::clone(&answers);
            let probe = worker.dataflow(|scope| {
                let answered = infer::score(requests(scope, clock, &stop), Rc::clone(&schedule), &shared);
                let record_answer = move |(answer, record): (Answer<Readings>, Record)| {
                    answers.lock().unwrap().push((record.read_us, answer.model.to_string()));
                };
                timely::dataflow::operators::Probe::probe(answered.map(record_answer)).0
            });
            while !probe.done() {
                worker.step_or_park(Some(Duration::from_millis(1)));
                assert_eq!(shared.in_flight.borrow().broken, None);
            }
            // Rule 7: no more models are announced, and every schedule is known to its end.
            while schedule.borrow_mut().models_at(Timestamp::MAX - 1).is_none() {
                worker.step_or_park(Some(Duration::from_millis(1)));
            }
            worker.installed_dataflows().into_iter().for_each(|dataflow| worker.drop_dataflow(dataflow));
        });
        script(self);
        self.stop.request();
        running.unwrap().join().into_iter().for_each(|worker| worker.unwrap());
    }

    /// Waits until a version has answered; returns the timestamp from which it is active.
    fn until_used(&self, version: &str) -> Timestamp {
        let has_answered = || self.answers.lock().unwrap().iter().any(|(_, answered)| answered == version);
        loop {
            match self.counters.models.get(Role::Current) {
                Some((used, from)) if used.as_str() == version && has_answered() => return from,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Asserts that each answer is from the model that is active at its timestamp, and that every model has answered.
    fn check(&self, changes: &[(Timestamp, &str)]) {
        let answers = self.answers.lock().unwrap();
        let mut seen: BTreeMap<&str, BTreeSet<Timestamp>> = BTreeMap::new();
        for (at, version) in answers.iter() {
            let expected = changes.iter().rev().find(|(from, _)| from <= at).unwrap().1;
            assert_eq!(version, expected, "at {at}, with {changes:?}");
            seen.entry(version).or_default().insert(*at);
        }
        assert_eq!(seen.len(), changes.len(), "not all were used: {:?}", seen.keys());
    }
}

fn loaders(count: usize) -> Vec<Arc<GatedLoader>> {
    (0..count).map(|_| Arc::default()).collect()
}

#[test]
fn rules_1_and_7_the_timestamp_alone_determines_the_model_on_1_and_on_4_workers() {
    for workers in [1, 4] {
        let trial = Trial::new();
        let mut changes = vec![(0, "v1")];
        trial.run(loaders(workers), |trial| {
            for version in ["v2", "v3"] {
                trial.desired.put(desired_model(version));
                changes.push((trial.until_used(version), version));
            }
        });
        trial.check(&changes);
        assert_eq!((trial.counters.models_swapped.get(), trial.counters.models_refused.get()), (2 * workers as u64, 0));
    }
}

#[test]
fn rule_2_a_model_needs_all_processes_and_one_refusal_rejects_it() {
    let mut loaders = loaders(3);
    loaders[2] = Arc::new(GatedLoader { refused: Some("v2"), ..GatedLoader::default() });
    loaders[1].closed.store(true, Ordering::Release);
    let trial = Trial::new();
    let mut used_from = 0;
    trial.run(loaders.clone(), |trial| {
        trial.desired.put(desired_model("v2"));
        while trial.counters.models_refused.get() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Processes 0 and 2 load the next model; process 1 has not yet loaded the one before.
        trial.desired.put(desired_model("v3"));
        while [0, 2].iter().any(|process: &usize| loaders[*process].loaded.load(Ordering::Acquire) < 2) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(trial.counters.models.get(Role::Current).unwrap().0.as_str(), "v1");
        loaders[1].closed.store(false, Ordering::Release);
        used_from = trial.until_used("v3");
    });
    trial.check(&[(0, "v1"), (used_from, "v3")]);
    assert_eq!(trial.counters.models_refused.get(), 1);
}

fn step_20_times(worker: &mut Worker) {
    for _ in 0..20 {
        worker.step();
    }
}

fn shared() -> Shared<Readings> {
    let in_flight = Rc::new(RefCell::new(InFlight::new(Config::IN_FLIGHT)));
    Shared {
        clock: ClusterClock::start(),
        in_flight,
        counters: Arc::new(Counters::of::<Readings>()),
        shadow_queue: None,
        observer: None,
    }
}

#[test]
fn rule_3_announcements_are_ahead_of_the_fastest_clock() {
    let hour_ms = 3_600_000;
    let detector = Arc::new(FailureDetector::new(0, 1, 1));
    detector.record_clock(hour_ms, 0);
    detector.record_clock(0, hour_ms);
    timely::execute_directly(move |worker| {
        let (shared, stop) = (shared(), Stop::default());
        let models = Models::fixed(constant("v1"));
        let schedule = build(worker, &models, &generation(shared.clock, Some(detector)), &shared, &stop).unwrap();
        let fastest = shared.clock.now() + hour_ms;
        while schedule.borrow_mut().models_at(fastest).is_none() {
            worker.step_or_park(Some(TICK));
        }
        assert!(schedule.borrow_mut().models_at(fastest + hour_ms).is_none());
        stop.request();
        while schedule.borrow_mut().models_at(Timestamp::MAX - 1).is_none() {
            worker.step_or_park(Some(TICK));
        }
    });
}

#[test]
fn rule_3_a_request_waits_until_its_model_is_known_and_is_answered_in_order() {
    timely::execute_directly(|worker| {
        let schedule = Rc::new(RefCell::new(Schedule::new(constant("v1"))));
        let (shared, mut input) = (shared(), InputHandle::new());
        let answers: Rc<RefCell<Vec<(u64, String)>>> = Rc::default();
        let recorded = Rc::clone(&answers);
        worker.dataflow(|scope| {
            infer::score(scope.input_from(&mut input), Rc::clone(&schedule), &shared).map(move |(answer, record)| {
                recorded.borrow_mut().push((record.read_us, answer.model.to_string()));
            });
        });
        schedule.borrow_mut().set_known_until(10);
        for at in [5, 9, 10, 11, 12] {
            input.advance_to(at);
            input.send(record(at));
            input.flush();
        }
        step_20_times(worker);
        let named = |versions: &[(u64, &str)]| versions.iter().map(|(at, v)| (*at, v.to_string())).collect::<Vec<_>>();
        assert_eq!(*answers.borrow(), named(&[(5, "v1"), (9, "v1")]));
        schedule.borrow_mut().add_change(11, Role::Current, Some(constant("v2")));
        schedule.borrow_mut().set_known_until(12);
        step_20_times(worker);
        assert_eq!(*answers.borrow(), named(&[(5, "v1"), (9, "v1"), (10, "v1"), (11, "v2")]));
        schedule.borrow_mut().set_known_until(100);
        step_20_times(worker);
        assert_eq!(answers.borrow().last(), Some(&(12, "v2".to_owned())));
    });
}

#[test]
fn rule_4_chunks_in_flight_to_a_process_that_does_not_receive_them_are_bounded() {
    let (before, after) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    timely::execute(timely::Config::process(2), move |worker| {
        let position = WorkerPosition { index: worker.index(), peers: 2, workers: 1 };
        let (desired, stop) = (DesiredModels::default(), Stop::default());
        let proposer = Rc::new(RefCell::new(Proposer::new(2, &ModelVersion::new("v1"))));
        let bytes = vec![0; CHUNK_BYTES * WINDOW * 3];
        let candidate = Candidate { version: ModelVersion::new("v2"), bytes: bytes.into() };
        desired.put(DesiredModel { role: Role::Current, candidate: Some(candidate) });
        let received = Rc::new(RefCell::new(0));
        let count = Rc::clone(&received);
        worker.dataflow(|scope| {
            send::send_model(scope, position, &desired, &proposer, &stop).map(move |addressed| {
                *count.borrow_mut() += addressed.chunk.bytes.len();
            });
        });
        if worker.index() == 1 {
            before.wait();
        } else {
            for _ in 0..20 {
                worker.step_or_park(Some(TICK));
            }
            assert_eq!(*received.borrow(), CHUNK_BYTES * WINDOW);
            before.wait();
        }
        while *received.borrow() < CHUNK_BYTES * WINDOW * 3 {
            worker.step_or_park(Some(TICK));
        }
        // Both must have received all chunks before either leaves: a worker that has left makes no progress.
        worker.step();
        after.wait();
        stop.request();
        worker.installed_dataflows().into_iter().for_each(|dataflow| worker.drop_dataflow(dataflow));
    })
    .unwrap()
    .join()
    .into_iter()
    .for_each(|worker| worker.unwrap());
}

#[test]
fn rule_6_a_model_that_no_request_can_need_is_dropped() {
    let first = constant("v1");
    let weak = Arc::downgrade(&first);
    let mut schedule = Schedule::new(first);
    schedule.set_known_until(100);
    schedule.add_change(20, Role::Current, Some(constant("v2")));
    schedule.add_change(30, Role::Shadow, Some(constant("v3")));
    let version = |schedule: &mut Schedule<Readings>, at| schedule.models_at(at).unwrap().current.version().to_string();
    assert_eq!((version(&mut schedule, 19), version(&mut schedule, 20)), ("v1".into(), "v2".into()));
    assert!(schedule.models_at(29).unwrap().shadow.is_none() && schedule.models_at(30).unwrap().shadow.is_some());
    schedule.drop_before(19);
    assert!(weak.upgrade().is_some());
    schedule.drop_before(20);
    assert!(weak.upgrade().is_none());
    schedule.drop_before(Timestamp::MAX);
    assert_eq!((schedule.len(), version(&mut schedule, 99)), (1, "v2".into()));
}
