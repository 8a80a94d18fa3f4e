//! The rules of a swap. Each worker here stands for a process: it has a loaded_models and a loader of its own. All rules are in one
//! long file, for they share what they are tried with.

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

use delaycast::{
    answer::{ModelVersion, Score},
    domain::Flights,
    features::KnownInputs,
    flight::DelayClass,
    log::{Message, Offset, PartitionId, Payload, Position},
    model::{Candidate, DesiredModel, DesiredModels, Loader, Role, Scorer},
    request::{self, Request},
};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        InputHandle, Scope, StreamVec,
        operators::{Input, generic::operator::source, vec::Map},
    },
};

use super::{proposer::Vote, *};
use crate::heartbeat::FailureDetector;
use crate::score::{
    ClusterClock, Config, Counters, TICK, Timestamp,
    generation::LoadedModels,
    in_flight::InFlight,
    infer,
    source::{Record, Ticker},
};

/// A model that is nothing but its version.
struct Plain(ModelVersion);

impl Scorer<Flights> for Plain {
    fn version(&self) -> &ModelVersion {
        &self.0
    }

    fn score(&self, requests: &[Request], scores: &mut Vec<Score>) {
        let score = Score {
            probabilities: [0.0, 1.0, 0.0, 0.0],
            class: DelayClass::ALL[1],
            distance: 1.0,
            remarks: vec![],
            forest: KnownInputs { dep_delay: true, ..KnownInputs::NONE },
            explanation: None,
        };
        scores.extend(requests.iter().map(|_| score.clone()));
    }
}

fn plain(version: &str) -> Arc<dyn Scorer<Flights>> {
    Arc::new(Plain(ModelVersion::new(version)))
}

/// A file of several chunks.
fn desired_model(version: &str) -> DesiredModel {
    let bytes = vec![1; CHUNK_BYTES * 3 + 17];
    DesiredModel {
        role: Role::Current,
        candidate: Some(Candidate { version: ModelVersion::new(version), bytes: bytes.into() }),
    }
}

/// Loads what is not forbidden, once it may.
#[derive(Default)]
struct Gate {
    forbidden: Option<&'static str>,
    shut: AtomicBool,
    loaded: AtomicUsize,
}

impl Loader<Flights> for Gate {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        while self.shut.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        self.loaded.fetch_add(1, Ordering::AcqRel);
        assert_eq!(bytes.len(), CHUNK_BYTES * 3 + 17);
        if self.forbidden == Some(version.as_str()) { Err("not this one".into()) } else { Ok(plain(version.as_str())) }
    }
}

fn record(at: Timestamp) -> (Request, Record) {
    let text = br#"{"UUID": "u", "Carrier": "AA", "Origin": "ATL", "Dest": "SFO", "FlightDate": "2016-12-25"}"#;
    let position = Position { partition: PartitionId(0), offset: Offset(at) };
    let message = Message { position, payload: Payload::new(text.to_vec()), attempt: 0, topic_id: None };
    (request::decode(text).unwrap(), Record { message, read_us: at })
}

/// Of processes with one worker each.
fn generation(clock: ClusterClock, detector: Option<Arc<FailureDetector>>) -> Generation<Flights> {
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

/// Requests at every moment, each knowing its timestamp, until a stop.
fn requests<'scope>(
    scope: Scope<'scope, Timestamp>,
    clock: ClusterClock,
    stop: &Stop,
) -> StreamVec<'scope, Timestamp, (Request, Record)> {
    let stop = stop.clone();
    source::<_, CapacityContainerBuilder<Vec<(Request, Record)>>, _, _>(scope, "Ask", |capability, info| {
        let activator = scope.activator_for(info.address);
        activator.activate();
        let (mut capability, mut ticker) = (Some(capability), Ticker::new());
        move |output| {
            capability.take_if(|_| stop.asked());
            let Some(open) = capability.as_mut() else { return };
            open.downgrade(&clock.now().max(open.time() + 1));
            let at = *open.time();
            output.session(open).give_iterator((0..3).map(|_| record(at)));
            ticker.turn(Duration::from_millis(1), |delay| activator.activate_after(delay));
        }
    })
}

