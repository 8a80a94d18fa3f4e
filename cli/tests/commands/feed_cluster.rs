//! A cluster of three processes on the embedded log and store, which is sent the feed of real flights day by day.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate};
use delaycast::{
    feed::{Feed, FeedMessage},
    history::{Flight, parquet::write_flights},
    live::{Event, LegId, encode},
    model::{Model, ModelDir},
    request::{self, Request},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustix::process::{Signal, kill_process};
use serde_json::{Map, Value};

use crate::{
    health::metric,
    support::{Process, children, run, until},
};

const PROCESSES: usize = 3;

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

/// Trains a small model with events on the flights before a day, and returns its folder's model.
pub(crate) fn train(flights: &[Flight], unflown: &[Flight], until: NaiveDate, folder: &Path) -> Model {
    let earlier =
        |flights: &[Flight]| -> Vec<Flight> { flights.iter().filter(|flight| flight.date < until).cloned().collect() };
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    write_flights(&data.join("flights.parquet"), &earlier(flights)).unwrap();
    write_flights(&data.join("unflown.parquet"), &earlier(unflown)).unwrap();
    let models = folder.join("models");
    let (data, at) = (data.to_string_lossy(), models.to_string_lossy());
    let how = ["train", "--data", &data, "--models", &at, "--trees", "3", "--depth", "6", "--leaf", "100"];
    let (status, _, stderr) = run(&how, b"");
    assert!(status.success(), "{stderr}");
    ModelDir::new(models).load_current().unwrap().model
}

/// The events and the requests of a day of the feed.
#[derive(Default)]
pub(crate) struct Day {
    pub(crate) events: Vec<(LegId, Event, String)>,
    pub(crate) requests: Vec<Request>,
}

/// Returns the messages of a feed by days of UTC, with the requests about flights whose numbers end in these digits.
pub(crate) fn days(feed: Feed<'_>, asked: [char; 2]) -> BTreeMap<NaiveDate, Day> {
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for (at, message) in feed {
        let day = days.entry(DateTime::from_timestamp_millis(at).unwrap().date_naive()).or_default();
        match message {
            FeedMessage::Event(event) => {
                let (leg, resolved) = event.resolve().unwrap();
                day.events.push((leg, resolved, encode(&event)));
            }
            FeedMessage::Request(request)
                if request.flight_num.as_deref().is_some_and(|number| number.ends_with(asked)) =>
            {
                day.requests.push(*request);
            }
            FeedMessage::Request(_) => {}
        }
    }
    days
}

/// Shuffles the lines of events, and repeats every tenth.
pub(crate) fn disordered(events: &[(LegId, Event, String)], random: &mut ChaCha8Rng) -> String {
    let lines = || events.iter().map(|(_, _, line)| line.as_str());
    let mut lines: Vec<&str> = lines().chain(lines().step_by(10)).collect();
    for at in (1..lines.len()).rev() {
        lines.swap(at, random.random_range(0..=at));
    }
    lines.join("\n")
}

/// A cluster, and what it was sent.
pub(crate) struct Cluster {
    pub(crate) up: Process,
    database: PathBuf,
    url: String,
    first_port: u16,
    events: f64,
    pub(crate) requests: usize,
}

impl Cluster {
    /// Starts one with the models of a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let (at, first_port, workers) =
            (folder.to_string_lossy(), free_ports(PROCESSES as u16 + 1), PROCESSES.to_string());
        let health = format!("127.0.0.1:{first_port}");
        let up = ["up", "--port", "0", "--dir", &at, "--processes", &workers, "--workers", "1", "--health", &health];
        let up = Process::start(&up);
        up.line_after("delaycast is ready: ");
        let database = folder.join("delaycast.db");
        let url = format!("sqlite:{}", database.display());
        Cluster { up, database, url, first_port: first_port + 1, events: 0.0, requests: 0 }
    }

    /// Kills a process, and waits until all are replaced.
    pub(crate) fn kill_one(&self) {
        let first = children(self.up.pid());
        kill_process(first[0], Signal::KILL).unwrap();
        until("all processes are replaced", || {
            let second = children(self.up.pid());
            second.len() == first.len() && second.iter().all(|process| !first.contains(process))
        });
    }

    /// Returns the JSON documents that a query finds.
    pub(crate) fn documents(&self, query: &str) -> Vec<Map<String, Value>> {
        let database = rusqlite::Connection::open(&self.database).unwrap();
        let mut statement = database.prepare(query).unwrap();
        let documents = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        documents.map(|document| serde_json::from_str(&document.unwrap()).unwrap()).collect()
    }

    fn metrics(&self, series: &str) -> Option<Vec<f64>> {
        (0..PROCESSES as u16).map(|n| metric(&format!("127.0.0.1:{}", self.first_port + n), series)).collect()
    }

    pub(crate) fn send_events(&mut self, lines: &str) {
        let (status, _, stderr) = run(&["events", "send", "-", "--events", &self.url], lines.as_bytes());
        assert!(status.success() && !stderr.contains("no events"), "{stderr}");
        self.events += lines.lines().count() as f64;
    }

    /// Waits until all processes have read all events, and their workers have taken over all changes.
    pub(crate) fn wait_for_events(&self) {
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

    pub(crate) fn send_requests(&mut self, requests: &[Request]) {
        let lines: Vec<String> = requests.iter().map(request::encode).collect();
        let (status, _, stderr) = run(&["send", "-", "--log", &self.url], lines.join("\n").as_bytes());
        assert!(status.success(), "{stderr}");
        self.requests += requests.len();
    }
}
