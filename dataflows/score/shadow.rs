//! The shadow: a candidate model that scores copies of the requests, without delay for the answers.
//!
//! Each rule has a test of its number in `tests/shadow_rules.rs`.
//!
//! 1. The shadow gets copies of scored requests. Its own thread scores and stores them, and no worker waits for that
//!    thread: the durable frontier does not depend on it.
//! 2. At most [`WAITING_MAX`] requests wait for the shadow. Requests beyond this bound are dropped and counted.
//! 3. A write to a store that is unavailable is retried until the process ends; rule 2 holds meanwhile.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use engine::{
    answer::ModelVersion,
    clock,
    delivery::{Health, ROWS_PER_WRITE_MAX, Writer},
    domain::{Answer, Domain},
    model::Scorer,
    runtime::{Stop, Thread, retry},
    shadow::ShadowAnswer,
    store::Store,
};

use super::counters::Counters;

/// Upper bound on the requests of a process that wait for the shadow.
pub const WAITING_MAX: usize = 20_000;
/// Upper bound on the batches that wait for the shadow.
const BATCHES_MAX: usize = 4096;
/// Timeout of the join, for a write in progress.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval at which the idle thread checks for the stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Scored requests for the shadow.
struct Batch<D: Domain> {
    shadow: Arc<dyn Scorer<D>>,
    current: ModelVersion,
    requests: Vec<D::Request>,
    current_scores: Vec<D::Score>,
}

/// The queue from the workers of a process to the shadow.
pub(super) struct ShadowQueue<D: Domain> {
    batches: SyncSender<Batch<D>>,
    waiting: Arc<AtomicUsize>,
    counters: Arc<Counters>,
}

impl<D: Domain> Clone for ShadowQueue<D> {
    fn clone(&self) -> Self {
        let ShadowQueue { batches, waiting, counters } = self;
        ShadowQueue { batches: batches.clone(), waiting: Arc::clone(waiting), counters: Arc::clone(counters) }
    }
}

impl<D: Domain> ShadowQueue<D> {
    /// Enqueues copies of requests, if there is room (rule 2).
    pub(super) fn offer(
        &self,
        shadow: &Arc<dyn Scorer<D>>,
        current: &ModelVersion,
        requests: &[D::Request],
        scores: &[D::Score],
    ) {
        let dropped = &self.counters.shadow.dropped;
        // Workers that enqueue at the same time may exceed the bound, by at most a batch each.
        if self.waiting.load(Ordering::Relaxed) + requests.len() > WAITING_MAX {
            return dropped.add(requests.len());
        }
        self.waiting.fetch_add(requests.len(), Ordering::Relaxed);
        let (shadow, current) = (Arc::clone(shadow), current.clone());
        let batch = Batch { shadow, current, requests: requests.to_vec(), current_scores: scores.to_vec() };
        if self.batches.try_send(batch).is_err() {
            self.waiting.fetch_sub(requests.len(), Ordering::Relaxed);
            dropped.add(requests.len());
        }
    }
}

/// The thread of the shadow. Dropping it ends the thread.
pub(super) struct Shadow {
    stop: Stop,
    thread: Thread,
}

impl Shadow {
    /// Starts the thread, which waits for requests.
    pub(super) fn start<D: Domain>(
        store: &Arc<dyn Store<D>>,
        counters: &Arc<Counters>,
    ) -> io::Result<(Self, ShadowQueue<D>)> {
        let (batches, queue) = sync_channel(BATCHES_MAX);
        let (waiting, stop) = (Arc::default(), Stop::default());
        let shadow_queue = ShadowQueue { batches, waiting: Arc::clone(&waiting), counters: Arc::clone(counters) };
        let health = Health::new(format!("the store of shadow answers {}", store.describe()));
        let worker = Work {
            queue,
            waiting,
            store: Arc::clone(store),
            writer: None,
            counters: Arc::clone(counters),
            health,
            stop: stop.clone(),
        };
        let thread = Thread::spawn("shadow", move || worker.run())?;
        Ok((Shadow { stop, thread }, shadow_queue))
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        self.stop.request();
        self.thread.join(JOIN_TIMEOUT);
    }
}

/// The parts of the shadow's thread.
struct Work<D: Domain> {
    queue: Receiver<Batch<D>>,
    waiting: Arc<AtomicUsize>,
    store: Arc<dyn Store<D>>,
    writer: Option<Box<dyn Writer<ShadowAnswer<D>>>>,
    counters: Arc<Counters>,
    health: Health,
    stop: Stop,
}

impl<D: Domain> Work<D> {
    fn run(mut self) {
        loop {
            let first = self.queue.recv_timeout(POLL_INTERVAL);
            if self.stop.is_requested() {
                return;
            }
            let Ok(first) = first else { continue };
            let mut rows = Vec::new();
            let mut taken = first.requests.len();
            self.score(first, &mut rows);
            while rows.len() < ROWS_PER_WRITE_MAX
                && let Ok(batch) = self.queue.try_recv()
            {
                taken += batch.requests.len();
                self.score(batch, &mut rows);
            }
            self.write(&rows);
            self.waiting.fetch_sub(taken, Ordering::Relaxed);
        }
    }

    fn score(&self, batch: Batch<D>, rows: &mut Vec<ShadowAnswer<D>>) {
        let Batch { shadow, current, requests, current_scores } = batch;
        let (mut scores, count) = (Vec::with_capacity(requests.len()), requests.len());
        shadow.score(&requests, &mut scores);
        let counters = &self.counters.shadow;
        if scores.len() != count {
            // Scores cannot be assigned to requests.
            return counters.dropped.add(count);
        }
        let (first, scored_at) = (rows.len(), clock::now());
        rows.extend(requests.into_iter().zip(scores).zip(current_scores).map(|((request, score), answered)| {
            let answer = Answer { request, score, model: shadow.version().clone(), scored_at };
            ShadowAnswer { answer, current: current.clone(), answered }
        }));
        let compared = rows.get(first..).unwrap_or_default();
        counters.compared.add(compared.len());
        counters.agreed.add(compared.iter().filter(|row| row.agrees()).count());
        let change: f64 = compared.iter().map(ShadowAnswer::change).sum();
        counters.change_millionths.add((change * 1e6) as usize);
    }

    /// Writes rows and retries until the store has acknowledged them, or a stop is requested (rule 3). Scored rows get
    /// one attempt even after a stop.
    fn write(&mut self, rows: &[ShadowAnswer<D>]) {
        if rows.is_empty() {
            return;
        }
        let Work { store, writer, health, stop, .. } = self;
        let write = || {
            let writer = match &mut *writer {
                Some(writer) => writer,
                none => none.insert(store.shadows()?),
            };
            writer.write(rows).inspect(|_| health.serving())
        };
        let refusals = retry(stop, write, |error| {
            health.waiting(error);
            error.needs_operator
        });
        let landed = refusals.map(|refusals| rows.len() - refusals.len());
        let landed = landed.unwrap_or_default();
        self.counters.shadow.landed.add(landed);
        self.counters.shadow.dropped.add(rows.len() - landed);
    }
}
