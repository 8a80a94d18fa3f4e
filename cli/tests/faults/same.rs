//! The same request comes again.

use crate::{
    place::{ANSWERS, Place},
    support::{request, until},
    world::World,
};

#[test]
fn the_same_uuid_three_times() {
    let Some(world) = World::enter() else { return };
    let place = Place::at(&world.kafka(), &world.mongo(), 1);
    let scorer = place.score(2);
    place.publish(&[(None, request("same", -20.0))]);
    let first = place.document(ANSWERS, "same");
    // Again, and again with other words: the first answer stands.
    place.publish(&[(None, request("same", -20.0)), (None, request("same", 170.0))]);
    until("all is committed", || place.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    // A scorer that starts anew knows nothing of the first one.
    place.publish(&[(None, request("same", 170.0))]);
    let scorer = place.score(1);
    until("all is committed", || place.uncommitted() == 0);
    assert_eq!(scorer.terminate(), Some(0));
    assert_eq!(place.documents(ANSWERS).unwrap(), [first]);
    println!("same UUID: 4 times, 4 messages, 1 request, lost 0, doubled 0, changed 0");
}
