//! Tests of SIGTERM.

use std::{sync::Arc, thread, time::Duration};

use crate::{
    fixture::{ANSWERS, Fixture},
    load::{Load, assert_promise},
    servers::ExclusiveServers,
    support::{long, until},
};

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
    let load = Load::start(&fixture, 1200, 200);
    until("some are answered", || fixture.count(ANSWERS) > 50);
    servers.stop("mongo");
    let before = load.acknowledged();
    until("some wait for the store", || load.acknowledged() > before + 100);
    // Long enough to commit the answers that were durable before the outage.
    thread::sleep(Duration::from_millis(500));
    let committed = fixture.committed().unwrap();
    assert_eq!(scorer.terminate(), Some(75), "what is not durable is told by the exit code");
    assert_eq!(fixture.committed().unwrap(), committed, "and not committed");
    servers.start("mongo");
    let scorer = fixture.score(2);
    assert_promise("SIGTERM with the store down", 1, &load.audit(&fixture));
    assert_eq!(scorer.terminate(), Some(0));
}
