//! The run of a soak: capacity, load, faults, samples, and the counts at the end.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use delaycast::{
    domain::Flights,
    history,
    request::{Request, encode},
};
use engine::{
    log::{self, Producer},
    runtime::Stop,
    store,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};

use super::{Options, Sample, Values, audit, faults};
use crate::{
    process::Process,
    requests,
    results::Percentiles,
    services::{mongo::TestDatabase, topic::Topic},
};

/// Interval of the samples of memory.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(20);
/// Interval of the requests whose latency is measured.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Interval of the lookups of such a request.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Timeout of such a request, and of the last answers.
const DEADLINE: Duration = Duration::from_secs(300);
/// Interval at which a share of the load is published.
const TICK: Duration = Duration::from_millis(10);
/// The time for which a fault is taken to show in latency.
const FAULT_SHOWS: Duration = Duration::from_secs(20);
/// The factor by which the replay is faster than the flights were.
const SPEED: &str = "60";

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let (topic, events) =
        (Topic::make(&options.servers.kafka, "soak")?, Topic::make(&options.servers.kafka, "soak-events")?);
    let database = TestDatabase::make(&options.servers.mongo, "soak")?;
    let dir = tempfile::tempdir()?;
    let (log, processes, workers) = (topic.url("soak"), options.processes.to_string(), options.workers.to_string());
    let services = ["--log", &*log, "--store", database.url(), "--events", &events.url("soak")];
    let cluster = ["--processes", &*processes, "--workers", &*workers];
    let (up, _) = Process::up(&options.target, dir.path(), &[&services[..], &cluster[..]].concat())?;
    let producer = log::open::<Flights>(&log)?.producer()?;

    let waiting = requests::make(options.capacity_requests, options.seed)?;
    requests::publish(&producer, &waiting)?;
    let count = || Ok(database.count()? as usize);
    let capacity_per_s = crate::clock::per_s(waiting.len(), Duration::from_millis(100), count, |_| Ok(()))?;
    let rate_per_s = capacity_per_s * options.share;
    println!("  capacity {capacity_per_s:.0}/s, so {rate_per_s:.0}/s are asked for {} minutes", options.minutes);

    let (stop, asked) = (Stop::default(), Arc::new(AtomicU64::new(waiting.len() as u64)));
    let failed = Arc::new(AtomicU64::new(0));
    let mut replay = replay(options, &log, &events.url("soak"))?;
    let under_load = thread::scope(|threads| -> anyhow::Result<_> {
        let load = threads.spawn(|| load(&*producer, rate_per_s, options.seed, (&asked, &failed), &stop));
        let probes = threads.spawn(|| probe(&*producer, database.url(), &asked, &stop));
        let faults = threads.spawn(|| faults::run(options, up.pid(), &stop));
        let samples = sample(options, &up, &asked);
        stop.request();
        let joined = "a thread of the measurement has panicked";
        load.join().ok().context(joined)??;
        let (probes, faults) = (probes.join().ok().context(joined)??, faults.join().ok().context(joined)??);
        Ok((probes, faults, samples))
    });
    // The replay publishes what it has begun with.
    kill_process(Pid::from_child(&replay), Signal::INT)?;
    let replayed = serde_json::from_reader::<_, serde_json::Value>(replay.stdout.take().context("stdout is piped")?)?;
    ensure!(replay.wait()?.success(), "the replay has failed");
    let (probes, (faults, moments), samples) = under_load?;
    let number = |name: &str| replayed[name].as_u64().with_context(|| format!("the replay does not tell its {name}"));
    let asked = asked.load(Ordering::Relaxed) + number("requests")?;

    let ended = Instant::now();
    while database.count()? < asked {
        ensure!(ended.elapsed() < DEADLINE, "{} of {asked} requests are answered", database.count()?);
        thread::sleep(Duration::from_millis(500));
    }
    drop(up);
    let audit::Versions { followed, versions, broken } = audit::versions(&database)?;
    // A fault meets requests that are asked after it, and those that wait for an answer when it comes.
    let is_met = |(at, took): &(Instant, Duration)| {
        moments.iter().any(|fault| *at < *fault + FAULT_SHOWS && *at + *took >= *fault)
    };
    let of = |met: bool| -> Vec<Duration> {
        probes.iter().filter(|probe| is_met(probe) == met).map(|(_, took)| *took).collect()
    };
    Ok(Values {
        capacity_per_s,
        rate_per_s,
        faults,
        asked,
        unacknowledged: failed.load(Ordering::Relaxed),
        answers: database.count()?,
        events: number("events")?,
        followed,
        versions,
        broken_followings: broken,
        calm_ms: Percentiles::of(&of(false))?,
        fault_ms: Percentiles::of(&of(true))?,
        samples,
    })
}

