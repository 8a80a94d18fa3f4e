//! The latency of requests around the activation of another model.

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
use chrono::{DateTime, Utc};
use delaycast::{
    domain::{Answer, Flights},
    model::{Model, ModelDir, Watcher},
    request::{Request, encode},
};
use delaycast_dataflows::score::{Config, Connections, Counters, Models, run};
use engine::{
    answer::{ModelVersion, Rejection},
    delivery::{Refusal, Unavailable, Writer},
    finding::Finding,
    log::{self, Position, Producer},
    model::{self, DesiredModels, Loader, Role, Scorer},
    request::RequestId,
    runtime::{Mutex, Stop},
    store::{self, Lookup, Store, Tail},
};

use crate::{Options, requests};

/// Batches of requests per second.
const BATCHES_PER_S: usize = 100;
/// Number of models that take effect.
const SWAPS: usize = 5;
/// Time before each swap, as a baseline; before the first one everything starts in it, too.
const BEFORE: Duration = Duration::from_secs(3);
/// Half of the window around the moment at which a model takes effect.
const AROUND: Duration = Duration::from_millis(500);
/// Timeout of an acknowledgement, and of a swap.
const DEADLINE: Duration = Duration::from_secs(30);

/// A durable answer, with the times of its request and of its write in microseconds since 1970.
struct Landed {
    id: String,
    asked_us: i64,
    landed_us: i64,
    model: ModelVersion,
}

/// A swap of the model, in microseconds since 1970.
struct Swap {
    published_us: i64,
    effective_us: i64,
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<()> {
    for keeps in [true, false] {
        println!("{}", if keeps { "into the embedded store" } else { "into a sink that drops" });
        measure_one(options, keeps)?;
    }
    Ok(())
}

fn measure_one(options: &Options, keeps: bool) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in(".")?;
    let url = format!("sqlite:{}", dir.path().join("delaycast.db").display());
    let models = ModelDir::new(dir.path().join("models"));
    let trained = ModelDir::new(&options.models).load_current()?.model;
    let first = models.publish(trained.clone(), Utc::now())?;

    let (landed, stop, counters) =
        (Arc::new(Mutex::new(Vec::new())), Stop::default(), Arc::new(Counters::of::<Flights>()));
    let store = Arc::new(TimedStore { store: store::open(&url)?, keeps, landed: Arc::clone(&landed) });
    let connections = Connections::new(log::open::<Flights>(&url)?, store);
    let producer = log::open::<Flights>(&url)?.producer()?;
    let desired = DesiredModels::default();
    let watcher = Watcher::new(models.clone(), Role::Current, Some(first.version.clone()));
    let refused = |_: Role, reason: &str| println!("refused: {reason}");
    model::watch(vec![watcher], &desired, stop.clone(), refused)?;
    let scorers = Models::new(Arc::new(first), &desired, Arc::new(PlainLoader));

