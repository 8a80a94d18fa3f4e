//! Reads the log: a thread fills a bounded buffer, and `poll` takes from it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    commits::{Renewal, commit_if_due},
    positions::{PartitionCursor, PartitionState, Room, Source},
};
use crate::{
    delivery::{Health, Unavailable},
    log::{Lag, Message, Offsets, PartitionId, Payload, Reader, Wake, commit_state::CommitState},
    runtime::{Backoff, Condvar, JOIN_TIMEOUT, Mutex, MutexGuard, Thread},
    sqlite::{Bell, DEADLINE, Database, Registration, unavailable},
};

/// A reader holds at most this many messages that were not polled yet,
pub const READ_AHEAD_MESSAGES_MAX: usize = 8192;
/// and at most about this many bytes: one message more, cut as [`Payload`] cuts it.
pub const READ_AHEAD_BYTES_MAX: usize = 16 << 20;
/// A thread that hears nothing looks by itself after this time.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What a message takes in the buffer.
pub(super) fn size(payload: &Payload) -> usize {
    payload.bytes().len() + size_of::<Message>()
}

/// What the thread and the near end share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the thread: something was committed, polled, wanted, or it is time to end.
    bell: Arc<Bell>,
    settled: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    buffer: VecDeque<Message>,
    bytes: usize,
    partitions: BTreeMap<PartitionId, PartitionState>,
    pub(super) commits: CommitState,
    stop: bool,
}

impl State {
    fn room(&self) -> Option<Room> {
        let messages = READ_AHEAD_MESSAGES_MAX.saturating_sub(self.buffer.len());
        let bytes = READ_AHEAD_BYTES_MAX.saturating_sub(self.bytes);
        (messages > 0 && bytes > 0).then_some(Room { messages, bytes })
    }

    /// Whether so much was taken that it pays to read on.
    fn is_low(&self) -> bool {
        self.buffer.len() <= READ_AHEAD_MESSAGES_MAX / 2 && self.bytes <= READ_AHEAD_BYTES_MAX / 2
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Tells who waits for commits that one has ended.
    pub(super) fn commit_ended(&self) {
        self.settled.notify_all();
        self.bell.ring();
    }
}

/// The near end of a reading thread. Dropping it ends the thread.
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
        source: Source,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Self, Unavailable> {
        let (topic, group) = (source.topic, Arc::clone(&source.group));
        let registration = Registration::start(database, topic, &group, source.share);
        let bell = Arc::new(Bell::default());
        let shared = Arc::new(Shared { state: Mutex::default(), bell: Arc::clone(&bell), settled: Condvar::default() });
        let mut prefetcher = Prefetcher {
            connection: database.connect()?,
            database: Arc::clone(database),
            positions: PartitionCursor::new(source),
            shared: Arc::clone(&shared),
            wake,
            health,
        };
        database.listen(&bell)?;
        let thread = Thread::spawn("sqlite-read", move || prefetcher.run())
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        let database = Arc::clone(database);
        Ok(EmbeddedReader { shared, thread, topic, group, _registration: registration, database })
    }

    /// How many messages wait to be polled, and their bytes.
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
        state.bytes -= into[before..].iter().map(|message| size(&message.payload)).sum::<usize>();
        let (more, low) = (!state.buffer.is_empty(), state.is_low());
        drop(state);
        if low && !was_low {
            self.shared.bell.ring();
        }
        more
    }

    fn commit(&mut self, offsets: &Offsets) {
        self.shared.state().commits.request_larger(offsets);
        self.shared.bell.ring();
    }

    /// Groups that commit nothing for long expire: says that this one is read.
    fn renew(&mut self) {
        self.database.submit(Box::new(Renewal {
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
            let committed = state.commits.committed().get(id).map_or(partition.start, |offset| offset.0);
            (*id, partition.end.saturating_sub(committed.max(partition.start)))
        };
        Some(state.partitions.iter().map(lag).collect())
    }
}

impl Drop for EmbeddedReader {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.bell.ring();
        self.thread.join(JOIN_TIMEOUT);
    }
}

/// The reading thread's state.
struct Prefetcher {
    connection: Connection,
    database: Arc<Database>,
    positions: PartitionCursor,
    shared: Arc<Shared>,
    wake: Wake,
    health: Arc<Health>,
}

impl Prefetcher {
    fn run(&mut self) {
        let (mut backoff, mut read_at) = (Backoff::new(), Instant::now());
        while !self.shared.state().stop {
            let mut pause = LOOK_EVERY;
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
            if let Some(due) = commit_if_due(&self.database, self.positions.source(), &self.shared) {
                pause = pause.min(due);
            }
            pause = match read_at.saturating_duration_since(Instant::now()) {
                Duration::ZERO => pause,
                wait => pause.min(wait),
            };
            self.shared.bell.wait(pause);
        }
    }

    /// Reads until the buffer is full or nothing is left.
    fn fill(&mut self) -> rusqlite::Result<()> {
        let partitions = self.positions.refresh(&self.connection)?.clone();
        self.shared.state().partitions = partitions;
        loop {
            let Some(room) = self.shared.state().room() else { return Ok(()) };
            let messages = self.positions.read(&self.connection, room)?;
            if messages.is_empty() {
                return Ok(());
            }
            let mut state = self.shared.state();
            if state.stop {
                return Ok(());
            }
            state.bytes += messages.iter().map(|message| size(&message.payload)).sum::<usize>();
            state.buffer.extend(messages);
            drop(state);
            (self.wake)();
        }
    }
}
