//! The latency of requests around the activation of another model.

mod store;

use std::{
    collections::HashMap,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::Utc;
use delaycast::{
    domain::Flights,
    model::{Model, ModelDir, Watcher},
    request::{Request, encode},
};
use delaycast_dataflows::score::{Config, Connections, Counters, Models, run};
use engine::{
    answer::ModelVersion,
    log::{self, Position, Producer},
    model::{self, DesiredModels, Loader, Role, Scorer},
    request::RequestId,
    runtime::{Mutex, Stop},
    store as stores,
};
use serde::{Deserialize, Serialize};

use self::store::{Landed, TimedStore};
use crate::{
    embedded::EmbeddedFile,
    process::Target,
    requests,
    results::{Measurement, Spread, percentile},
};

/// Batches of requests per second.
const BATCHES_PER_S: usize = 100;
/// Time before each swap, as a baseline; before the first one everything starts in it, too.
const BEFORE: Duration = Duration::from_secs(3);
/// Half of the window around the moment at which a model takes effect.
const AROUND: Duration = Duration::from_millis(500);
/// Timeout of an acknowledgement, and of a swap.
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    target: Target,
    /// Requests per second
    #[arg(long, default_value_t = 10_000)]
    requests_per_s: usize,
    /// Worker threads
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Number of models that take effect, one after the other
    #[arg(long, default_value_t = 5)]
    swaps: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    model_bytes: u64,
    into_store: Swaps,
    into_null_sink: Swaps,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Swaps {
    /// Requests, all of which were answered.
    requests: usize,
    /// Answers by an older model behind one by a newer, in the order of their partition.
    order_violations: usize,
    /// From publishing a model until it takes effect.
    effective_s: Spread,
    /// The 99th percentile of the latency in the second around that, by that of the second before publishing.
    p99_ratio: Spread,
    /// The same of two successive seconds without a swap.
    p99_ratio_without: Spread,
}

impl Measurement for Options {
    const NAME: &'static str = "hot-swap";
    type Values = Values;
}

/// A swap of the model, in microseconds since 1970.
struct Swap {
    published_us: i64,
    effective_us: i64,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let dir = ModelDir::new(&options.target.models);
    Ok(Values {
        model_bytes: dir.path_of(&dir.current()?).metadata()?.len(),
        into_store: measure_one(options, true)?,
        into_null_sink: measure_one(options, false)?,
    })
}

fn measure_one(options: &Options, keeps: bool) -> anyhow::Result<Swaps> {
    let file = EmbeddedFile::new("")?;
    let models = ModelDir::new(file.dir.path().join("models"));
    let trained = ModelDir::new(&options.target.models).load_current()?.model;
    let first = models.publish(trained.clone(), Utc::now())?;

    let (landed, stop, counters) =
        (Arc::new(Mutex::new(Vec::new())), Stop::default(), Arc::new(Counters::of::<Flights>()));
    let store = Arc::new(TimedStore { store: stores::open(&file.url)?, keeps, landed: Arc::clone(&landed) });
    let connections = Connections::new(log::open::<Flights>(&file.url)?, store);
    let producer = log::open::<Flights>(&file.url)?.producer()?;
    let desired = DesiredModels::default();
    let watcher = Watcher::new(models.clone(), Role::Current, Some(first.version.clone()));
    let refused = |_: Role, reason: &str| println!("  refused: {reason}");
    model::watch(vec![watcher], &desired, stop.clone(), refused)?;
    let scorers = Models::new(Arc::new(first), &desired, Arc::new(PlainLoader));

    let (config, publishing) = (Config::new(options.workers), AtomicBool::new(true));
    let (swaps, positions) = thread::scope(|scope| {
        let running = scope.spawn(|| run(&config, &connections, &scorers, &counters, &stop));
        let asking = scope.spawn(|| publish(&*producer, options.requests_per_s, &publishing));
        let swaps = (0..options.swaps).map(|_| swap(&models, &trained, &counters)).collect::<anyhow::Result<Vec<_>>>();
        thread::sleep(BEFORE);
        publishing.store(false, Ordering::Release);
        let positions = asking.join().ok().context("the publisher panicked")?;
        stop.request();
        running.join().ok().context("a worker panicked")??;
        anyhow::Ok((swaps?, positions?))
    })?;
    let landed = std::mem::take(&mut *landed.lock());
    summarise(&landed, &swaps, &positions)
}

/// Publishes a model and waits until it takes effect.
fn swap(models: &ModelDir, trained: &Model, counters: &Counters) -> anyhow::Result<Swap> {
    thread::sleep(BEFORE);
    let published_us = Utc::now().timestamp_micros();
    let version = models.publish(trained.clone(), Utc::now())?.version;
    let began = Instant::now();
    loop {
        if let Some((used, from)) = counters.models.get(Role::Current)
            && used == version
        {
            // The cluster's clock starts from this machine's.
            return Ok(Swap { published_us, effective_us: from as i64 * 1000 });
        }
        ensure!(began.elapsed() < DEADLINE, "the model does not take effect");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Publishes requests at `rate` per second; returns each one's position in the log.
fn publish(producer: &dyn Producer, rate: usize, publishing: &AtomicBool) -> anyhow::Result<HashMap<String, Position>> {
    let flights: Vec<Request> = requests::make(rate, 3)?;
    let (report, reply) = mpsc::channel();
    let (began, mut asked) = (Instant::now(), 0);
    while publishing.load(Ordering::Acquire) {
        let due = rate / BATCHES_PER_S * (1 + (began.elapsed().as_secs_f64() * BATCHES_PER_S as f64) as usize);
        while asked < due {
            let mut request = flights[asked % flights.len()].clone();
            request.id = RequestId::random();
            request.asked_at = Some(Utc::now().naive_utc());
            let (id, report) = (request.id.to_string(), report.clone());
            let key = id.clone();
            let done = Box::new(move |result| drop(report.send((id, result))));
            producer.publish(Some(&key), encode(&request).into_bytes(), done);
            asked += 1;
        }
        thread::sleep(Duration::from_millis(1));
    }
    (0..asked)
        .map(|_| reply.recv_timeout(DEADLINE).context("no acknowledgement").and_then(|(id, at)| Ok((id, at?))))
        .collect()
}

fn summarise(landed: &[Landed], swaps: &[Swap], positions: &HashMap<String, Position>) -> anyhow::Result<Swaps> {
    ensure!(positions.len() == landed.len(), "{} of {} are answered", landed.len(), positions.len());
    let (around, second) = (AROUND.as_micros() as i64, 1_000_000);
    let (mut ratios, mut ratios_without) = (Vec::new(), Vec::new());
    for Swap { published_us, effective_us } in swaps {
        let p99 = |asked_us| p99_ms(landed, asked_us);
        let calm = p99(published_us - second..*published_us)?;
        ratios.push(p99(effective_us - around..effective_us + around)? / calm);
        ratios_without.push(calm / p99(published_us - 2 * second..published_us - second)?);
    }
    Ok(Swaps {
        requests: positions.len(),
        order_violations: order_violations(landed, positions)?,
        effective_s: Spread::over(swaps, |swap| (swap.effective_us - swap.published_us) as f64 / 1e6)?,
        p99_ratio: Spread::of(ratios)?,
        p99_ratio_without: Spread::of(ratios_without)?,
    })
}

/// The 99th percentile of the latency of the requests made within a time.
fn p99_ms(landed: &[Landed], asked_us: Range<i64>) -> anyhow::Result<f64> {
    let within = landed.iter().filter(|answer| asked_us.contains(&answer.asked_us));
    let mut times_ms: Vec<f64> = within.map(|answer| (answer.landed_us - answer.asked_us) as f64 / 1e3).collect();
    times_ms.sort_unstable_by(f64::total_cmp);
    percentile(&times_ms, 0.99).context("no requests within that second")
}

/// Counts the answers by an older model after one by a newer model in their partition. There are none: a source reads a
/// partition in order, at timestamps that do not go back.
fn order_violations(landed: &[Landed], positions: &HashMap<String, Position>) -> anyhow::Result<usize> {
    let mut in_order = Vec::with_capacity(landed.len());
    for Landed { id, model, .. } in landed {
        let position = positions.get(id).context("an answer without a request")?;
        in_order.push((position.partition, position.offset, model));
    }
    in_order.sort_unstable();
    Ok(in_order.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].2).count())
}

/// Decodes models, without explanations.
struct PlainLoader;

impl Loader<Flights> for PlainLoader {
    fn load(&self, version: &ModelVersion, bytes: &[u8]) -> Result<Arc<dyn Scorer<Flights>>, String> {
        let model = Model::decode(bytes).map_err(|error| error.to_string())?;
        Ok(Arc::new(model.versioned(version.clone())))
    }
}
