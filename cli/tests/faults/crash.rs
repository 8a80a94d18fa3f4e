//! Tests of scorers that are killed or told to stop.

use std::{sync::Arc, thread, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Signal, kill_process};

use crate::{
    fixture::{ANSWERS, Fixture},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{Process, children, give_models, long, seed, until},
};

#[test]
fn a_scorer_killed_at_random() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let kills = if long() { 100 } else { 5 };
    let load = Load::start(&fixture, 400 * kills.min(10), 400 * kills.min(10) / (kills / 2 + 1));
    for kill in 1..=kills {
        let scorer = fixture.score(1 + kill % 3);
        thread::sleep(Duration::from_millis(random.random_range(20..900)));
        scorer.kill();
    }
    let _scorer = fixture.score(2);
    assert_promise("scorer killed", kills, &load.audit(&fixture));
}

/// The next generation reads the uncommitted requests again.
#[test]
fn processes_of_a_cluster_killed_at_random() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 6));
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let (log, dir) = (fixture.log(), dir.path().to_string_lossy());
    let arguments = ["up", "--processes", "3", "--port", "0", "--dir", &dir, "--log", &log, "--store", &fixture.store];
    let up = Process::start(&arguments);
    up.line_after("delaycast is ready: ");
    let kills = if long() { 20 } else { 3 };
    let load = Load::start(&fixture, 400 * kills, 200);
    until("some are answered", || fixture.count(ANSWERS) > 100);
    for _ in 0..kills {
        thread::sleep(Duration::from_millis(random.random_range(100..2500)));
        let scorers = children(up.pid());
        // The supervisor may be restarting it.
        scorers.get(random.random_range(0..3)).map(|scorer| kill_process(*scorer, Signal::KILL));
    }
    assert_promise("process of a cluster killed", kills, &load.audit(&fixture));
    assert_eq!(up.terminate(), Some(0));
}

#[test]
fn sigterm_under_load() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let stops = if long() { 30 } else { 4 };
    let load = Load::start(&fixture, 300 * stops, 300);
    for stop in 0..stops {
        let scorer = fixture.score(1 + stop % 2);
        let before = fixture.count(ANSWERS);
        until("it is at work", || fixture.count(ANSWERS) > before || load.acknowledged() == 300 * stops);
        assert_eq!(scorer.terminate(), Some(0));
    }
    let _scorer = fixture.score(2);
    assert_promise("SIGTERM under load", stops, &load.audit(&fixture));
}

#[test]
fn sigterm_with_the_store_down() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let scorer = fixture.score(2);
    // Stopping the store can take longer than a short load.
    let load = Load::start(&fixture, 24_000, 200);
    until("some are answered", || fixture.count(ANSWERS) > 50);
    servers.stop("mongo");
    let before = load.acknowledged();
    until("some wait for the store", || load.acknowledged() > before + 100);
    // Long enough to commit the answers that were durable before the outage.
    thread::sleep(Duration::from_millis(500));
    let committed = fixture.committed().unwrap();
    assert_eq!(scorer.terminate(), Some(75), "what is not durable is told by the exit code");
    assert_eq!(fixture.committed().unwrap(), committed, "and not committed");
    load.publish_no_more();
    servers.start("mongo");
    let scorer = fixture.score(2);
    assert_promise("SIGTERM with the store down", 1, &load.audit(&fixture));
    assert_eq!(scorer.terminate(), Some(0));
}
