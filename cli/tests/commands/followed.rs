//! Followed flights on a cluster of three processes: two days of real flights, whose events come shuffled and repeated
//! while processes are killed.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use delaycast::{
    domain::{Answer, Flights},
    feed::{Feed, FeedRequests},
    history::{self, Flight, History},
    live::{Event, LegId, Millis, State},
    model::Model,
    request::{Request, decode, encode},
};
use engine::{
    domain::{Domain, Follow},
    follow::{FollowState, FollowedVersion},
    live::Live,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::{
    feed_cluster::{self, Cluster, disordered, train},
    support::until,
};

/// The versions of answers by UUID, in the order of their numbers.
type Versions = HashMap<String, Vec<Map<String, Value>>>;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2013, 2, 7).unwrap()
}

fn versions(cluster: &Cluster) -> Versions {
    let mut versions = Versions::new();
    for version in cluster.documents("SELECT document FROM versions ORDER BY id, number") {
        versions.entry(version["UUID"].as_str().unwrap().to_owned()).or_default().push(version);
    }
    versions
}

fn numbers(field: &Value) -> Vec<f64> {
    field.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The state of all events, and the numbers that it tells of a request as of the latest of them.
struct Oracle<'a> {
    state: State,
    known: BTreeMap<LegId, Vec<Event>>,
    model: &'a Model,
}

impl Oracle<'_> {
    fn take(&mut self, events: &[(LegId, Event, String)]) {
        for (leg, event, _) in events {
            let events = self.known.entry(*leg).or_default();
            events.push(*event);
            Flights::set(&mut self.state, *leg, events.clone());
        }
    }

    fn told(&self, follow: &dyn Follow<Flights>, request: &Request) -> Vec<f64> {
        // As it is in the log.
        let mut request = decode(encode(request).as_bytes()).unwrap();
        follow.ask_again(&mut request, self.state.latest(), Millis::MAX);
        Flights::observe(&self.state, &mut request, Millis::MAX);
        let mut scores = Vec::new();
        self.model.score(std::slice::from_ref(&request), &mut scores);
        let (score, model) = (scores.pop().unwrap(), engine::answer::ModelVersion::new("m"));
        follow.told(&Answer { request, score, model, scored_at: DateTime::<Utc>::default() })
    }
}

/// The arrival delays of flights by carrier, number, origin and date, as the UUIDs of requests have them.
fn arrivals(flights: &[Flight]) -> HashMap<String, i64> {
    let of = |flight: &Flight| {
        let key = format!("{}{}-{}-{}", flight.carrier, flight.flight_num?, flight.origin, flight.date);
        Some((key, flight.arr_delay? as i64))
    };
    flights.iter().filter_map(of).collect()
}

#[test]
fn versions_of_followed_flights_have_no_gap_and_end_with_the_arrival_whatever_is_killed() {
    const SEED: u64 = 20_130_207;
    println!("seed {SEED}");
    let dir = tempfile::tempdir().unwrap();
    let History { flights, unflown, .. } = history::bundled().unwrap();
    let model = train(&flights, &unflown, first_day(), dir.path());
    let (from, to) = (first_day(), first_day() + Days::new(1));
    let requests = FeedRequests { from, to, minutes_before: vec![180], run: "r".to_owned(), follow: true };
    let days = feed_cluster::days(Feed::new(&flights, &unflown, from - Days::new(7), requests), ['2', '7']);
    let follow = Flights::FOLLOW.unwrap();
    let mut oracle = Oracle { state: State::default(), known: BTreeMap::new(), model: &model };

    let mut cluster = Cluster::start(dir.path());
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (mut requests, mut seen) = (Vec::<Request>::new(), Versions::new());
    for day in days.values() {
        // Requests come before the events of their day, so that all of these may change their answers.
        requests.extend(day.requests.iter().cloned());
        cluster.send_requests(&day.requests);
        let lines = disordered(&day.events, &mut random);
        let middle = lines.match_indices('\n').nth(lines.lines().count() / 2).unwrap().0;
        cluster.send_events(&lines[..middle]);
        if !day.requests.is_empty() {
            cluster.kill_one();
        }
        cluster.send_events(&lines[middle + 1..]);
        oracle.take(&day.events);
        if requests.is_empty() {
            continue;
        }
        cluster.wait_for_events();
        // In the end each request has a version that tells what one state tells of it now, or has ended.
        until("the versions tell what is known", || {
            let found = versions(&cluster);
            requests.iter().all(|request| {
                let last = found.get(request.id.as_str()).and_then(|versions| versions.last());
                last.is_some_and(|last| {
                    FollowedVersion::of(last).state == FollowState::Ended
                        || !follow.is_news(&numbers(&last["Told"]), &oracle.told(follow, request))
                })
            })
        });
        let found = versions(&cluster);
        for (id, before) in &seen {
            assert_eq!(found[id][..before.len()], before[..], "{id} was changed");
        }
        seen = found;
    }

    let answers = cluster.documents("SELECT document FROM answers");
    assert!(requests.len() > 300 && answers.len() == requests.len() && seen.len() == requests.len());
    let (arrivals, mut ended) = (arrivals(&flights), 0);
    for answer in answers {
        let id = answer["UUID"].as_str().unwrap();
        let versions = &seen[id];
        let of: Vec<FollowedVersion> = versions.iter().map(FollowedVersion::of).collect();
        assert!(of.iter().map(|version| version.number).eq(1..=versions.len() as u32), "{id}: {of:?}");
        let (last, earlier) = of.split_last().unwrap();
        assert!(earlier.iter().all(|version| version.state == FollowState::GoesOn), "{id}: {of:?}");
        for pair in versions.windows(2) {
            let news = follow.is_news(&numbers(&pair[0]["Told"]), &numbers(&pair[1]["Told"]));
            assert!(news || pair[1]["Following"]["State"] == "ended", "{id}: {pair:?}");
        }
        let live = versions.last().and_then(|version| version.get("Live")).filter(|live| live["State"] == "arrived");
        if let Some(live) = live.filter(|_| last.state == FollowState::Ended) {
            ended += 1;
            let flight = id.trim_start_matches("r-").trim_end_matches("-180");
            assert_eq!(live["ArrDelay"], arrivals[flight], "{id}");
        }
    }
    println!("{} requests, {ended} arrived, {} versions", requests.len(), seen.values().map(Vec::len).sum::<usize>());
    // On the second day a blizzard has most flights cancelled.
    assert!(ended > requests.len() / 2, "{ended} of {}", requests.len());
    assert_eq!(cluster.up.terminate(), Some(0));
}
