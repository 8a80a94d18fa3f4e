//! Tests of the rules of followed answers: a followed reading gets a version whenever calibrations have changed its
//! value by 10 or more, until it is 1000 or more.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic)]

#[allow(dead_code, unused_imports, reason = "these tests use their share")]
mod in_memory;

use std::{thread, time::Duration};

use delaycast_dataflows::score::{Counters, IDLE_EVERY, TURN};
use engine::{follow::Stage, live::EventTime};
use in_memory::{
    Rig, Running, calibration,
    domain::{followed, message},
    until,
};

impl Rig {
    /// Asks to follow a reading of a sensor of 0.
    fn follow(&self, partition: usize, id: &str, sensor: &str) {
        self.requests.append(partition, followed(id, sensor, 0.0));
    }

    fn calibrate(&self, sensor: &str, at: EventTime, offset: i64) {
        self.events.append(at.unsigned_abs() as usize % 3, calibration(sensor, at, offset));
    }

    /// Returns the values of the versions of a reading.
    fn values(&self, id: &str) -> Vec<f64> {
        self.store.versions_of(id).iter().map(|version| version.told[0]).collect()
    }

    fn until_values(&self, id: &str, values: &[f64]) {
        until(&format!("{id} has the versions {values:?}"), || self.values(id) == values);
    }
}

/// Returns the number of requests that are followed.
fn count(counters: &Counters) -> u64 {
    counters.followed.get()
}

#[test]
fn rule_1_a_later_generation_goes_on_with_what_was_followed_also_on_other_workers() {
    let rig = Rig::new();
    for (generation, workers) in [4, 1, 3, 6].into_iter().enumerate() {
        let (running, _) = rig.start(workers);
        rig.follow(generation % 4, &format!("r{generation}"), "S1");
        let at = 10 * (generation as i64 + 1);
        rig.calibrate("S1", at, 10 * at);
        let expected: Vec<f64> = (1..=generation as i64 + 1).map(|step| (100 * step) as f64).collect();
        until("all are followed", || count(&running.counters) == generation as u64 + 1);
        until("the first has all versions", || rig.values("r0").ends_with(&expected));
        running.stop().unwrap();
        assert_eq!(rig.requests.breaches(), Vec::<String>::new());
    }
    assert_eq!(rig.store.followed_ids().len(), 4);
}

#[test]
fn rule_2_version_1_is_the_first_answer_and_a_request_that_is_read_again_begins_nothing_anew() {
    let rig = Rig::new();
    rig.calibrate("S1", 1, 5);
    let (running, _) = rig.start(2);
    rig.requests.append(0, message("unfollowed", 0.0));
    // The same request in two partitions: two workers read it.
    rig.follow(1, "a", "S1");
    rig.follow(1, "a", "S1");
    until("all is committed", || rig.requests.uncommitted() == 0);
    let answer = &rig.store.answers()["a"];
    let versions = rig.store.versions_of("a");
    assert_eq!((&versions[0].answer, versions[0].number), (answer, 1));
    assert!(matches!(&versions[0].stage, Stage::Begins(begin) if begin.message.contains("\"a\"")));
    assert_eq!((rig.store.versions_of("unfollowed").len(), count(&running.counters)), (0, 1));
    running.stop().unwrap();
    assert_eq!(rig.requests.breaches(), Vec::<String>::new());
}

#[test]
fn rule_3_versions_have_no_gap_and_are_never_changed_whatever_acknowledgement_is_lost() {
    let rig = Rig::new();
    let (running, _) = rig.start(4);
    (0..8).for_each(|n| rig.follow(n % 4, &format!("r{n}"), "S1"));
    until("all are followed", || count(&running.counters) == 8);
    let mut before = Vec::new();
    for step in 1..=20 {
        rig.store.fail_versions(step % 3);
        // A change of less than 10 makes no version.
        rig.calibrate("S1", 2 * step as i64, 40 * step as i64 + 5);
        rig.calibrate("S1", 2 * step as i64 + 1, 40 * step as i64);
        for n in 0..8 {
            let id = format!("r{n}");
            let near = |value: &f64| (value - 40.0 * step as f64).abs() < 10.0;
            until("the version has landed", || rig.values(&id).last().is_some_and(near));
            let versions = rig.store.versions_of(&id);
            assert!(versions.iter().map(|version| version.number).eq(1..=versions.len() as u32));
            let apart = |pair: &[f64]| (pair[0] - pair[1]).abs() >= 10.0;
            assert!(rig.values(&id).windows(2).all(apart), "{:?}", rig.values(&id));
        }
        let versions = rig.store.versions_of("r0");
        assert_eq!(versions[..before.len()], before);
        before = versions;
    }
    running.stop().unwrap();
}

