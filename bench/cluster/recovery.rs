//! The time from the failure of one of three processes until every partition has an answer to a request that was sent
//! after it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use delaycast::{domain::Flights, request::encode};
use engine::{
    log::{self, PartitionId, Producer},
    request::RequestId,
    runtime::Mutex,
    store::{self, Lookup},
    supervise::STABLE_AFTER,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::{PARTITIONS, PROCESSES};
use crate::{
    embedded::EmbeddedFile,
    process::{Process, Target, children},
    requests,
    results::{Measurement, Spread},
};

/// Interval between two lookups of answers, and so the resolution of the time.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// Timeout of a recovery.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Number of failures of each kind
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Requests per second meanwhile
    #[arg(long, default_value_t = 300)]
    requests_per_s: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    processes: usize,
    partitions: usize,
    /// After SIGKILL.
    killed_s: Spread,
    /// After SIGSTOP: the process hangs, and its supervisor kills it.
    hanging_s: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "recovery";
    type Values = Values;
}

/// The ids of sent requests that the log has acknowledged: the time of sending, and the place in the log.
type Sent = Mutex<Vec<(Instant, PartitionId, u64, String)>>;

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let file = EmbeddedFile::new(&format!("?partitions={PARTITIONS}"))?;
    let (log, store) = (log::open::<Flights>(&file.url)?, store::open::<Flights>(&file.url)?);
    let processes = PROCESSES.to_string();
    let more = ["--processes", &processes, "--log", &file.url, "--store", &file.url];
    let (up, _) = Process::up(&options.target, file.dir.path(), &more)?;
    let (producer, lookup) = (log.producer()?, store.lookup()?);
    let (sent, stop) = (Arc::new(Sent::default()), AtomicBool::new(false));
    let (killed, hanging) = thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(&*producer, options.requests_per_s, &sent, &stop));
        let measured = measure_all(options, up.pid(), &*lookup, &sent);
        stop.store(true, Ordering::Release);
        publishing.join().ok().context("the publisher panicked")??;
        measured
    })?;
    Ok(Values {
        processes: PROCESSES,
        partitions: PARTITIONS,
        killed_s: Spread::of(killed)?,
        hanging_s: Spread::of(hanging)?,
    })
}

fn measure_all(options: &Options, up: Pid, lookup: &dyn Lookup, sent: &Sent) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut killed, mut hanging) = (Vec::new(), Vec::new());
    recovery(Instant::now(), lookup, sent)?;
    for round in 0..options.rounds {
        for (signal, times) in [(Signal::KILL, &mut killed), (Signal::STOP, &mut hanging)] {
            // Each child has run for so long that its supervisor starts the next one at once.
            thread::sleep(STABLE_AFTER + Duration::from_millis(random.random_range(0..500)));
            let scorer = scorer(up, round % PROCESSES)?;
            // The clock starts after the signal: a pause of this thread between the two would count as recovery.
            kill_process(scorer, signal)?;
            let at = Instant::now();
            times.push(recovery(at, lookup, sent)?.as_secs_f64());
        }
        println!("  round {} of {}: {:.2} s, {:.2} s", round + 1, options.rounds, killed[round], hanging[round]);
    }
    Ok((killed, hanging))
}

/// A scoring process of the cluster.
fn scorer(up: Pid, index: usize) -> anyhow::Result<Pid> {
    let index = index.to_string();
    let is_it = |arguments: &[String]| arguments.windows(2).any(|pair| pair[0] == "--process" && pair[1] == index);
    let found = children(up).into_iter().find(|(_, arguments)| is_it(arguments));
    Ok(found.with_context(|| format!("process {index} does not run"))?.0)
}

/// Waits until every partition has an answer to a request that was sent after `since`; returns the time that it took.
fn recovery(since: Instant, lookup: &dyn Lookup, sent: &Sent) -> anyhow::Result<Duration> {
    let mut answered = BTreeMap::new();
    while answered.len() < PARTITIONS {
        ensure!(since.elapsed() < DEADLINE, "only {} of {PARTITIONS} partitions are answered", answered.len());
        // The first one of each partition is answered first.
        let mut first = BTreeMap::<PartitionId, (u64, String)>::new();
        for (_, partition, offset, id) in sent.lock().iter().filter(|(at, ..)| *at >= since) {
            let candidate = first.entry(*partition).or_insert_with(|| (*offset, id.clone()));
            if *offset < candidate.0 {
                *candidate = (*offset, id.clone());
            }
        }
        for (partition, (_, id)) in first {
            if !answered.contains_key(&partition) && lookup.find(&id)?.is_some() {
                answered.insert(partition, since.elapsed());
            }
        }
        thread::sleep(LOOK_INTERVAL);
    }
    sent.lock().clear();
    answered.into_values().max().context("no partitions")
}

/// Publishes requests at a rate until it is stopped.
fn publish(producer: &dyn Producer, per_s: u32, sent: &Arc<Sent>, stop: &AtomicBool) -> anyhow::Result<()> {
    let requests = requests::make(1000, 2)?;
    let refused = Arc::new(AtomicBool::new(false));
    let mut next = Instant::now();
    for request in requests.iter().cycle() {
        if stop.load(Ordering::Acquire) {
            return Ok(());
        }
        if refused.load(Ordering::Acquire) {
            bail!("the log refuses requests");
        }
        let mut request = request.clone();
        request.id = RequestId::random();
        let (id, at, sent, refused) = (request.id.to_string(), Instant::now(), Arc::clone(sent), Arc::clone(&refused));
        let done = move |landed: Result<log::Position, _>| match landed {
            Ok(position) => sent.lock().push((at, position.partition, position.offset.0, id)),
            Err(_) => refused.store(true, Ordering::Release),
        };
        producer.publish(None, encode(&request).into_bytes(), Box::new(done));
        next += Duration::from_secs(1) / per_s.max(1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