/// What several workers do with these models, until all have answered after `over` has said so.
struct Trial {
    desired: DesiredModels,
    counters: Arc<Counters>,
    stop: Stop,
    /// Every answer's timestamp and version.
    answers: Arc<Mutex<Vec<(Timestamp, String)>>>,
}

impl Trial {
    fn new() -> Self {
        let (desired, counters) = (DesiredModels::default(), Arc::new(Counters::of::<Flights>()));
        Trial { desired, counters, stop: Stop::default(), answers: Arc::default() }
    }

    fn run(&self, gates: Vec<Arc<Gate>>, mut script: impl FnMut(&Trial) + Send) {
        let (clock, workers) = (ClusterClock::start(), gates.len());
        let (desired, counters, stop, answers) =
            (self.desired.clone(), Arc::clone(&self.counters), self.stop.clone(), Arc::clone(&self.answers));
        counters.models.set(Role::Current, Some(ModelVersion::new("v1")), 0);
        let running = timely::execute(timely::Config::process(workers), move |worker| {
            let in_flight = Rc::new(RefCell::new(InFlight::new(Config::IN_FLIGHT)));
            let shared = Shared { clock, in_flight, counters: Arc::clone(&counters), shadow_queue: None };
            let models = Models::new(plain("v1"), &desired, Arc::clone(&gates[worker.index()]) as _);
            let schedule = build(worker, &models, &generation(clock, None), &shared, &stop).unwrap();
            let answers = Arc::clone(&answers);
            let probe = worker.dataflow(|scope| {
                let answered = infer::score(requests(scope, clock, &stop), Rc::clone(&schedule), &shared);
                let note = move |(answer, record): (delaycast::answer::Answer, Record)| {
                    answers.lock().unwrap().push((record.read_us, answer.model.to_string()));
                };
                timely::dataflow::operators::Probe::probe(answered.map(note)).0
            });
            while !probe.done() {
                worker.step_or_park(Some(Duration::from_millis(1)));
                assert_eq!(shared.in_flight.borrow().broken, None);
            }
            // Rule 7: nothing more will be announced, and all know.
            while schedule.borrow_mut().at(Timestamp::MAX - 1).is_none() {
                worker.step_or_park(Some(Duration::from_millis(1)));
            }
            worker.installed_dataflows().into_iter().for_each(|dataflow| worker.drop_dataflow(dataflow));
        });
        script(self);
        self.stop.ask();
        running.unwrap().join().into_iter().for_each(|worker| worker.unwrap());
    }

