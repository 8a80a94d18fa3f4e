//! Tests of the rules of the live dataflow: the calibrations of sensors are events, and a reading is scored with the
//! last one of its sensor.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports, reason = "these tests use their share")]
mod in_memory;

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    thread,
};

use delaycast_dataflows::score::TICK;
use engine::{
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
    log::{
        DeadLetter, DeadLetterReader, DeadLetterSpan, Log, Producer, Reader, Share, Start, Topic, TopicOptions, Wake,
    },
};
use in_memory::{EMPTIED, Rig, calibration, domain::message, until};
use proptest::prelude::*;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

impl Rig {
    /// Asks once in each partition, so that each worker answers, and returns the values that were scored.
    fn ask(&self, question: &str) -> BTreeSet<String> {
        let before = self.store.answers().len();
        for partition in 0..4 {
            self.requests.append(partition, message(&format!("{question}-{partition}"), 0.0));
        }
        until("the questions are answered", || self.store.answers().len() == before + 4);
        let ids: Vec<String> = (0..4).map(|partition| format!("{question}-{partition}")).collect();
        let answers = self.store.answers();
        ids.iter().map(|id| answers[id].request.value.to_string()).collect()
    }

    /// Asks until all workers answer with this value.
    fn until_all_score(&self, value: f64) {
        let mut question = 0;
        until("all workers have the state", || {
            question += 1;
            self.ask(&format!("{value}-{question}-{}", rand::random::<u32>())) == BTreeSet::from([value.to_string()])
        });
    }
}

#[test]
fn rule_1_the_state_is_rebuilt_from_the_log_at_every_start() {
    let rig = Rig::new();
    rig.events.append(0, calibration("S1", 5, 7));
    for workers in [1, 4] {
        let (running, _) = rig.start(workers);
        rig.until_all_score(7.0);
        running.stop().unwrap();
    }
}

#[test]
fn rule_2_order_and_repetition_change_nothing() {
    let rig = Rig::new();
    let mut events: Vec<Vec<u8>> = (0..50).map(|at| calibration("S1", at, at * 10)).collect();
    events.extend(events.clone());
    events.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    for (number, event) in events.into_iter().enumerate() {
        rig.events.append(number % 3, event);
    }
    let (running, counters) = rig.start(4);
    until("all are read", || counters.kept.get() + counters.repeated.get() == 100);
    rig.until_all_score(490.0);
    running.stop().unwrap();
    assert_eq!((counters.kept.get(), counters.repeated.get(), counters.broken.get()), (50, 50, 0));
}

#[test]
fn rules_3_and_4_a_subject_is_replaced_at_once_and_removed_when_it_is_not_kept() {
    let rig = Rig::new();
    let (running, counters) = rig.start(4);
    for offset in 1..=30 {
        rig.events.append(offset as usize % 3, calibration("S1", offset, offset));
        rig.ask(&format!("while-{offset}"));
    }
    rig.until_all_score(30.0);
    assert_eq!(EMPTIED.load(Ordering::Relaxed), 0, "a state was seen between two sets of events");
    // The last value may be there before an earlier event, which another worker reads.
    let mut before = 0;
    until("all changes are taken over", || {
        let last = std::mem::replace(&mut before, counters.changed.get());
        thread::sleep(10 * TICK);
        counters.kept.get() == 30 && last == before && before == counters.changed.get()
    });
    // An hour is the step in which subjects expire.
    for sensor in 0..100 {
        rig.events.append(sensor % 3, calibration(&format!("S{sensor}@3600000"), 1000, 1));
    }
    until("each worker has them", || counters.changed.get() == before + 400);
    // Each worker removes what it keeps when it reads a later event itself.
    for sensor in 0..200 {
        rig.events.append(sensor % 3, calibration(&format!("T{sensor}"), 9_000_000, 1));
    }
    until("they are removed", || counters.removed.get() == 100);
    until("each worker has removed them", || EMPTIED.load(Ordering::Relaxed) == 400);
    rig.events.append(0, calibration("S1@3600000", 1001, 1));
    until("a late one is not taken", || counters.expired.get() == 1);
    running.stop().unwrap();
}

