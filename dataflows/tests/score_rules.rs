//! Tests of the rules of the score dataflow, on a log and a store in memory with injected faults.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic)]

mod in_memory;

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use delaycast_dataflows::score::{Config, Error, Models};
use engine::{
    answer::ModelVersion,
    domain::Domain,
    log::Share,
    model::{DesiredModels, Scorer},
};
use in_memory::{
    AnyButBad, ByValue, Fault, MemoryLog, MemoryStore, Running, desired_model,
    domain::{Level, Reading, Readings, message},
    few, impatient, oracle, until,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Time in which a wrong commit would occur.
const SEVERAL_COMMITS: Duration = Duration::from_millis(350);

fn rig(partitions: usize) -> (Arc<MemoryLog>, Arc<MemoryStore>) {
    let store = MemoryStore::new();
    (MemoryLog::new(partitions, &store), store)
}

fn fill(log: &MemoryLog, partitions: usize, count: usize) {
    for number in 0..count {
        log.append(number % partitions, message(&format!("request-{number}"), number as f64 % 100.0 - 30.0));
    }
}

#[test]
fn rule_1_each_worker_reads_its_partitions_and_new_ones() {
    let (log, store) = rig(5);
    fill(&log, 5, 100);
    let running = Running::start(2, &log, &store);
    until("the first are answered", || store.answers().len() == 100);
    log.add_partition();
    log.append(5, message("late", 0.0));
    until("the new partition is read", || store.answers().len() == 101);
    running.stop().unwrap();
    for (Share { index, peers }, position) in log.reads() {
        assert_eq!((position.partition.0 as usize % peers, peers), (index, 2), "{position}");
    }
    assert_eq!(log.reads().len(), 101);
}

#[test]
fn rule_2_timestamps_advance_without_traffic() {
    let (log, store) = rig(2);
    let running = Running::start(2, &log, &store);
    for number in 0..5 {
        log.append(0, message(&format!("single-{number}"), 0.0));
        until("a single record is committed", || log.uncommitted() == 0);
    }
    running.stop().unwrap();
}

#[test]
fn rules_3_and_4_offsets_are_committed_only_once_their_records_are_durable() {
    let (log, store) = rig(2);
    store.fault(Fault::Block);
    fill(&log, 2, 100);
    log.append(0, b"not a request".to_vec());
    let running = Running::start(2, &log, &store);
    until("the store is being written to", || store.writes() > 0);
    until("the dead letter is durable", || log.dead_letters().len() == 1);
    thread::sleep(SEVERAL_COMMITS);
    assert_eq!(log.uncommitted(), 101);
    store.fault(Fault::None);
    until("all is committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(store.answers().len(), 100);
    assert_eq!(log.breaches(), Vec::<String>::new());
}

#[test]
fn rule_5_the_first_answer_wins() {
    let (log, store) = rig(1);
    for value in [-60.0, 0.0, 60.0] {
        log.append(0, message("same", value));
    }
    let running = Running::start(1, &log, &store);
    until("all are committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(store.answers()["same"].score, Level::Low);
    // A lost acknowledgement makes the batch be written again.
    store.fault(Fault::FailAfterWriting(3));
    log.append(0, message("again", 60.0));
    let running = Running::start(1, &log, &store);
    until("it is committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(store.answers()["again"].score, Level::High);
}

#[test]
fn rule_6_a_record_without_an_answer_becomes_a_dead_letter_and_a_rejection() {
    let (log, store) = rig(1);
    store.refuse("request-3");
    fill(&log, 1, 5);
    log.append(0, br#"{"UUID": "wrong", "Value": 7}"#.to_vec());
    log.append(0, b"\xff".to_vec());
    log.append(0, vec![b' '; 300_000]);
    let running = Running::start(1, &log, &store);
    until("all are committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    let reasons: Vec<String> = log.dead_letters().into_iter().map(|dead| dead.reason).collect();
    let expected = [
        "the store refuses the answer: not this one",
        "Sensor: is missing",
        "not UTF-8 at byte 0",
        "the message has 300000 bytes, more than 65536",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(log.dead_letters()[0].payload.bytes(), message("request-3", -27.0));
    assert_eq!(store.answers().len(), 4);
    let rejected: Vec<String> = store.rejections().into_keys().collect();
    assert_eq!(rejected, ["request-3", "wrong"]);
    assert_eq!(log.breaches(), Vec::<String>::new());
}

#[test]
fn rule_6_a_dead_letter_and_its_rejection_are_durable_before_the_offset_is_committed() {
    for held in ["dead letters", "rejections"] {
        let (log, store) = rig(1);
        let hold = |hold| if held == "rejections" { store.hold_rejections(hold) } else { log.hold_dead_letters(hold) };
        hold(true);
        log.append(0, br#"{"UUID": "wrong", "Value": 7}"#.to_vec());
        log.append(0, message("right", 0.0));
        let running = Running::start(1, &log, &store);
        until("the request beside it is answered", || store.answers().len() == 1);
        thread::sleep(SEVERAL_COMMITS);
        assert_eq!(log.uncommitted(), 2, "{held}");
        hold(false);
        until("both are committed", || log.uncommitted() == 0);
        assert_eq!((log.dead_letters().len(), store.rejections().len()), (1, 1));
        running.stop().unwrap();
    }
}

#[test]
fn rule_7_records_in_flight_are_bounded_and_workers_wait_during_an_outage() {
    let (log, store) = rig(1);
    store.fault(Fault::Block);
    fill(&log, 1, 1000);
    let running = Running::start_with(few(50), &log, &store, ByValue::new());
    until("the bound is reached", || log.reads().len() == 50);
    until("the bound is counted", || running.counters.read.get() == 50 && store.writes() > 0);
    assert_eq!((log.reads().len(), running.counters.in_flight()), (50, 50));
    store.fault(Fault::Fail(3));
    until("all are answered", || store.answers().len() == 1000);
    until("all are committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(log.breaches(), Vec::<String>::new());
}

#[test]
fn rule_8_records_are_scored_where_they_are_read_unless_workers_would_be_idle() {
    for (partitions, workers) in [(4, 4), (1, 4)] {
        let (log, store) = rig(partitions);
        fill(&log, partitions, 400);
        let scorer = ByValue::new();
        let running = Running::start_with(Config::new(workers), &log, &store, Arc::clone(&scorer) as _);
        until("all are answered", || store.answers().len() == 400);
        running.stop().unwrap();
        let threads = scorer.threads.lock();
        for partition in 0..partitions {
            let of_partition = threads.iter().filter(|(id, _)| {
                id.strip_prefix("request-").and_then(|number| number.parse::<usize>().ok()).unwrap() % partitions
                    == partition
            });
            let scored_on: BTreeSet<String> = of_partition.map(|(_, thread)| format!("{thread:?}")).collect();
            assert_eq!(scored_on.len(), if partitions < workers { workers } else { 1 });
        }
    }
}

#[test]
fn rule_9_a_stop_drains_or_leaves_records_that_are_not_durable_to_the_next_start() {
    let (log, store) = rig(2);
    fill(&log, 2, 500);
    let running = Running::start(2, &log, &store);
    until("something is answered", || !store.answers().is_empty());
    running.stop().unwrap();
    assert_eq!(log.uncommitted(), 500 - store.answers().len());

    fill(&log, 2, 600);
    store.fault(Fault::Fail(usize::MAX));
    let running = Running::start_with(impatient(2), &log, &store, ByValue::new());
    until("the store is being written to", || store.writes() > 2);
    let before = log.uncommitted();
    let Err(Error::Undrained { records, reason }) = running.stop() else { panic!("nothing could drain") };
    assert!(records > 0);
    assert!(reason.unwrap().reason.contains("as the test wants it"));
    assert_eq!(log.uncommitted(), before);

    store.fault(Fault::None);
    let running = Running::start(2, &log, &store);
    until("all are committed", || log.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(store.answers().len(), 600);
    assert_eq!(log.breaches(), Vec::<String>::new());
}

/// A model that returns no score for the last request.
struct Lossy(Arc<ByValue>);

impl Scorer<Readings> for Lossy {
    fn version(&self) -> &ModelVersion {
        self.0.version()
    }

    fn score(&self, requests: &[Reading], scores: &mut Vec<Level>) {
        self.0.score(requests, scores);
        scores.pop();
    }
}

#[test]
fn a_scorer_that_loses_a_request_stops_all_workers_before_a_commit() {
    let (log, store) = rig(1);
    fill(&log, 1, 3);
    let running = Running::start_with(Config::new(1), &log, &store, Arc::new(Lossy(ByValue::new())));
    until("all workers have left", || running.has_ended());
    assert!(matches!(running.stop(), Err(Error::Broken(_))));
    assert_eq!(log.uncommitted(), 3);
}

#[test]
fn rule_9_workers_without_records_in_flight_leave_without_waiting() {
    for (partitions, workers) in [(4, 4), (1, 4)] {
        let (log, store) = rig(partitions);
        fill(&log, partitions, 100);
        let patient = Config { drain: Duration::from_secs(3600), ..Config::new(workers) };
        let running = Running::start_with(patient, &log, &store, ByValue::new());
        until("all are answered", || store.answers().len() == 100);
        running.stop.request();
        until("all workers have left", || running.has_ended());
        running.stop().unwrap();
        assert_eq!(log.uncommitted(), 0);
    }
}

#[test]
fn rule_9_a_batch_that_is_open_at_the_stop_is_drained() {
    let (log, store) = rig(1);
    for number in 1..=20 {
        let running = Running::start(1, &log, &store);
        log.append(0, message(&format!("request-{number}"), 0.0));
        until("it is read", || running.counters.read.get() == 1);
        running.stop().unwrap();
        assert_eq!((store.answers().len(), log.uncommitted()), (number, 0));
    }
}

#[test]
fn a_writer_that_panics_ends_all_workers() {
    let (log, store) = rig(2);
    let running = Running::start_with(impatient(2), &log, &store, ByValue::new());
    store.fault(Fault::Panic);
    log.append(0, message("the last", 0.0));
    until("all workers have left", || running.has_ended());
    assert!(matches!(running.stop(), Err(Error::Broken(_))));
    assert_eq!(log.uncommitted(), 1);
}

#[test]
fn no_request_is_lost_or_answered_twice_when_models_change_under_load() {
    for (partitions, workers) in [(4, 4), (1, 4), (1, 1)] {
        let (log, store) = rig(partitions);
        let desired = DesiredModels::default();
        let models = Models::new(ByValue::new(), &desired, Arc::new(AnyButBad));
        let patient = Config { drain: Duration::from_secs(60), ..Config::new(workers) };
        let running = Running::start_models(patient, &log, &store, models);
        let mut asked = 0;
        for version in ["v1", "v2", "v3"] {
            let before = running.counters.models_refused.get();
            desired.put(desired_model("no good", "bad"));
            until("it is refused", || {
                fill_more(&log, partitions, &mut asked, 10);
                running.counters.models_refused.get() > before
            });
            desired.put(desired_model(version, "good"));
            until("answers come from the new model", || {
                fill_more(&log, partitions, &mut asked, 10);
                store.answers().values().any(|answer| answer.model.as_str() == version)
            });
        }
        until("all are committed", || log.uncommitted() == 0);
        running.stop().unwrap();
        let by: BTreeSet<String> = store.answers().values().map(|answer| answer.model.to_string()).collect();
        assert_eq!(by, ["by-value", "v1", "v2", "v3"].map(str::to_owned).into());
        assert_eq!((store.answers().len(), log.breaches()), (asked, vec![]));
    }
}

fn fill_more(log: &MemoryLog, partitions: usize, asked: &mut usize, count: usize) {
    for _ in 0..count {
        log.append(*asked % partitions, message(&format!("request-{asked}"), 0.0));
        *asked += 1;
    }
}

/// Random faults and restarts: each request gets the answer of the sequential oracle, once.
#[test]
fn any_faults_and_restarts_agree_with_the_oracle_on_1_and_4_workers() {
    let given = std::env::var("DELAYCAST_SEED").ok().map(|seed| seed.parse().expect("DELAYCAST_SEED is a number"));
    for case in 0..8 {
        let seed = given.unwrap_or_else(|| rand::rng().random::<u64>());
        println!("case {case}: DELAYCAST_SEED={seed}");
        for workers in [1, 4] {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let partitions = random.random_range(1..6);
            let (log, store) = rig(partitions);
            let mut messages = vec![];
            for _ in 0..random.random_range(1..6) {
                for _ in 0..random.random_range(0..300) {
                    let mut payload = message(&format!("request-{}", messages.len()), random.random_range(-90.0..90.0));
                    if random.random_bool(0.1) {
                        payload.truncate(random.random_range(0..payload.len()));
                    }
                    log.append(random.random_range(0..partitions), payload.clone());
                    messages.push(payload);
                }
                store.fault(match random.random_range(0..4) {
                    0 => Fault::Fail(random.random_range(1..5)),
                    1 => Fault::FailAfterWriting(random.random_range(1..5)),
                    2 => Fault::Fail(usize::MAX),
                    _ => Fault::None,
                });
                let running = Running::start_with(impatient(workers), &log, &store, ByValue::new());
                let enough = random.random_range(0..=log.uncommitted());
                let start = Instant::now();
                while log.uncommitted() > enough && start.elapsed() < Duration::from_millis(100) {
                    thread::yield_now();
                }
                match running.stop() {
                    Ok(()) | Err(Error::Undrained { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                assert_eq!(log.breaches(), Vec::<String>::new());
            }
            store.fault(Fault::None);
            let running = Running::start(workers, &log, &store);
            until("all are committed", || log.uncommitted() == 0);
            running.stop().unwrap();
            let (good, bad): (Vec<_>, Vec<_>) = messages.iter().map(|payload| oracle(payload)).partition(Result::is_ok);
            let answers = store.answers();
            assert_eq!((answers.len(), log.dead_letters().len()), (good.len(), bad.len()));
            for payload in &messages {
                if let (Ok(level), Ok(request)) = (oracle(payload), Readings::decode(payload)) {
                    assert_eq!(answers[request.id.as_str()].score, level);
                }
            }
            assert_eq!(log.breaches(), Vec::<String>::new());
        }
    }
}
