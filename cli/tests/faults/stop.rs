//! The scorer is told to stop under load.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place},
    support::{long, until},
    world::World,
};

#[test]
fn sigterm_under_load() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let stops = if long() { 30 } else { 4 };
    let load = Load::start(&place, 300 * stops, 300);
    for stop in 0..stops {
        let scorer = place.score(1 + stop % 2);
        let before = place.count(ANSWERS);
        until("it is at work", || place.count(ANSWERS) > before || load.acknowledged() == 300 * stops);
        assert_eq!(scorer.terminate(), Some(0));
    }
    let _scorer = place.score(2);
    promise("SIGTERM under load", stops, &load.account(&place));
}

#[test]
fn sigterm_with_the_store_down() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let scorer = place.score(2);
    let load = Load::start(&place, 1200, 200);
    until("some are answered", || place.count(ANSWERS) > 50);
    world.stop("mongo");
    let before = load.acknowledged();
    until("some wait for the store", || load.acknowledged() > before + 100);
    // Long enough for what was durable before the outage to be committed.
    thread::sleep(Duration::from_millis(500));
    let committed = place.committed().unwrap();
    assert_eq!(scorer.terminate(), Some(75), "what is not durable is told by the exit code");
    assert_eq!(place.committed().unwrap(), committed, "and not committed");
    world.start("mongo");
    let scorer = place.score(2);
    promise("SIGTERM with the store down", 1, &load.account(&place));
    assert_eq!(scorer.terminate(), Some(0));
}