/// A log that cannot be opened.
struct Unreachable;

impl Log for Unreachable {
    fn describe(&self) -> String {
        "nowhere".into()
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        Err(Unavailable::transient("away"))
    }

    fn reader(&self, _: Share, _: Start, _: Wake, _: Arc<Health>) -> Result<Box<dyn Reader>, Unavailable> {
        Err(Unavailable::transient("away"))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Err(Unavailable::transient("away"))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        Err(Unavailable::transient("away"))
    }

    fn create_topics(&self, _: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        Err(Unavailable::transient("away"))
    }

    fn inspect(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn read_dead_letters(&self, _: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        Err(Unavailable::transient("away"))
    }
}

#[test]
fn rule_5_an_outage_of_the_log_of_events_stops_no_answer() {
    let rig = Rig::new();
    let (running, counters) = rig.start_with(2, Arc::new(Unreachable));
    assert_eq!(rig.ask("without"), BTreeSet::from(["0".to_owned()]));
    until("all is committed", || rig.requests.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(counters.read.get(), 0);
}

#[test]
fn rule_6_a_message_that_is_no_event_is_a_dead_letter_once() {
    let rig = Rig::new();
    rig.events.append(0, b"no event".to_vec());
    rig.events.append(0, calibration("S1", 1, 3));
    rig.events.append(1, vec![b' '; 201]);
    let (running, counters) = rig.start(2);
    rig.until_all_score(3.0);
    until("all is committed", || rig.events.uncommitted() == 0);
    running.stop().unwrap();
    assert_eq!(counters.broken.get(), 2);
    let reasons: Vec<String> = rig.events.dead_letters().into_iter().map(|letter| letter.reason).collect();
    assert_eq!(reasons, ["expected ident at line 1 column 2", "the message has 201 bytes, more than 200"]);

    let (running, counters) = rig.start(2);
    rig.until_all_score(3.0);
    running.stop().unwrap();
    assert_eq!((counters.read.get(), counters.broken.get()), (3, 0));
}

#[test]
fn rule_6_nothing_is_committed_before_its_dead_letters_are_durable() {
    let rig = Rig::new();
    rig.events.hold_dead_letters(true);
    rig.events.append(0, b"no event".to_vec());
    rig.events.append(0, calibration("S1", 1, 3));
    let (running, _) = rig.start(1);
    rig.until_all_score(3.0);
    thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(rig.events.uncommitted(), 2);
    rig.events.hold_dead_letters(false);
    until("all is committed", || rig.events.uncommitted() == 0);
    running.stop().unwrap();
}

#[test]
fn rule_6_nothing_is_committed_behind_a_dead_letter_whose_writer_has_ended() {
    let rig = Rig::new();
    rig.events.break_writers_of_dead_letters();
    rig.events.append(0, b"no event".to_vec());
    let (running, counters) = rig.start(1);
    until("the message is read", || counters.broken.get() == 1);
    for offset in 1..=3 {
        rig.events.append(0, calibration("S1", offset, offset));
        rig.until_all_score(offset as f64);
        thread::sleep(std::time::Duration::from_millis(1100));
    }
    running.stop().unwrap();
    assert_eq!(rig.events.uncommitted(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn one_worker_and_four_have_the_state_of_the_events(
        events in prop::collection::vec((0..3u8, 0..6i64, 0..50i64, 0..3usize), 1..60),
    ) {
        for workers in [1, 4] {
            let rig = Rig::new();
            for (sensor, at, offset, partition) in &events {
                rig.events.append(*partition, calibration(&format!("S{sensor}"), *at, *offset));
            }
            let (running, _) = rig.start(workers);
            let of_sensor = |(sensor, at, offset, _): &(u8, i64, i64, usize)| (*sensor == 1).then_some((*at, *offset));
            let expected = events.iter().filter_map(of_sensor).max().map_or(0, |(_, offset)| offset);
            rig.until_all_score(expected as f64);
            running.stop().unwrap();
        }
    }
}
