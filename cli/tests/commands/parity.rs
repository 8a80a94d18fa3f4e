//! Parity of a cluster with one thread: a week of real flights, whose events come shuffled and repeated, gets the
//! answers that one state has, to which they came in order.

use std::{collections::BTreeMap, net::TcpListener, path::Path};

use chrono::{DateTime, Days, NaiveDate, Utc};
use delaycast::{
    domain::{Answer, Flights},
    feed::{Feed, FeedMessage, FeedRequests},
    history::{self, Flight, History, parquet::write_flights},
    live::{Event, LegId, Millis, State, encode},
    model::{Model, ModelDir},
    request::{self, Request},
};
use engine::{document::to_json, domain::Domain, live::Live};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Signal, kill_process};
use serde_json::{Map, Value};

use crate::{
    health::metric,
    support::{Process, children, run, until},
};

const PROCESSES: usize = 3;
/// The day of the week on which a process is killed.
const KILL_ON: u64 = 3;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2013, 2, 4).unwrap()
}

/// Returns the first of some ports in a row that were free just now.
fn free_ports(count: u16) -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let others = (first..first.saturating_add(count)).map(|port| TcpListener::bind(("127.0.0.1", port)));
        if others.collect::<Result<Vec<_>, _>>().is_ok() {
            return first;
        }
    }
}

/// Trains a small model with events on the flights of January, and returns its folder's model.
fn train(flights: &[Flight], unflown: &[Flight], folder: &Path) -> Model {
    let of_january = |flights: &[Flight]| -> Vec<Flight> {
        flights.iter().filter(|flight| flight.date < first_day()).cloned().collect()
    };
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    write_flights(&data.join("flights.parquet"), &of_january(flights)).unwrap();
    write_flights(&data.join("unflown.parquet"), &of_january(unflown)).unwrap();
    let models = folder.join("models");
    let (data, at) = (data.to_string_lossy(), models.to_string_lossy());
    let how = ["train", "--data", &data, "--models", &at, "--trees", "3", "--depth", "6", "--leaf", "100"];
    let (status, _, stderr) = run(&how, b"");
    assert!(status.success(), "{stderr}");
    ModelDir::new(models).load_current().unwrap().model
}

/// The events and the requests of a day of the feed.
#[derive(Default)]
struct Day {
    events: Vec<(LegId, Event, String)>,
    requests: Vec<Request>,
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
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for (at, message) in Feed::new(flights, unflown, first_day() - Days::new(14), requests) {
        let day = days.entry(DateTime::from_timestamp_millis(at).unwrap().date_naive()).or_default();
        match message {
            FeedMessage::Event(event) => {
                let (leg, resolved) = event.resolve().unwrap();
                day.events.push((leg, resolved, encode(&event)));
            }
            FeedMessage::Request(request)
                if request.flight_num.as_deref().is_some_and(|it| it.ends_with(['1', '6'])) =>
            {
                day.requests.push(*request);
            }
            FeedMessage::Request(_) => {}
        }
    }
    days
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
            let document = Flights::document(&Answer { request, score, model, scored_at: DateTime::<Utc>::default() });
            let document = without_clock(to_json(&document));
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

/// Shuffles lines, and repeats every tenth.
fn disordered(lines: Vec<&str>, random: &mut ChaCha8Rng) -> String {
    let mut lines: Vec<&str> = lines.iter().chain(lines.iter().step_by(10)).copied().collect();
    for at in (1..lines.len()).rev() {
        lines.swap(at, random.random_range(0..=at));
    }
    lines.join("\n")
}

/// A cluster, and what it was sent.
struct Cluster {
    up: Process,
    url: String,
    first_port: u16,
    events: f64,
    requests: usize,
}

impl Cluster {
    fn metrics(&self, series: &str) -> Option<Vec<f64>> {
        (0..PROCESSES as u16).map(|n| metric(&format!("127.0.0.1:{}", self.first_port + n), series)).collect()
    }