    /// Waits until a version is in use; returns since which timestamp.
    fn until_used(&self, version: &str) -> Timestamp {
        loop {
            match self.counters.models.get(Role::Current) {
                Some((used, from)) if used.as_str() == version => return from,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Each answer is by the model of its timestamp, given the changes in order.
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

fn gates(count: usize) -> Vec<Arc<Gate>> {
    (0..count).map(|_| Arc::default()).collect()
}

#[test]
fn rules_1_and_7_the_timestamp_alone_decides_on_1_and_on_4_workers() {
    for workers in [1, 4] {
        let trial = Trial::new();
        let mut changes = vec![(0, "v1")];
        trial.run(gates(workers), |trial| {
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
fn rule_2_all_processes_are_asked_and_one_refusal_is_enough() {
    let mut gates = gates(3);
    gates[2] = Arc::new(Gate { forbidden: Some("v2"), ..Gate::default() });
    gates[1].shut.store(true, Ordering::Release);
    let (trial, given) = (Trial::new(), gates.clone());
    let mut used_from = 0;
    trial.run(given, |trial| {
        trial.desired.put(desired_model("v2"));
        while trial.counters.models_refused.get() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The next one is ready everywhere but in process 1, which has not even looked at the one before.
        trial.desired.put(desired_model("v3"));
        while [0, 2].iter().any(|process: &usize| gates[*process].loaded.load(Ordering::Acquire) < 2) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(trial.counters.models.get(Role::Current).unwrap().0.as_str(), "v1");
        gates[1].shut.store(false, Ordering::Release);
        used_from = trial.until_used("v3");
    });
    trial.check(&[(0, "v1"), (used_from, "v3")]);
    assert_eq!(trial.counters.models_refused.get(), 1);
}

fn turn(worker: &mut Worker) {
    for _ in 0..20 {
        worker.step();
    }
}

fn shared() -> Shared<Flights> {
    let in_flight = Rc::new(RefCell::new(InFlight::new(Config::IN_FLIGHT)));
    Shared {
        clock: ClusterClock::start(),
        in_flight,
        counters: Arc::new(Counters::of::<Flights>()),
        shadow_queue: None,
    }
}

#[test]
fn rule_3_word_is_ahead_of_the_fastest_clock() {
    let hour_ms = 3_600_000;
    let detector = Arc::new(FailureDetector::new(0, 1, 1));
    detector.record_clock(hour_ms, 0);
    detector.record_clock(0, hour_ms);
    timely::execute_directly(move |worker| {
        let (shared, stop) = (shared(), Stop::default());
        let models = Models::fixed(plain("v1"));
        let schedule = build(worker, &models, &generation(shared.clock, Some(detector)), &shared, &stop).unwrap();
        let fastest = shared.clock.now() + hour_ms;
        while schedule.borrow_mut().at(fastest).is_none() {
            worker.step_or_park(Some(TICK));
        }
        assert!(schedule.borrow_mut().at(fastest + hour_ms).is_none());
        stop.ask();
        while schedule.borrow_mut().at(Timestamp::MAX - 1).is_none() {
            worker.step_or_park(Some(TICK));
        }
    });
}

#[test]
fn rule_3_who_comes_before_it_is_known_waits_and_is_answered_in_order_by_the_right_model() {
    timely::execute_directly(|worker| {
        let schedule = Rc::new(RefCell::new(Schedule::new(plain("v1"))));
        let (shared, mut input) = (shared(), InputHandle::new());
        let answers: Rc<RefCell<Vec<(u64, String)>>> = Rc::default();
        let noted = Rc::clone(&answers);
        worker.dataflow(|scope| {
            infer::score(scope.input_from(&mut input), Rc::clone(&schedule), &shared).map(move |(answer, record)| {
                noted.borrow_mut().push((record.read_us, answer.model.to_string()));
            });
        });
        schedule.borrow_mut().known_until(10);
        for at in [5, 9, 10, 11, 12] {
            input.advance_to(at);
            input.send(record(at));
            input.flush();
        }
        turn(worker);
        let named = |versions: &[(u64, &str)]| versions.iter().map(|(at, v)| (*at, v.to_string())).collect::<Vec<_>>();
        assert_eq!(*answers.borrow(), named(&[(5, "v1"), (9, "v1")]));
        schedule.borrow_mut().change(11, Role::Current, Some(plain("v2")));
        schedule.borrow_mut().known_until(12);
        turn(worker);
        assert_eq!(*answers.borrow(), named(&[(5, "v1"), (9, "v1"), (10, "v1"), (11, "v2")]));
        schedule.borrow_mut().known_until(100);
        turn(worker);
        assert_eq!(answers.borrow().last(), Some(&(12, "v2".to_owned())));
    });
}

#[test]
fn rule_4_few_pieces_are_on_their_way_to_a_process_that_does_not_take_them() {
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
        // Not before both have seen it: who leaves cannot be heard.
        worker.step();
        after.wait();
        stop.ask();
        worker.installed_dataflows().into_iter().for_each(|dataflow| worker.drop_dataflow(dataflow));
    })
    .unwrap()
    .join()
    .into_iter()
    .for_each(|worker| worker.unwrap());
}

#[test]
fn rule_5_a_newer_wish_replaces_one_that_is_not_announced_and_waits_for_one_that_is() {
    let (mut proposer, desired) = (Proposer::new(2, &ModelVersion::new("v1")), DesiredModels::default());
    let send = |proposer: &mut Proposer| {
        let chunks: Vec<_> = std::iter::from_fn(|| proposer.next_piece()).collect();
        (chunks.len(), chunks.last().map(|chunk| (chunk.proposal, chunk.version.clone())))
    };
    let ready = |proposal, process| Vote { proposal, process, refused: None };
    let no = |proposal, process| Vote { proposal, process, refused: Some("no".into()) };
    // What is in use is not proposed.
    desired.put(desired_model("v1"));
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer), (0, None));

    desired.put(desired_model("v2"));
    proposer.take_up(&desired);
    assert_eq!(proposer.next_piece().map(|chunk| (chunk.proposal, chunk.at)), Some((1, 0)));
    assert!(proposer.is_sending());
    desired.put(desired_model("v3"));
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer), (4, Some((2, "v3".into()))));
    assert_eq!((proposer.vote(ready(2, 0)), proposer.announce(70)), (None, None));
    // Votes on the one before count for nothing.
    assert_eq!((proposer.vote(no(1, 0)), proposer.vote(ready(1, 1)), proposer.announce(80)), (None, None, None));
    assert_eq!(proposer.vote(ready(2, 1)), None);
    desired.put(desired_model("v4"));
    assert_eq!(proposer.announce(100).unwrap().proposal, Some(2));
    assert_eq!(proposer.used(Role::Current).unwrap().as_str(), "v3");

    proposer.take_up(&desired);
    assert_eq!((send(&mut proposer), proposer.announce(110)), ((0, None), None), "v3 is announced");
    proposer.heard(|at| at < 100);
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer).0, 0);
    proposer.heard(|at| at <= 100);
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer), (4, Some((3, "v4".into()))));
    let refused = proposer.vote(no(3, 1)).unwrap();
    assert_eq!((refused.version.as_str(), refused.process, refused.reason.as_str()), ("v4", 1, "no"));
    assert_eq!((proposer.vote(no(3, 0)), proposer.announce(120)), (None, None), "it is said once");

    // A shadow waits for its turn, and goes without asking anybody.
    desired.put(desired_model("v5"));
    desired.put(DesiredModel { role: Role::Shadow, ..desired_model("v6") });
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer).1, Some((4, "v5".into())));
    (0..2).for_each(|process| drop(proposer.vote(ready(4, process))));
    assert_eq!(proposer.announce(200).unwrap().role, Role::Current);
    proposer.heard(|_| true);
    proposer.take_up(&desired);
    assert_eq!(send(&mut proposer).1, Some((5, "v6".into())));
    (0..2).for_each(|process| drop(proposer.vote(ready(5, process))));
    assert_eq!(proposer.announce(300).unwrap().role, Role::Shadow);
    proposer.heard(|_| true);
    desired.put(DesiredModel { role: Role::Shadow, candidate: None });
    proposer.take_up(&desired);
    let gone = proposer.announce(400).unwrap();
    assert_eq!((gone.role, gone.proposal, proposer.used(Role::Shadow)), (Role::Shadow, None, None));
}

#[test]
fn rule_6_a_model_that_nobody_can_ask_for_is_dropped() {
    let first = plain("v1");
    let watched = Arc::downgrade(&first);
    let mut schedule = Schedule::new(first);
    schedule.known_until(100);
    schedule.change(20, Role::Current, Some(plain("v2")));
    schedule.change(30, Role::Shadow, Some(plain("v3")));
    let version = |schedule: &mut Schedule<Flights>, at| schedule.at(at).unwrap().current.version().to_string();
    assert_eq!((version(&mut schedule, 19), version(&mut schedule, 20)), ("v1".into(), "v2".into()));
    assert!(schedule.at(29).unwrap().shadow.is_none() && schedule.at(30).unwrap().shadow.is_some());
    schedule.forget_before(19);
    assert!(watched.upgrade().is_some());
    schedule.forget_before(20);
    assert!(watched.upgrade().is_none());
    schedule.forget_before(Timestamp::MAX);
    assert_eq!((schedule.len(), version(&mut schedule, 99)), (1, "v2".into()));
}
