//! Tests of a killed scorer.

use std::{sync::Arc, thread, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    fixture::Fixture,
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{long, seed},
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
