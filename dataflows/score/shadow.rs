//! The shadow: a candidate scores beside the model that answers, out of the way of the answers.
//!
//! Each rule has a test of its number in `tests/shadow_rules.rs`.
//!
//! 1. What the shadow is given was answered before, and is a copy. It scores and stores on a thread of its own, which no
//!    worker waits for; nothing of it is part of the durable frontier.
//! 2. At most [`WAITING_MAX`] requests wait for it. Where there is no room they are dropped, and counted.
//! 3. A store that is down is tried again for as long as the process runs; meanwhile rule 2 holds.

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
    answer::{Answer, ModelVersion},
    clock,
    delivery::{Health, ROWS_PER_WRITE_MAX, Writer},
    domain::Domain,
    model::Scorer,
    runtime::{Stop, Thread},
    shadow::ShadowAnswer,
    store::Store,
};

use super::{Counter, Counters};

/// At most this many requests of a process wait for the shadow.
pub const WAITING_MAX: usize = 20_000;
/// In at most so many batches.
const BATCHES_MAX: usize = 4096;
/// Timeout of the join, for a write under way.
const JOIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval at which a thread without work looks for the stop.
const STEP: Duration = Duration::from_millis(20);

/// How two models compare.
#[derive(Debug, Default)]
pub struct Compared {
    /// Requests that both have scored.
    pub compared: Counter,
    /// Of these, those of which both hold the same class most probable.
    pub agreed: Counter,
    /// The sum of the absolute differences of their probabilities, in millionths.
    pub change_millionths: Counter,
    /// Requests that the shadow did not get, or lost.
    pub dropped: Counter,
    /// What the store has acknowledged.
    pub landed: Counter,
}

/// Requests that were answered, on their way to the shadow.
struct Batch<D: Domain> {
    shadow: Arc<dyn Scorer<D>>,
    current: ModelVersion,
    requests: Vec<D::Request>,
    answered: Vec<D::Score>,
}

/// Where the workers of a process leave what the shadow is to score.
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
    /// Leaves copies here, if there is room (rule 2).
    pub(super) fn offer(
        &self,
        shadow: &Arc<dyn Scorer<D>>,
        current: &ModelVersion,
        requests: &[D::Request],
        scores: &[D::Score],
    ) {
        let dropped = &self.counters.shadow.dropped;
        // Several workers may find the same room: the bound is then passed by a batch each, at most.
        if self.waiting.load(Ordering::Relaxed) + requests.len() > WAITING_MAX {
            return dropped.add(requests.len());
        }
        self.waiting.fetch_add(requests.len(), Ordering::Relaxed);
        let (shadow, current) = (Arc::clone(shadow), current.clone());
        let batch = Batch { shadow, current, requests: requests.to_vec(), answered: scores.to_vec() };
        if self.batches.try_send(batch).is_err() {
            self.waiting.fetch_sub(requests.len(), Ordering::Relaxed);
            dropped.add(requests.len());
        }
    }
}

/// The thread of the shadow. Dropping this worker_io it.
pub(super) struct Shadow {
    stop: Stop,
    thread: Thread,
}

impl Shadow {
    /// Starts the thread; it waits until there is a shadow.
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
        self.stop.ask();
        self.thread.join(JOIN_TIMEOUT);
    }
}

/// What the thread has.
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
            let first = self.queue.recv_timeout(STEP);
            if self.stop.asked() {
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
        let Batch { shadow, current, requests, answered } = batch;
        let (mut scores, asked) = (Vec::with_capacity(requests.len()), requests.len());
        shadow.score(&requests, &mut scores);
        let counters = &self.counters.shadow;
        if scores.len() != asked {
            // It cannot be told which score is of which request.
            return counters.dropped.add(asked);
        }
        let (first, scored_at) = (rows.len(), clock::now());
        rows.extend(requests.into_iter().zip(scores).zip(answered).map(|((request, score), answered)| {
            let answer = Answer { request, score, model: shadow.version().clone(), scored_at };
            ShadowAnswer { answer, current: current.clone(), answered }
        }));
        let compared = rows.get(first..).unwrap_or_default();
        counters.compared.add(compared.len());
        counters.agreed.add(compared.iter().filter(|row| row.agrees()).count());
        let change: f64 = compared.iter().map(ShadowAnswer::change).sum();
        counters.change_millionths.add((change * 1e6) as usize);
    }

    /// Writes until the store has acknowledged, or it is time to stop (rule 3).
    fn write(&mut self, rows: &[ShadowAnswer<D>]) {
        if rows.is_empty() {
            return;
        }
        let Work { store, writer, .. } = self;
        let landed = self.health.retry(&self.stop, || {
            let writer = match &mut *writer {
                Some(writer) => writer,
                none => none.insert(store.shadows()?),
            };
            Ok(rows.len() - writer.write(rows)?.len())
        });
        let landed = landed.unwrap_or_default();
        self.counters.shadow.landed.add(landed);
        self.counters.shadow.dropped.add(rows.len() - landed);
    }
}