/// Starts the replay of events, which asks about each flight and follows the answers.
fn replay(options: &Options, log: &str, events: &str) -> anyhow::Result<std::process::Child> {
    let from = "2013-07-26";
    let arguments =
        ["simulate", "--from", from, "--to", "2013-07-31", "--speed", SPEED, "--follow", "--format", "json"];
    let mut command = options.target.command(&arguments);
    command.args(["--log", log, "--events", events, "--run", "replay"]);
    command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().context("cannot start the replay")
}

/// Publishes requests at a rate until a stop, and counts those that the log acknowledges.
fn load(
    producer: &dyn Producer,
    per_s: f64,
    seed: u64,
    (asked, failed): (&Arc<AtomicU64>, &Arc<AtomicU64>),
    stop: &Stop,
) -> anyhow::Result<()> {
    let flights = history::bundled()?.flights;
    let (mut random, started, mut sent) = (ChaCha8Rng::seed_from_u64(seed), Instant::now(), 0u64);
    while stop.sleep(TICK) {
        let due = (started.elapsed().as_secs_f64() * per_s) as u64;
        // While the log is down the load is less: a backlog would be more than the capacity afterwards.
        let due = due.min(sent + (per_s as u64).max(1));
        for _ in sent..due {
            let request = requests::about(&flights[random.random_range(0..flights.len())]);
            publish(producer, &request, asked, failed);
        }
        sent = due;
    }
    Ok(())
}

fn publish(producer: &dyn Producer, request: &Request, asked: &Arc<AtomicU64>, failed: &Arc<AtomicU64>) {
    let (asked, failed) = (Arc::clone(asked), Arc::clone(failed));
    let done = Box::new(move |result: Result<_, _>| {
        let counter = if result.is_ok() { asked } else { failed };
        counter.fetch_add(1, Ordering::Relaxed);
    });
    producer.publish(Some(request.id.as_str()), encode(request).into_bytes(), done);
}

/// Asks once a second until a stop, and waits for each answer; returns the moments and the times.
fn probe(
    producer: &dyn Producer,
    store: &str,
    asked: &Arc<AtomicU64>,
    stop: &Stop,
) -> anyhow::Result<Vec<(Instant, Duration)>> {
    let (lookup, mut probes) = (store::open::<Flights>(store)?.lookup()?, Vec::new());
    let (flights, failed) = (history::bundled()?.flights, Arc::new(AtomicU64::new(0)));
    while stop.sleep(PROBE_INTERVAL) {
        let request = requests::about(&flights[probes.len() % flights.len()]);
        let (at, before) = (Instant::now(), failed.load(Ordering::Relaxed));
        publish(producer, &request, asked, &failed);
        // A lookup fails while the store is suspended.
        while !matches!(lookup.find(request.id.as_str()), Ok(Some(_))) && failed.load(Ordering::Relaxed) == before {
            ensure!(at.elapsed() < DEADLINE, "a request is not answered for {} s", DEADLINE.as_secs());
            thread::sleep(LOOK_INTERVAL);
        }
        if failed.load(Ordering::Relaxed) == before {
            probes.push((at, at.elapsed()));
        }
    }
    Ok(probes)
}

/// Looks at the processes until the time is over.
fn sample(options: &Options, up: &Process, asked: &AtomicU64) -> Vec<Sample> {
    let (started, mut samples) = (Instant::now(), Vec::new());
    while started.elapsed() < Duration::from_secs(60 * options.minutes) {
        thread::sleep(SAMPLE_INTERVAL);
        let sample = Sample {
            minute: started.elapsed().as_secs_f64() / 60.0,
            resident_mib: up.tree_resident_mib(),
            descriptors: up.tree_descriptors(),
            asked: asked.load(Ordering::Relaxed),
        };
        println!("    {}", serde_json::json!(sample));
        samples.push(sample);
    }
    samples
}
