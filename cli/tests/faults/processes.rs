//! Processes of a cluster on one machine are killed.

use std::{sync::Arc, thread, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Signal, kill_process};

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place},
    support::{Process, children, give_models, long, seed, until},
    world::World,
};

/// What each is in the middle of, the next generation reads again.
#[test]
fn processes_of_a_cluster_killed_at_random() {
    let Some(world) = World::enter() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 6));
    let dir = tempfile::tempdir().unwrap();
    give_models(dir.path());
    let (log, dir) = (place.log(), dir.path().to_string_lossy());
    let arguments = ["up", "--processes", "3", "--port", "0", "--dir", &dir, "--log", &log, "--store", &place.store];
    let up = Process::start(&arguments);
    up.line_after("delaycast is ready: ");
    let kills = if long() { 20 } else { 3 };
    let load = Load::start(&place, 400 * kills, 200);
    until("some are answered", || place.count(ANSWERS) > 100);
    for _ in 0..kills {
        thread::sleep(Duration::from_millis(random.random_range(100..2500)));
        let scorers = children(up.pid());
        // It may be between two lives.
        scorers.get(random.random_range(0..3)).map(|scorer| kill_process(*scorer, Signal::KILL));
    }
    promise("process of a cluster killed", kills, &load.account(&place));
    assert_eq!(up.terminate(), Some(0));
}