    fn send_events(&mut self, lines: &str) {
        let (status, _, stderr) = run(&["events", "send", "-", "--events", &self.url], lines.as_bytes());
        assert!(status.success() && !stderr.contains("no events"), "{stderr}");
        self.events += lines.lines().count() as f64;
    }

    /// Waits until all processes have read all events, and their workers have taken over all changes.
    fn wait_for_events(&self) {
        let mut last = Vec::new();
        until("all events are in the states", || {
            let (read, changed) =
                (self.metrics("delaycast_events_read_total"), self.metrics("delaycast_events_changed_total"));
            let is_read = read.is_some_and(|read| read.iter().sum::<f64>() == self.events);
            let before = std::mem::replace(&mut last, changed.unwrap_or_default());
            std::thread::sleep(std::time::Duration::from_millis(if is_read { 700 } else { 100 }));
            // Each takes over the changes of all, so their numbers are the same in the end.
            is_read && last == before && last.first().is_some_and(|first| last.iter().all(|changed| changed == first))
        });
    }

    fn send_requests(&mut self, requests: &[Request]) {
        let lines: Vec<String> = requests.iter().map(request::encode).collect();
        let (status, _, stderr) = run(&["send", "-", "--log", &self.url], lines.join("\n").as_bytes());
        assert!(status.success(), "{stderr}");
        self.requests += requests.len();
    }
}

fn answers(database: &Path) -> BTreeMap<String, Map<String, Value>> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut statement = database.prepare("SELECT document FROM answers").unwrap();
    let documents = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let read = |document: rusqlite::Result<String>| -> (String, Map<String, Value>) {
        let document: Map<String, Value> = serde_json::from_str(&document.unwrap()).unwrap();
        let document = without_clock(document);
        (document["_id"].as_str().unwrap().to_owned(), document)
    };
    documents.map(read).collect()
}

#[test]
fn a_week_of_events_in_any_order_through_three_processes_and_a_kill_gives_the_answers_of_one_state() {
    const SEED: u64 = 20_130_204;
    println!("seed {SEED}");
    let dir = tempfile::tempdir().unwrap();
    let History { flights, unflown, .. } = history::bundled().unwrap();
    let model = train(&flights, &unflown, dir.path()).explaining();
    let days = days(&flights, &unflown);
    let expected = expected(&days, &model);
    assert!(expected.len() > 1500, "{}", expected.len());

    let database = dir.path().join("delaycast.db");
    let (at, first_port) = (dir.path().to_string_lossy(), free_ports(PROCESSES as u16 + 1));
    let health = format!("127.0.0.1:{first_port}");
    let workers = PROCESSES.to_string();
    let arguments = ["up", "--port", "0", "--dir", &at, "--processes", &workers, "--workers", "1", "--health", &health];
    let up = Process::start(&arguments);
    up.line_after("delaycast is ready: ");
    let url = format!("sqlite:{}", database.display());
    let mut cluster = Cluster { up, url, first_port: first_port + 1, events: 0.0, requests: 0 };
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for (date, day) in &days {
        let lines = disordered(day.events.iter().map(|(_, _, line)| line.as_str()).collect(), &mut random);
        cluster.send_events(&lines);
        if *date == first_day() + Days::new(KILL_ON) {
            let first = children(cluster.up.pid());
            kill_process(first[0], Signal::KILL).unwrap();
            until("all processes are replaced", || {
                let second = children(cluster.up.pid());
                second.len() == first.len() && second.iter().all(|process| !first.contains(process))
            });
        }
        if !day.requests.is_empty() {
            cluster.wait_for_events();
            cluster.send_requests(&day.requests);
            until("all requests are answered", || answers(&database).len() == cluster.requests);
        }
    }
    let found = answers(&database);
    let with_events = found.values().filter(|it| it["Forest"].as_str().is_some_and(|it| it.ends_with("with events")));
    assert!(with_events.count() > found.len() / 2);
    for (id, expected) in &expected {
        assert_eq!(found.get(id), Some(expected), "{id}");
    }
    assert_eq!(cluster.up.terminate(), Some(0));
}
