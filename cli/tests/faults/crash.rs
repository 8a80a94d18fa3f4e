//! The scorer is killed.

use std::{sync::Arc, thread, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    load::{Load, promise},
    place::Place,
    support::{long, seed},
    world::World,
};

#[test]
fn a_scorer_killed_at_random() {
    let Some(world) = World::enter() else { return };
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let kills = if long() { 100 } else { 5 };
    let load = Load::start(&place, 400 * kills.min(10), 400 * kills.min(10) / (kills / 2 + 1));
    for kill in 1..=kills {
        let scorer = place.score(1 + kill % 3);
        thread::sleep(Duration::from_millis(random.random_range(20..900)));
        scorer.kill();
    }
    let _scorer = place.score(2);
    promise("scorer killed", kills, &load.account(&place));
}
