//! The store goes away, is slow, or refuses a document.

use std::{sync::Arc, thread, time::Duration};

use mongodb::bson::doc;

use crate::{
    load::{Load, promise},
    place::{ANSWERS, Place, REJECTIONS},
    proxy::{Proxy, Trouble},
    support::{long, request, until},
    world::World,
};

#[test]
fn a_store_stopped_and_back() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let mut scorer = place.score(2);
    let load = Load::start(&place, 1500, 150);
    until("some are answered", || place.count(ANSWERS) > 100);
    world.stop("mongo");
    thread::sleep(Duration::from_secs(if long() { 20 } else { 3 }));
    assert!(scorer.is_running());
    world.start("mongo");
    promise("store stopped", 1, &load.account(&place));
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_store_killed_at_random() {
    let Some(world) = World::enter() else { return };
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let scorer = place.score(2);
    let (kills, mut load) = (if long() { 20 } else { 3 }, None);
    for _ in 0..kills {
        load.get_or_insert_with(|| Load::start(&place, 400 * kills, 200));
        thread::sleep(Duration::from_millis(700));
        world.kill("mongo");
        world.start("mongo");
    }
    promise("store killed", kills, &load.unwrap().account(&place));
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_store_that_takes_half_a_second() {
    let Some(world) = World::enter() else { return };
    let proxy = Proxy::start(world.port("mongo"), Trouble::Delay(Duration::from_millis(500)));
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let scorer = place.score_into(&proxy.url(&place.topic), 2);
    let load = Load::start(&place, if long() { 6000 } else { 1000 }, 500);
    promise("store slow", 1, &load.account(&place));
    assert!(proxy.troubled() > 0);
    assert_eq!(scorer.terminate(), Some(0));
}

/// The server here does not say which index a duplicate is of.
#[test]
fn a_document_that_another_unique_index_refuses() {
    let Some(world) = World::enter() else { return };
    let place = Place::at(&world.kafka(), &world.mongo(), 1);
    let index = doc! { "key": { "Route": 1, "FlightDate": 1 }, "name": "one_a_day", "unique": true };
    place.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    let ids = ["one", "other"];
    place.publish(&ids.map(|id| (None, request(id, 5.0))));
    let scorer = place.score(1);
    until("all is committed", || place.uncommitted() == 0);
    let answers = place.documents(ANSWERS).unwrap();
    let answered: Vec<&str> = answers.iter().map(|answer| answer.get_str("UUID").unwrap()).collect();
    assert_eq!(answered.len(), 1, "{answered:?}");
    let refused = ids.into_iter().find(|id| *id != answered[0]).unwrap();
    let rejection = place.document(REJECTIONS, refused);
    assert!(rejection.get_str("Reason").unwrap().contains("unique index"), "{rejection}");
    let letters = place.messages(".dlq", 1);
    assert_eq!(letters[0].headers.get("id").map(String::as_str), Some(refused));
    assert_eq!(scorer.terminate(), Some(0));
    println!("another unique index: 1 times, 2 messages, 2 requests, lost 0, 1 dead letter");
}

/// The server here would take it: so a proxy takes it out of the insert, and says in the reply that it is refused.
#[test]
fn a_document_refused_for_good() {
    let Some(world) = World::enter() else { return };
    let proxy = Proxy::start(world.port("mongo"), Trouble::Refuse("r-unwelcome".to_owned()));
    let place = Arc::new(Place::at(&world.kafka(), &world.mongo(), 4));
    let scorer = place.score_into(&proxy.url(&place.topic), 2);
    let load = Load::start(&place, 1000, 500);
    place.publish(&[(Some(1), request("r-unwelcome", 5.0))]);
    promise("document refused", 1, &load.account(&place));
    assert!(proxy.troubled() > 0);
    let rejection = place.document(REJECTIONS, "r-unwelcome");
    assert!(rejection.get_str("Reason").unwrap().contains("refuses the answer"), "{rejection}");
    let letters = place.messages(".dlq", 1);
    assert_eq!(letters[0].headers.get("id").map(String::as_str), Some("r-unwelcome"));
    assert_eq!(place.uncommitted(), 0);
    assert_eq!(scorer.terminate(), Some(0));
}
