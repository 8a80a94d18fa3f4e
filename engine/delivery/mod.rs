//! Delivery: rows go to a writer on its own thread, which retries until the store has acknowledged.
//!
//! A timely worker must never block, and a store may be slow. So a sink [`Delivery::submit`]s batches with a token, and
//! [`Delivery::poll`] returns the tokens that are settled. The rules, each with a test:
//!
//! 1. A token is settled once its rows are durable or refused for good; never before, and exactly once.
//! 2. A store that is down is retried with backoff and jitter, without a limit; nothing is dropped.
//! 3. Rows that the store refuses for good are returned with the reason, and delay no other row.
//! 4. Waiting batches are written together, up to [`ROWS_PER_WRITE_MAX`].
//! 5. The queue is bounded: by [`BATCHES_MAX`] batches here, and by the bound on records in flight upstream.

mod health;

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel},
};

pub use health::{Health, Waiting};

use crate::runtime::{Stop, Thread, retry};

/// Upper bound on the rows of one write.
pub const ROWS_PER_WRITE_MAX: usize = 4096;
/// Upper bound on the batches that wait for a writer.
pub const BATCHES_MAX: usize = 1 << 15;

/// Makes rows durable. Blocks, with a deadline on every call.
pub trait Writer<T>: Send {
    /// Makes all rows durable except those that it returns, which are refused for good. After an error any of the rows
    /// may be durable; writing them again must be harmless.
    fn write(&mut self, rows: &[T]) -> Result<Vec<Refusal>, Unavailable>;
}

/// A row that the store will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The index of the row in the write.
    pub row: usize,
    /// The reason.
    pub reason: String,
}

/// A log or store that cannot serve now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unavailable {
    /// The cause, and the place of the failure.
    pub reason: String,
    /// True if only an operator can repair it (a wrong password, a foreign schema): it is retried, but slowly.
    pub needs_operator: bool,
}

impl Unavailable {
    /// Returns an outage that is expected to pass.
    pub fn transient(reason: impl ToString) -> Self {
        Unavailable { reason: reason.to_string(), needs_operator: false }
    }

    /// Returns an outage that only an operator can repair.
    pub fn needs_operator(reason: impl ToString) -> Self {
        Unavailable { reason: reason.to_string(), needs_operator: true }
    }
}

/// A settled batch.
#[derive(Debug)]
pub struct Settled<T> {
    /// The token of the batch.
    pub token: u64,
    /// Number of its rows that are durable.
    pub landed: usize,
    /// The other rows.
    pub refused: Vec<Refused<T>>,
}

/// A row that was refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<T> {
    /// Its index in the batch as it was submitted.
    pub index: usize,
    /// The row.
    pub row: T,
    /// The reason.
    pub reason: String,
}

/// The writer thread has ended while batches were waiting for it: a defect, after which nothing can land.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the writer thread {0} has ended")]
pub struct WriterGone(pub String);

struct Batch<T> {
    token: u64,
    rows: Vec<T>,
}

/// The handle of a writer thread. Dropping it ends the thread, after the write in progress.
pub struct Delivery<T> {
    name: String,
    batches: SyncSender<Batch<T>>,
    settled: Receiver<Settled<T>>,
    stop: Stop,
}

impl<T: Send + 'static> Delivery<T> {
    /// Starts a thread called `name` around `writer`. `wake` is called after something has settled, and
    /// when the thread has ended.
    pub fn start(
        name: &str,
        writer: Box<dyn Writer<T>>,
        wake: impl Fn() + Send + 'static,
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (batches, queue) = sync_channel(BATCHES_MAX);
        // Bounded by the batches submitted and not yet settled.
        let (report, settled) = channel();
        let stop = Stop::default();
        let stopped = stop.clone();
        let run = move || {
            // Dropped after the worker, so that the woken thread finds it gone.
            let wake = WakeOnDrop(wake);
            Worker { writer, queue, report, wake: &wake.0, health, stop: stopped }.run();
        };
        Thread::spawn(name, run)?;
        Ok(Delivery { name: name.to_owned(), batches, settled, stop })
    }

    /// Queues a batch; returns at once.
    pub fn submit(&mut self, token: u64, rows: Vec<T>) -> Result<(), WriterGone> {
        match self.batches.try_send(Batch { token, rows }) {
            Ok(()) => Ok(()),
            // The bound on records in flight is smaller than the queue, so only a dead thread's queue is full.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(WriterGone(self.name.clone())),
        }
    }

    /// Returns the next settled batch, if there is one.
    pub fn poll(&mut self) -> Result<Option<Settled<T>>, WriterGone> {
        match self.settled.try_recv() {
            Ok(settled) => Ok(Some(settled)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(WriterGone(self.name.clone())),
        }
    }
}

impl<T> Drop for Delivery<T> {
    fn drop(&mut self) {
        self.stop.request();
    }
}

/// Wakes once more when the thread ends, also by a panic: a sink that waits for a batch would not poll again by itself.
struct WakeOnDrop<W: Fn()>(W);

impl<W: Fn()> Drop for WakeOnDrop<W> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The writer thread's state.
struct Worker<'a, T, W> {
    writer: Box<dyn Writer<T>>,
    queue: Receiver<Batch<T>>,
    report: std::sync::mpsc::Sender<Settled<T>>,
    wake: &'a W,
    health: Arc<Health>,
    stop: Stop,
}

impl<T, W: Fn()> Worker<'_, T, W> {
    fn run(&mut self) {
        while let Ok(first) = self.queue.recv() {
            let (mut rows, mut parts) = (first.rows, Vec::new());
            parts.push((first.token, rows.len()));
            while rows.len() < ROWS_PER_WRITE_MAX
                && let Ok(batch) = self.queue.try_recv()
            {
                parts.push((batch.token, batch.rows.len()));
                rows.extend(batch.rows);
            }
            let Some(refusals) = self.write_until_done(&rows) else { return };
            self.settle(rows, &parts, refusals);
            (self.wake)();
        }
    }

    /// Writes rows until they are durable or refused; `None` if the handle is dropped during a pause.
    fn write_until_done(&mut self, rows: &[T]) -> Option<Vec<Refusal>> {
        let (writer, health) = (&mut self.writer, &self.health);
        let write = || writer.write(rows).inspect(|_| health.serving());
        retry(&self.stop, write, |error| {
            health.waiting(error);
            error.needs_operator
        })
    }

    fn settle(&self, rows: Vec<T>, parts: &[(u64, usize)], mut refusals: Vec<Refusal>) {
        refusals.sort_by_key(|refusal| refusal.row);
        let mut refusals = refusals.into_iter().peekable();
        let mut rows = rows.into_iter().enumerate();
        for &(token, len) in parts {
            let mut refused = Vec::new();
            for (index, (position, row)) in rows.by_ref().take(len).enumerate() {
                if let Some(refusal) = refusals.next_if(|refusal| refusal.row == position) {
                    refused.push(Refused { index, row, reason: refusal.reason });
                }
            }
            // After the handle was dropped, there is no receiver.
            let _ = self.report.send(Settled { token, landed: len - refused.len(), refused });
        }
    }
}

#[cfg(test)]
mod tests;
