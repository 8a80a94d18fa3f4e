//! Parity of a cluster with one thread: a week of real flights, whose events come shuffled and repeated, gets the
//! answers that one state has, to which they came in order.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use delaycast::{
    domain::{Answer, Flights},
    feed::{Feed, FeedRequests},
    history::{self, Flight, History},
    live::{Event, LegId, Millis, State},
    model::Model,
};
use engine::{document::to_json, live::Live};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::{
    feed_cluster::{self, Cluster, Day, disordered, train},
    support::until,
};

/// The day of the week on which a process is killed.
const KILL_ON: u64 = 3;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2013, 2, 4).unwrap()
}

/// The feed by days of UTC, from two weeks before on. Every fourth flight is asked about.
fn days(flights: &[Flight], unflown: &[Flight]) -> BTreeMap<NaiveDate, Day> {
    let requests = FeedRequests {
        from: first_day(),
        to: first_day() + Days::new(6),
        minutes_before: vec![120, 15, -20],
        run: "r".to_owned(),
        follow: false,
    };
    feed_cluster::days(Feed::new(flights, unflown, first_day() - Days::new(14), requests), ['1', '6'])
}

/// The documents that one state and one model give, by UUID, without what depends on the clock or on the store.
fn expected(days: &BTreeMap<NaiveDate, Day>, model: &Model) -> BTreeMap<String, Map<String, Value>> {
    let (mut state, mut known, mut documents) =
        (State::default(), BTreeMap::<LegId, Vec<Event>>::new(), BTreeMap::new());
    for day in days.values() {
        for (leg, event, _) in &day.events {
            let events = known.entry(*leg).or_default();
            events.push(*event);
            Flights::set(&mut state, *leg, events.clone());
        }
        for request in &day.requests {
            let mut request = request.clone();
            Flights::observe(&state, &mut request, Millis::MAX);
            let mut scores = Vec::new();
            model.score(std::slice::from_ref(&request), &mut scores);
            let score = scores.pop().unwrap();
            let model = engine::answer::ModelVersion::new("m");
            let answer = Answer { request, score, model, scored_at: DateTime::<Utc>::default() };
            let document = without_clock(to_json(&answer.to_document()));
            documents.insert(document["_id"].as_str().unwrap().to_owned(), document);
        }
    }
    documents
}

fn without_clock(mut document: Map<String, Value>) -> Map<String, Value> {
    for field in ["ScoredAt", "ModelVersion"] {
        assert!(document.remove(field).is_some(), "{field}");
    }
    document
}

fn answers(cluster: &Cluster) -> BTreeMap<String, Map<String, Value>> {
    let documents = cluster.documents("SELECT document FROM answers").into_iter().map(without_clock);
    documents.map(|document| (document["_id"].as_str().unwrap().to_owned(), document)).collect()
}

#[test]
fn a_week_of_events_in_any_order_through_three_processes_and_a_kill_gives_the_answers_of_one_state() {
    const SEED: u64 = 20_130_204;
    println!("seed {SEED}");
    let dir = tempfile::tempdir().unwrap();
    let History { flights, unflown, .. } = history::bundled().unwrap();
    let model = train(&flights, &unflown, first_day(), dir.path()).explaining();
    let days = days(&flights, &unflown);
    let expected = expected(&days, &model);
    assert!(expected.len() > 1500, "{}", expected.len());

    let mut cluster = Cluster::start(dir.path());
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for (date, day) in &days {
        cluster.send_events(&disordered(&day.events, &mut random));
        if *date == first_day() + Days::new(KILL_ON) {
            cluster.kill_one();
        }
        if !day.requests.is_empty() {
            cluster.wait_for_events();
            cluster.send_requests(&day.requests);
            until("all requests are answered", || answers(&cluster).len() == cluster.requests);
        }
    }
    let found = answers(&cluster);
    let with_events = found.values().filter(|it| it["Forest"].as_str().is_some_and(|it| it.ends_with("with events")));
    assert!(with_events.count() > found.len() / 2);
    for (id, expected) in &expected {
        assert_eq!(found.get(id), Some(expected), "{id}");
    }
    assert_eq!(cluster.up.terminate(), Some(0));
}
