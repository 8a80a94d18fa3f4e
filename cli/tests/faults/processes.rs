//! Tests of killed processes of a cluster on one machine.

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
