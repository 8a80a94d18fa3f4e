//! The cost of events on an embedded system: rebuilding the state from the log, answering with it beside without, and
//! the time from an event to the version that it makes.

use std::{
    cell::Cell,
    net::TcpListener,
    path::PathBuf,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, NaiveDate};
use delaycast::{
    domain::Flights,
    feed::{Feed, FeedMessage, FeedRequests},
    history::{self, History},
    live::{EventKind, EventMessage, LegId, Millis, encode},
    request::{self, Request},
};
use engine::{
    log::{self, Producer},
    request::RequestId,
    store,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{
    embedded::EmbeddedFile,
    process::{Metrics, Process, Target},
    requests,
    results::{Compared, Measurement, Percentiles},
};

/// Interval between two looks at the metrics.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Interval between two lookups of versions.
const POLL_INTERVAL: Duration = Duration::from_micros(200);
/// Time in which a scorer commits what it has answered.
const SETTLE: Duration = Duration::from_millis(300);
/// Timeout of a rebuild, of a round of requests, and of a version.
const DEADLINE: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Flights, as `delaycast data import` writes them; the model is trained on others of their kind
    #[arg(long)]
    #[serde(skip)]
    data: PathBuf,
    /// The day whose flights are asked about; events are those up to its end
    #[arg(long)]
    day: NaiveDate,
    /// Number of events, at least: as many days before are replayed as have them
    #[arg(long, default_value_t = 2_000_000)]
    events: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of rounds of requests, each with events and without
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Number of events whose versions are awaited; an answer has 200 versions at most
    #[arg(long, default_value_t = 190)]
    versions: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    events: usize,
    /// Events that a producer has published and had acknowledged, a second.
    published_per_s: f64,
    /// From the start of the scorer until each worker has all events in its state.
    rebuilt_s: f64,
    rebuilt_cpu_s: f64,
    rebuilt_mib: f64,
    requests: usize,
    /// Answers a second with events; those without, by the same model, are the reference.
    with_events: Compared,
    /// From publishing an event to the version that it makes, found in the store.
    version_ms: Percentiles,
}

impl Measurement for Options {
    const NAME: &'static str = "live-serving";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let History { flights, unflown, .. } = history::read(std::slice::from_ref(&options.data))?;
    let day = options.day;
    let requests =
        FeedRequests { from: day, to: day, minutes_before: vec![120, 60, 30], run: "r".to_owned(), follow: false };
    let (mut from, mut feed) = (day, Vec::new());
    let mut count = 0;
    while count < options.events {
        from = from - Days::new(7);
        ensure!(flights.first().is_some_and(|first| first.date <= from), "there are only {count} events before {day}");
        feed = Feed::new(&flights, &unflown, from, requests.clone()).collect();
        count = feed.iter().filter(|(_, message)| matches!(message, FeedMessage::Event(_))).count();
    }
    let (mut asked, mut events) = (Vec::new(), Vec::new());
    for (_, message) in feed {
        match message {
            FeedMessage::Event(event) => events.push(event),
            FeedMessage::Request(request) => asked.push(*request),
        }
    }

    let file = EmbeddedFile::new("")?;
    let topic = log::events_url::<Flights>(&file.url)?;
    let producer = log::open_events::<Flights>(&topic)?.producer()?;
    let began_at = Instant::now();
    requests::publish_all(&producer, events.iter().map(|event| (None, encode(event).into_bytes())))?;
    let published_per_s = events.len() as f64 / began_at.elapsed().as_secs_f64();

    // The port is free now; the scorer fails if it is taken meanwhile.
    let health = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let more = ["--events", &topic, "--health", &health];
    let began_at = Instant::now();
    let scorer = Process::score(&options.target, options.workers, &file.url, &more)?;
    wait_for_events(&health, events.len())?;
    let (rebuilt_s, rebuilt_cpu_s) = (began_at.elapsed().as_secs_f64(), scorer.cpu_s()?);
    let rebuilt_mib = scorer.resident_mib()?;

    let without = EmbeddedFile::new("")?;
    let plain = Process::score(&options.target, options.workers, &without.url, &[])?;
    let round = Cell::new(0);
    let with_events = Compared::in_turns(options.rounds, |with_events| {
        round.set(round.get() + 1);
        let (scorer, file) = if with_events { (&scorer, &file) } else { (&plain, &without) };
        landed_per_s(scorer, file, &asked, round.get())
    })?;
    drop(plain);
    let version_ms = versions(options, &file, &*producer, &asked, &events)?;
    Ok(Values {
        events: events.len(),
        published_per_s,
        rebuilt_s,
        rebuilt_cpu_s,
        rebuilt_mib,
        requests: asked.len(),
        with_events,
        version_ms,
    })
}

/// Waits until a scorer has read all events, and until its workers take over no more changes.
fn wait_for_events(health: &str, events: usize) -> anyhow::Result<()> {
    let began_at = Instant::now();
    let mut changed = None;
    loop {
        ensure!(began_at.elapsed() < DEADLINE, "the events were not read");
        thread::sleep(LOOK_INTERVAL);
        let Ok(metrics) = Metrics::read(health) else { continue };
        let now = metrics.get("delaycast_events_changed_total").ok();
        if metrics.get("delaycast_events_read_total").is_ok_and(|read| read as usize >= events) && now == changed {
            return Ok(());
        }
        changed = now;
    }
}

