//! Running the score dataflow: workers, their main loop, stopping.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use delaycast::{
    delivery::{Backoff, Delivery, Health, Unavailable, Waiting, Writer},
    log::{Log, Share},
    model::Scorer,
    store::Store,
};
use timely::worker::Worker;

use super::{
    ClusterClock, Counters, Ends, InFlight, Shared, TICK, build, commit::Committer, ledger::Ledger, wake::LateWaker,
    workers::Turning,
};

/// How often a worker says how far behind the log it is.
const LAG: Duration = Duration::from_secs(1);

/// How the score dataflow runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads in this process.
    pub workers: usize,
    /// Bound on the records in flight, for each worker.
    pub in_flight: InFlight,
    /// How long a stopping worker waits for its records to become durable.
    pub drain: Duration,
}

impl Config {
    /// The default bound: 20,000 records or 64 MiB of payload a worker, whichever is reached first.
    pub const IN_FLIGHT: InFlight = InFlight { records: 20_000, bytes: 64 << 20 };
    /// The default wait on stop: well under the 10 s that container runtimes grant before they kill.
    pub const DRAIN: Duration = Duration::from_secs(8);

    /// The defaults, for a number of workers.
    pub fn new(workers: usize) -> Self {
        Config { workers, in_flight: Self::IN_FLIGHT, drain: Self::DRAIN }
    }
}

/// Where requests come from, where answers go, and how both are doing.
#[derive(Clone)]
pub struct Connections {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    health: Healths,
}

/// One for each activity: a log that can be read may still take no writes, and must not seem well for it.
#[derive(Clone)]
struct Healths {
    reading: Arc<Health>,
    answers: Arc<Health>,
    rejections: Arc<Health>,
    dead_letters: Arc<Health>,
}

impl Healths {
    /// What is waited for, if anything.
    fn outage(&self) -> Option<Unavailable> {
        let all = [&self.answers, &self.dead_letters, &self.rejections, &self.reading];
        all.into_iter().find_map(|health| health.outage()).map(|outage| Unavailable::transient(outage.reason))
    }
}

impl Connections {
    /// Takes an open log and store.
    pub fn new(log: Arc<dyn Log>, store: Arc<dyn Store>) -> Self {
        let of = |what: &str, place: String| Arc::new(Health::new(format!("{what} {place}")));
        let health = Healths {
            reading: of("the log", log.describe()),
            answers: of("the store of answers", store.describe()),
            rejections: of("the store of rejections", store.describe()),
            dead_letters: of("the log of dead letters", log.describe()),
        };
        Connections { log, store, health }
    }

