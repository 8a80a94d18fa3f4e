//! The reader: a thread prefetches into a bounded buffer, and `poll` takes from it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    commit::{RenewGroup, commit_if_due},
    partitions::{PartitionCursor, PartitionState, Shared, Subscription, buffered_bytes},
};
use crate::{
    delivery::{Health, Unavailable},
    log::{Lag, Message, Offsets, PartitionId, Reader, Wake},
    runtime::{Backoff, JOIN_TIMEOUT, Thread},
    sqlite::{DEADLINE, Database, Notifier, Registration, unavailable},
};

/// Interval at which the thread reads without a notification.
const READ_EVERY: Duration = Duration::from_secs(60);

/// The handle of a reading thread. Dropping it ends the thread.
pub(super) struct EmbeddedReader {
    shared: Arc<Shared>,
    thread: Thread,
    topic: i64,
    group: Arc<str>,
    /// Removed before the database is closed.
    _registration: Registration,
    database: Arc<Database>,
}

impl EmbeddedReader {
    pub(super) fn start(
        database: &Arc<Database>,
        subscription: Subscription,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Self, Unavailable> {
        let (topic, group) = (subscription.topic, Arc::clone(&subscription.group));
        let registration = Registration::start(database, topic, &group, subscription.share);
        let notifier = Arc::new(Notifier::default());
        let shared = Arc::new(Shared::new(&notifier));
        let mut prefetcher = Prefetcher {
            connection: database.connect()?,
            database: Arc::clone(database),
            cursor: PartitionCursor::new(subscription),
            shared: Arc::clone(&shared),
            wake,
            health,
        };
        database.listen(&notifier)?;
        let thread = Thread::spawn("sqlite-read", move || prefetcher.run())
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        let database = Arc::clone(database);
        Ok(EmbeddedReader { shared, thread, topic, group, _registration: registration, database })
    }

    /// Returns the number of messages that wait to be polled, and their bytes.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> (usize, usize) {
        let state = self.shared.state();
        (state.buffer.len(), state.bytes)
    }
}

impl Reader for EmbeddedReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
        let mut state = self.shared.state();
        let was_low = state.is_low();
        let count = messages_max.min(state.buffer.len());
        let before = into.len();
        into.extend(state.buffer.drain(..count));
        state.bytes -= into[before..].iter().map(|message| buffered_bytes(&message.payload)).sum::<usize>();
        let (more, low) = (!state.buffer.is_empty(), state.is_low());
        drop(state);
        if low && !was_low {
            self.shared.notifier.notify();
        }
        more
    }

    fn committed(&self) -> Offsets {
        let state = self.shared.state();
        state.partitions.keys().filter_map(|id| Some((*id, state.committed(*id)?))).collect()
    }

    fn commit(&mut self, offsets: &Offsets) {
        self.shared.state().commits.request_larger(offsets);
        self.shared.notifier.notify();
    }

    /// Renews the group, as groups that commit nothing for long expire.
    fn renew(&mut self) {
        self.database.submit(Box::new(RenewGroup {
            topic: self.topic,
            group: Arc::clone(&self.group),
            deadline: Instant::now() + DEADLINE,
        }));
    }

    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let state =
            self.shared.settled.wait_timeout_while(self.shared.state(), limit, |state| !state.commits.is_settled());
        state.commits.close_result()
    }

    fn lag(&self) -> Option<Lag> {
        let state = self.shared.state();
        let lag = |(id, partition): (&PartitionId, &PartitionState)| {
            let committed = state.committed(*id).map_or(partition.start, |offset| offset.0);
            (*id, partition.end.saturating_sub(committed.max(partition.start)))
        };
        Some(state.partitions.iter().map(lag).collect())
    }

    fn exhausted(&self) -> usize {
        let state = self.shared.state();
        if state.is_at_end && state.buffer.is_empty() { state.partitions.len() } else { 0 }
    }
}

impl Drop for EmbeddedReader {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.notifier.notify();
        self.thread.join(JOIN_TIMEOUT);
    }
}

/// The reading thread's state.
struct Prefetcher {
    connection: Connection,
    database: Arc<Database>,
    cursor: PartitionCursor,
    shared: Arc<Shared>,
    wake: Wake,
    health: Arc<Health>,
}

impl Prefetcher {
    fn run(&mut self) {
        let (mut backoff, mut read_at) = (Backoff::new(), Instant::now());
        while !self.shared.state().stop {
            let mut pause = READ_EVERY;
            let mut failure = None;
            if Instant::now() >= read_at {
                let filled = self
                    .database
                    .intact()
                    .and_then(|()| self.fill().map_err(|error| unavailable(&error, self.database.path())));
                match filled {
                    Ok(()) => backoff = Backoff::new(),
                    Err(error) => {
                        read_at = Instant::now() + backoff.next_pause(error.needs_operator);
                        failure = Some(error);
                    }
                }
                let commits = self.shared.state().commits.last_error().cloned();
                match failure.or(commits) {
                    Some(error) => self.health.waiting(&error),
                    None => self.health.serving(),
                }
            }
            if let Some(due) = commit_if_due(&self.database, self.cursor.subscription(), &self.shared) {
                pause = pause.min(due);
            }
            pause = match read_at.saturating_duration_since(Instant::now()) {
                Duration::ZERO => pause,
                wait => pause.min(wait),
            };
            self.shared.notifier.wait(pause);
        }
    }

    /// Reads until the buffer is full or nothing is left.
    fn fill(&mut self) -> rusqlite::Result<()> {
        let partitions = self.cursor.refresh(&self.connection)?.clone();
        // Before their first messages are in the buffer: what is committed is known when one is polled.
        {
            let mut state = self.shared.state();
            state.partitions = partitions;
            state.is_at_end = false;
        }
        loop {
            let Some(room) = self.shared.state().room() else { return Ok(()) };
            let messages = self.cursor.read(&self.connection, room)?;
            if messages.is_empty() {
                self.shared.state().is_at_end = true;
                return Ok(());
            }
            let mut state = self.shared.state();
            if state.stop {
                return Ok(());
            }
            state.bytes += messages.iter().map(|message| buffered_bytes(&message.payload)).sum::<usize>();
            state.buffer.extend(messages);
            drop(state);
            (self.wake)();
        }
    }
}