    let (config, publishing) = (Config::new(options.workers), AtomicBool::new(true));
    let (swaps, positions) = thread::scope(|scope| {
        let running = scope.spawn(|| run(&config, &connections, &scorers, &counters, &stop));
        let asking = scope.spawn(|| publish(&*producer, options.requests, &publishing));
        let swaps = (0..SWAPS).map(|_| swap(&models, &trained, &counters)).collect::<anyhow::Result<Vec<_>>>();
        thread::sleep(BEFORE);
        publishing.store(false, Ordering::Release);
        let positions = asking.join().ok().context("the publisher panicked")?;
        stop.request();
        running.join().ok().context("a worker panicked")??;
        anyhow::Ok((swaps?, positions?))
    })?;
    let landed = std::mem::take(&mut *landed.lock());
    report(options.requests, &landed, &swaps, &positions, models.path_of(&models.current()?).metadata()?.len())
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

fn report(
    rate: usize,
    landed: &[Landed],
    swaps: &[Swap],
    positions: &HashMap<String, Position>,
    bytes: u64,
) -> anyhow::Result<()> {
    println!("{} requests at {rate}/s, {} answered, a model file of {bytes} bytes", positions.len(), landed.len());
    ensure!(positions.len() == landed.len(), "some are not answered");
    println!(
        "answers by an older model behind one by a newer, in the order of their partition: {}",
        order_violations(landed, positions)?
    );
    let (around, second) = (AROUND.as_micros() as i64, 1_000_000);
    let (mut swapped, mut control) = (Vec::new(), Vec::new());
    for (number, Swap { published_us, effective_us }) in swaps.iter().enumerate() {
        let until_effective = (effective_us - published_us) as f64 / 1e6;
        println!("swap {}: takes effect {until_effective:.2} s after it was published", number + 1);
        let before = quantiles(landed, published_us - 1_000_000..*published_us);
        println!("  the second before it was published: {before}");
        let p99 = |asked_us| quantile(&times(landed, asked_us), 0.99);
        let calm = p99(published_us - second..*published_us);
        swapped.push(p99(effective_us - around..effective_us + around) / calm);
        control.push(calm / p99(published_us - 2 * second..published_us - second));
        println!("  from then until it takes effect:    {}", quantiles(landed, *published_us..*effective_us));
        println!(
            "  the second around that:             {}",
            quantiles(landed, effective_us - around..effective_us + around)
        );
    }
    println!("p99 of the second around, as a multiple of the second before: {}", ratios(swapped));
    println!("the same of two seconds without a swap, one after the other: {}", ratios(control));
    Ok(())
}

fn ratios(mut ratios: Vec<f64>) -> String {
    ratios.sort_unstable_by(f64::total_cmp);
    let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    format!("median {}, of {}", each[each.len() / 2], each.join(" "))
}

/// The latencies of the requests made within a time, in ms, sorted.
fn times(landed: &[Landed], asked_us: Range<i64>) -> Vec<f64> {
    let within = landed.iter().filter(|answer| asked_us.contains(&answer.asked_us));
    let mut times: Vec<f64> = within.map(|answer| (answer.landed_us - answer.asked_us) as f64 / 1e3).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

/// A quantile of sorted times; NaN if there are none.
fn quantile(times: &[f64], quantile: f64) -> f64 {
    times.get((times.len().saturating_sub(1) as f64 * quantile) as usize).copied().unwrap_or(f64::NAN)
}

/// The latency quantiles of the requests made within a time.
fn quantiles(landed: &[Landed], asked_us: Range<i64>) -> String {
    let times = times(landed, asked_us);
    let at = |of| quantile(&times, of);
    format!("median {:.1} ms, p99 {:.1}, most {:.1} ({} requests)", at(0.5), at(0.99), at(1.0), times.len())
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

/// A store that records the time at which each answer is durable.
struct TimedStore {
    store: Arc<dyn Store<Flights>>,
    /// False drops the answers instead of writing them.
    keeps: bool,
    landed: Arc<Mutex<Vec<Landed>>>,
}

struct TimedWriter {
    keeps: bool,
    writer: Box<dyn Writer<Answer>>,
    landed: Arc<Mutex<Vec<Landed>>>,
}

impl Writer<Answer> for TimedWriter {
    fn write(&mut self, rows: &[Answer]) -> Result<Vec<Refusal>, Unavailable> {
        let refusals = if self.keeps { self.writer.write(rows)? } else { Vec::new() };
        let landed_us = Utc::now().timestamp_micros();
        let asked_us = |answer: &Answer| answer.request.asked_at.map(|at| at.and_utc().timestamp_micros());
        let landed = |answer: &Answer| {
            let (id, model) = (answer.request.id.to_string(), answer.model.clone());
            Some(Landed { id, asked_us: asked_us(answer)?, landed_us, model })
        };
        self.landed.lock().extend(rows.iter().filter_map(landed));
        Ok(refusals)
    }
}

impl Store<Flights> for TimedStore {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer>>, Unavailable> {
        Ok(Box::new(TimedWriter { keeps: self.keeps, writer: self.store.answers()?, landed: Arc::clone(&self.landed) }))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        self.store.rejections()
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        self.store.lookup()
    }

    fn inspect(&self) -> Vec<Finding> {
        self.store.inspect()
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<Flights>>, Unavailable> {
        self.store.tail(since)
    }
}
