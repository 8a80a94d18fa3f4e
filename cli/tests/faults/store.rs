//! Tests of a store that is down, is slow, or refuses a document.

use std::{sync::Arc, thread, time::Duration};

use mongodb::bson::doc;

use crate::{
    fixture::{ANSWERS, Fixture, REJECTIONS},
    load::{Load, assert_promise},
    proxy::{Fault, Proxy},
    servers::ExclusiveServers,
    support::{long, request, until},
};

#[test]
fn a_store_stopped_and_back() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let mut scorer = fixture.score(2);
    let load = Load::start(&fixture, 1500, 150);
    until("some are answered", || fixture.count(ANSWERS) > 100);
    servers.stop("mongo");
    thread::sleep(Duration::from_secs(if long() { 20 } else { 3 }));
    assert!(scorer.is_running());
    servers.start("mongo");
    assert_promise("store stopped", 1, &load.audit(&fixture));
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_store_killed_at_random() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let scorer = fixture.score(2);
    let (kills, mut load) = (if long() { 20 } else { 3 }, None);
    for _ in 0..kills {
        load.get_or_insert_with(|| Load::start(&fixture, 400 * kills, 200));
        thread::sleep(Duration::from_millis(700));
        servers.kill("mongo");
        servers.start("mongo");
    }
    assert_promise("store killed", kills, &load.unwrap().audit(&fixture));
    assert_eq!(scorer.terminate(), Some(0));
}

#[test]
fn a_store_with_half_a_second_of_latency() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let proxy = Proxy::start(servers.port("mongo"), Fault::Delay(Duration::from_millis(500)));
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let scorer = fixture.score_into(&proxy.url(&fixture.topic), 2);
    let load = Load::start(&fixture, if long() { 6000 } else { 1000 }, 500);
    assert_promise("store slow", 1, &load.audit(&fixture));
    assert!(proxy.faults() > 0);
    assert_eq!(scorer.terminate(), Some(0));
}

/// The server of the tests does not name the index of a duplicate.
#[test]
fn a_document_that_another_unique_index_refuses() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Fixture::at(&servers.kafka(), &servers.mongo(), 1);
    let index = doc! { "key": { "Route": 1, "FlightDate": 1 }, "name": "one_a_day", "unique": true };
    fixture.run(doc! { "createIndexes": ANSWERS, "indexes": [index] });
    let ids = ["one", "other"];
    fixture.publish(&ids.map(|id| (None, request(id, 5.0))));
    let scorer = fixture.score(1);
    until("all is committed", || fixture.uncommitted() == 0);
    let answers = fixture.documents(ANSWERS).unwrap();
    let answered: Vec<&str> = answers.iter().map(|answer| answer.get_str("UUID").unwrap()).collect();
    assert_eq!(answered.len(), 1, "{answered:?}");
    let refused = ids.into_iter().find(|id| *id != answered[0]).unwrap();
    let rejection = fixture.document(REJECTIONS, refused);
    assert!(rejection.get_str("Reason").unwrap().contains("unique index"), "{rejection}");
    let letters = fixture.messages(".dlq", 1);
    assert_eq!(letters[0].headers.get("id").map(String::as_str), Some(refused));
    assert_eq!(scorer.terminate(), Some(0));
    println!("another unique index: 1 times, 2 messages, 2 requests, lost 0, 1 dead letter");
}

/// The server of the tests would accept it: a proxy removes it from the insert, and adds the refusal to the reply.
#[test]
fn a_document_refused_for_good() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let proxy = Proxy::start(servers.port("mongo"), Fault::Refuse("r-unwelcome".to_owned()));
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let scorer = fixture.score_into(&proxy.url(&fixture.topic), 2);
    let load = Load::start(&fixture, 1000, 500);
    fixture.publish(&[(Some(1), request("r-unwelcome", 5.0))]);
    assert_promise("document refused", 1, &load.audit(&fixture));
    assert!(proxy.faults() > 0);
    let rejection = fixture.document(REJECTIONS, "r-unwelcome");
    assert!(rejection.get_str("Reason").unwrap().contains("refuses the answer"), "{rejection}");
    let letters = fixture.messages(".dlq", 1);
    assert_eq!(letters[0].headers.get("id").map(String::as_str), Some("r-unwelcome"));
    assert_eq!(fixture.uncommitted(), 0);
    assert_eq!(scorer.terminate(), Some(0));
}