#[test]
fn rule_4_nothing_is_asked_again_before_the_state_is_rebuilt() {
    let rig = Rig::new();
    rig.calibrate("S1", 1, 100);
    rig.follow(0, "a", "S1");
    let (running, _) = rig.start(2);
    until("it is calibrated", || rig.values("a").last() == Some(&100.0));
    let before = rig.values("a");
    running.stop().unwrap();

    // The next generation does not know at first whether more events are to come.
    rig.events.hide_ends(true);
    rig.calibrate("S1", 2, 300);
    let (running, _) = rig.start(2);
    rig.follow(1, "b", "S1");
    until("it has read the events", || rig.store.answers().contains_key("b"));
    thread::sleep(2 * IDLE_EVERY);
    assert_eq!(rig.values("a"), before);
    rig.events.hide_ends(false);
    rig.until_values("a", &[&before[..], &[300.0]].concat());
    running.stop().unwrap();
}

#[test]
fn rule_5_the_last_version_says_so_and_ends_the_following() {
    let rig = Rig::new();
    let (running, _) = rig.start(2);
    rig.follow(0, "a", "S1");
    rig.follow(1, "b", "S2");
    rig.until_values("a", &[0.0]);
    rig.calibrate("S1", 1, 1000);
    rig.until_values("a", &[0.0, 1000.0]);
    until("b alone is followed", || count(&running.counters) == 1);
    let stages: Vec<Stage> = rig.store.versions_of("a").into_iter().map(|version| version.stage).collect();
    assert!(matches!(stages[..], [Stage::Begins(_), Stage::Last]));
    assert!(rig.store.followed_ids().iter().eq(["b"]));
    rig.calibrate("S1", 2, 0);
    rig.calibrate("S2", 2, 20);
    rig.until_values("b", &[0.0, 20.0]);
    assert_eq!(rig.values("a").len(), 2);
    // The first answer is final.
    rig.requests.append(2, followed("c", "S2", 2000.0));
    rig.until_values("c", &[2020.0]);
    assert!(rig.store.versions_of("c")[0].stage == Stage::Last && rig.store.followed_ids().len() == 1);
    running.stop().unwrap();
}

#[test]
fn rule_6_without_events_a_request_is_refused() {
    let rig = Rig::new();
    let running = Running::start(2, &rig.requests, &rig.store);
    rig.follow(0, "a", "S1");
    rig.until_values("a", &[0.0]);
    assert!(matches!(&rig.store.versions_of("a")[0].stage, Stage::Refused(reason) if reason.contains("no events")));
    until("all is committed", || rig.requests.uncommitted() == 0);
    assert!(rig.store.followed_ids().is_empty());
    running.stop().unwrap();
}

#[test]
fn rule_7_more_than_a_turn_of_requests_have_their_turns() {
    let rig = Rig::new();
    let (running, _) = rig.start(1);
    let many = 2 * TURN + 7;
    (0..many).for_each(|n| rig.follow(n % 4, &format!("r{n}"), "S1"));
    until("all are followed", || count(&running.counters) == many as u64);
    for step in 1..=3 {
        rig.calibrate("S1", step, 50 * step);
        for n in 0..many {
            until("each has a version", || rig.values(&format!("r{n}")).last() == Some(&(50.0 * step as f64)));
        }
    }
    running.stop().unwrap();
}

#[test]
fn rule_8_later_versions_hold_nothing_back() {
    let rig = Rig::new();
    let (running, _) = rig.start(2);
    rig.follow(0, "a", "S1");
    rig.until_values("a", &[0.0]);
    until("all is committed", || rig.requests.uncommitted() == 0);
    rig.store.hold_versions(true);
    rig.calibrate("S1", 1, 100);
    thread::sleep(Duration::from_millis(50));
    rig.requests.append(0, message("other", 0.0));
    until("all is committed", || rig.requests.uncommitted() == 0);
    assert_eq!(rig.values("a"), [0.0]);
    rig.store.hold_versions(false);
    rig.until_values("a", &[0.0, 100.0]);
    running.stop().unwrap();
}