/// Answers a second, of requests that were all in the log when the scorer began with them.
fn landed_per_s(scorer: &Process, file: &EmbeddedFile, asked: &[Request], round: usize) -> anyhow::Result<f64> {
    let lookup = store::open::<Flights>(&file.url)?.lookup()?;
    let producer = log::open::<Flights>(&file.url)?.producer()?;
    // It must be connected before it is stopped.
    let first = with_id(&asked[0], &format!("{round}-first"))?;
    requests::publish(&producer, std::slice::from_ref(&first))?;
    let visible = |id: &RequestId| -> anyhow::Result<bool> { Ok(lookup.find(id.as_str())?.is_some()) };
    let began_at = Instant::now();
    while !visible(&first.id)? {
        ensure!(began_at.elapsed() < DEADLINE, "the first request is not answered");
        thread::sleep(POLL_INTERVAL);
    }
    // A process that is stopped inside of a transaction keeps the file locked: the offset is committed meanwhile.
    thread::sleep(SETTLE);
    let start = file.answered()?;
    kill_process(scorer.pid(), Signal::STOP)?;
    let ids = asked.iter().enumerate().map(|(number, request)| with_id(request, &format!("{round}-{number}")));
    let published = requests::publish(&producer, &ids.collect::<anyhow::Result<Vec<_>>>()?);
    kill_process(scorer.pid(), Signal::CONT)?;
    published?;
    let began_at = Instant::now();
    while file.answered()? < start + asked.len() {
        ensure!(began_at.elapsed() < DEADLINE, "the requests are not answered");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(asked.len() as f64 / began_at.elapsed().as_secs_f64())
}

fn with_id(request: &Request, id: &str) -> anyhow::Result<Request> {
    Ok(Request { id: RequestId::new(id)?, ..request.clone() })
}

/// The times from an event, which says when a flight has left and corrects the last one, to the version that it makes.
fn versions(
    options: &Options,
    file: &EmbeddedFile,
    events: &dyn Producer,
    asked: &[Request],
    known: &[EventMessage],
) -> anyhow::Result<Percentiles> {
    let (store, mut random) = (store::open::<Flights>(&file.url)?, ChaCha8Rng::seed_from_u64(1));
    let lookup = store.lookup()?;
    let moment = known.iter().map(|event| event.at).max().context("no events")?;
    let leg_of = |request: &Request| {
        let Request { carrier, origin, date, .. } = *request;
        Some(LegId { carrier, number: request.flight_num.as_deref()?.parse().ok()?, origin, date })
    };
    // Of one that was cancelled, the departure is news at any time.
    let cancelled = |request: &&Request| {
        let of = |event: &&EventMessage| {
            let EventMessage { carrier, number, origin, date, .. } = **event;
            Some(LegId { carrier, number, origin, date }) == leg_of(request)
        };
        known.iter().rev().find(of).is_some_and(|last| last.kind == EventKind::Cancelled)
    };
    let request = asked.iter().rev().find(cancelled).context("no flight was cancelled")?;
    let leg = leg_of(request).context("the flight has no number")?;
    let request = Request {
        id: RequestId::new("followed")?,
        as_of: DateTime::from_timestamp_millis(moment),
        follow: true,
        ..request.clone()
    };
    publish(&*log::open::<Flights>(&file.url)?.producer()?, request::encode(&request).into_bytes())?;
    let mut last = await_version(&*lookup, 0)?.0;
    let mut times = Vec::new();
    for number in 0..options.versions {
        thread::sleep(Duration::from_micros(random.random_range(5_000..40_000)));
        let mut event = EventMessage::new(EventKind::Departed, moment + 1000 * (number as Millis + 1), leg);
        event.delay = Some(if number % 2 == 0 { 75 } else { 15 });
        let began_at = Instant::now();
        publish(events, encode(&event).into_bytes())?;
        let (version, elapsed) = await_version(&*lookup, last).map(|(version, at)| (version, at - began_at))?;
        last = version;
        times.push(elapsed);
    }
    Percentiles::of(&times)
}

fn publish(producer: &dyn Producer, payload: Vec<u8>) -> anyhow::Result<()> {
    let (report, reply) = mpsc::channel();
    producer.publish(None, payload, Box::new(move |result| drop(report.send(result))));
    reply.recv_timeout(DEADLINE).context("no acknowledgement")??;
    Ok(())
}

/// Waits for a version above a number; returns its number, and when it was found.
fn await_version(lookup: &dyn store::Lookup, after: u32) -> anyhow::Result<(u32, Instant)> {
    let began_at = Instant::now();
    loop {
        let versions = lookup.versions("followed", after)?;
        if !versions.is_empty() {
            return Ok((after + versions.len() as u32, Instant::now()));
        }
        ensure!(began_at.elapsed() < Duration::from_secs(20), "no version after {after}");
        thread::sleep(POLL_INTERVAL);
    }
}
