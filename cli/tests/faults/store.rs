//! Tests of a store that is down, is slow, or refuses a document, and of the backpressure that they cause.

use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use mongodb::bson::doc;

use crate::{
    fixture::{ANSWERS, Fixture, REJECTIONS},
    load::{Load, assert_promise},
    proxy::{Fault, Proxy},
    servers::ExclusiveServers,
    support::{long, request, until},
};

/// Upper bound on the growth of memory after records in flight and prefetched messages have reached their bounds.
const GROWTH_MIB_MAX: f64 = 16.0;
/// Each failed write creates and drops documents of up to 4,096 answers, in each of two workers: temporary growth.
const TRY_MIB_MAX: f64 = 64.0;

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

#[test]
fn backpressure_with_the_store_down() {
    let Some(servers) = ExclusiveServers::acquire() else { return };
    let fixture = Arc::new(Fixture::at(&servers.kafka(), &servers.mongo(), 4));
    let (outage_s, per_second) = (if long() { 60 } else { 12 }, 5000);
    let (scorer, output) = fixture.score_with_output(2);
    let messages = outage_s * per_second;
    let load = Load::start(&fixture, messages, per_second);
    until("some are answered", || fixture.count(ANSWERS) > 100);
    servers.stop("mongo");
    let start = Instant::now();
    let mut resident = Vec::new();
    while start.elapsed() < Duration::from_secs(outage_s as u64 - 2) {
        thread::sleep(Duration::from_millis(200));
        resident.push(resident_mib(scorer.id()));
    }
    let full = fs::read_to_string(&output).unwrap();
    assert!(full.contains("waiting for the store of answers"), "{full}");
    // Two workers have 20,000 records each in flight; at this rate that is 8 s.
    let (warm_up, later) = resident.split_at(resident.len() * 2 / 3);
    let max = |samples: &[f64]| samples.iter().copied().fold(0.0, f64::max);
    let mut sorted = later.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    println!(
        "memory with the store down at {per_second}/s: {:.0} MiB at first, up to {:.0} MiB in the first two thirds of \
         {outage_s} s, usually {:.0} and at most {:.0} MiB after",
        resident[0],
        max(warm_up),
        usual,
        max(later)
    );
    assert!(usual < max(warm_up) + GROWTH_MIB_MAX, "memory grows: {resident:?}");
    assert!(max(later) < max(warm_up) + TRY_MIB_MAX, "a try to write takes too much: {resident:?}");
    servers.start("mongo");
    assert_promise("backpressure", 1, &load.audit(&fixture));
    assert!(fs::read_to_string(&output).unwrap().contains("serves again"));
    assert_eq!(scorer.terminate(), Some(0));
}

fn resident_mib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