    /// The health of each activity, by a short name.
    pub fn healths(&self) -> [(&'static str, Arc<Health>); 4] {
        let Healths { reading, answers, rejections, dead_letters } = &self.health;
        [("log", reading), ("answers", answers), ("rejections", rejections), ("dead_letters", dead_letters)]
            .map(|(name, health)| (name, Arc::clone(health)))
    }

    /// What is waited for, in a few words, and since when.
    pub fn waiting(&self) -> Vec<(&'static str, Waiting)> {
        let Healths { reading, answers, rejections, dead_letters } = &self.health;
        let all = [
            ("the log", reading),
            ("the store of answers", answers),
            ("the store of rejections", rejections),
            ("the log of dead letters", dead_letters),
        ];
        all.into_iter().filter_map(|(what, health)| health.outage().map(|outage| (what, outage))).collect()
    }
}

/// Asks a running dataflow to stop; clones ask the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks. The workers notice within a [`TICK`].
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why the dataflow ended other than by finishing its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Told to stop, but the store or the log did not take what was in flight in time. Nothing is lost: it will be
    /// read again from the committed offsets.
    #[error("stopped with {records} records not yet durable: they will be read again at the next start")]
    Undrained {
        /// How many.
        records: usize,
        /// What was waited for.
        #[source]
        reason: Option<Unavailable>,
    },
    /// A part has failed in a way that must not happen. Nothing was committed after that.
    #[error("the scorer cannot go on: {0}")]
    Broken(String),
    /// The system gave no thread.
    #[error("cannot start a writer thread")]
    NoThread(#[from] std::io::Error),
    /// Timely failed to start or a worker died.
    #[error("timely: {0}")]
    Timely(String),
}

/// Runs the workers until `stop` is asked; returns when all have left. Blocks.
pub fn run(
    config: &Config,
    connections: &Connections,
    scorer: &Arc<dyn Scorer>,
    counters: &Arc<Counters>,
    stop: &Stop,
) -> Result<(), Error> {
    let Some(partitions) = patiently(&connections.health.reading, stop, || connections.log.partitions()) else {
        return Ok(());
    };
    counters.workers.want(config.workers);
    let rebalance = (partitions as usize) < config.workers;
    let clock = ClusterClock::start();
    let (config, connections) = (config.clone(), connections.clone());
    let (scorer, counters, stop) = (Arc::clone(scorer), Arc::clone(counters), stop.clone());
    let guards = timely::execute(timely::Config::process(config.workers), move |worker| {
        let shared = Shared {
            clock,
            ledger: Rc::new(RefCell::new(Ledger::new(config.in_flight))),
            counters: Arc::clone(&counters),
        };
        let plan = Plan { rebalance, drain: config.drain };
        let result = work(worker, &connections, Arc::clone(&scorer), plan, &shared, &stop);
        // One worker that cannot go on takes the others with it.
        stop.ask();
        result
    })
    .map_err(Error::Timely)?;
    let mut results = guards.join().into_iter().map(|worker| worker.map_err(Error::Timely)?);
    results.try_for_each(|result| result)
}

/// What all workers of a generation agree on.
#[derive(Clone, Copy)]
struct Plan {
    rebalance: bool,
    drain: Duration,
}

/// One worker, from its first connection to its last commit.
fn work(
    worker: &mut Worker,
    connections: &Connections,
    scorer: Arc<dyn Scorer>,
    plan: Plan,
    shared: &Shared,
    stop: &Stop,
) -> Result<(), Error> {
    let share = Share { index: worker.index(), peers: worker.peers() };
    let Some(ends) = open(share, connections, stop)? else { return Ok(()) };
    let reader = Rc::clone(&ends.reader.0);
    let mut committer = Committer::new(Rc::clone(&reader));
    let probe = worker.dataflow_named("Score", |scope| build(scope, ends, scorer, plan.rebalance, shared));
    let turning = Turning::start(&shared.counters, worker.index(), shared.clock);
    let (mut deadline, mut lag_at) = (None, Instant::now());
    let result = loop {
        worker.step_or_park(Some(TICK));
        turning.turn(probe.with_frontier(|frontier| frontier.first().copied()));
        if Instant::now() >= lag_at {
            shared.counters.lag.set(worker.index(), reader.borrow().lag());
            lag_at = Instant::now() + LAG;
        }
        let mut ledger = shared.ledger.borrow_mut();
        if let Some(broken) = ledger.broken.take() {
            break Err(Error::Broken(broken));
        }
        let before = ledger.in_flight();
        committer.add(ledger.retire(|timestamp| !probe.less_equal(&timestamp)));
        let InFlight { records: left, bytes: left_bytes } = ledger.in_flight();
        shared.counters.retired.add(before.records - left);
        shared.counters.retired_bytes.add(before.bytes - left_bytes);
        committer.turn();
        if stop.asked() {
            ledger.stopping = true;
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + plan.drain);
            let late = Instant::now() >= deadline;
            // An empty frontier says that no worker holds anything any more, so none depends on this one. At the
            // deadline it is enough that nothing of our own is left.
            if left == 0 && (late || probe.done()) {
                let finished = committer.finish(deadline);
                break finished.map_err(|reason| Error::Undrained { records: 0, reason: Some(reason) });
            }
            if late {
                let reason = connections.health.outage();
                break Err(Error::Undrained { records: left, reason });
            }
        }
    };
    // What is still held belongs to records that will be read again.
    for dataflow in worker.installed_dataflows() {
        worker.drop_dataflow(dataflow);
    }
    result
}

/// Opens one worker's reader and writers. `None` if told to stop meanwhile.
fn open(share: Share, connections: &Connections, stop: &Stop) -> Result<Option<Ends>, Error> {
    let Connections { log, store, health } = connections;
    let waker = LateWaker::default();
    let open_reader = || log.reader(share, Arc::new(waker.wake()), Arc::clone(&health.reading));
    let Some(reader) = patiently(&health.reading, stop, open_reader) else { return Ok(None) };
    let Some(answers) = patiently(&health.answers, stop, || store.answers()) else { return Ok(None) };
    let Some(rejections) = patiently(&health.rejections, stop, || store.rejections()) else { return Ok(None) };
    let Some(dead_letters) = patiently(&health.dead_letters, stop, || log.dead_letters()) else { return Ok(None) };
    Ok(Some(Ends {
        reader: (Rc::new(RefCell::new(reader)), waker),
        answers: deliver("answers", share, answers, &health.answers)?,
        rejections: deliver("rejections", share, rejections, &health.rejections)?,
        dead_letters: deliver("dead-letters", share, dead_letters, &health.dead_letters)?,
    }))
}

fn deliver<T: Send + 'static>(
    name: &str,
    share: Share,
    writer: Box<dyn Writer<T>>,
    health: &Arc<Health>,
) -> std::io::Result<(Delivery<T>, LateWaker)> {
    let waker = LateWaker::default();
    let name = format!("{name}-{}", share.index);
    Ok((Delivery::start(&name, writer, waker.wake(), Arc::clone(health))?, waker))
}

/// Tries until it succeeds, with backoff and jitter; `None` if told to stop meanwhile. Blocks.
pub fn patiently<T>(health: &Health, stop: &Stop, attempt: impl Fn() -> Result<T, Unavailable>) -> Option<T> {
    let mut backoff = Backoff::new();
    while !stop.asked() {
        match attempt() {
            Ok(value) => {
                health.serving();
                return Some(value);
            }
            Err(error) => {
                health.waiting(&error);
                let until = Instant::now() + backoff.next_pause(error.needs_operator);
                while Instant::now() < until && !stop.asked() {
                    thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
                }
            }
        }
    }
    None
}
