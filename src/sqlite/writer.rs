//! The writing thread: group commit.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};

use super::{bell::Bells, fault, retention, schema};
use crate::{
    background::Thread,
    clock::{Clock, SystemClock},
    delivery::{Backoff, Unavailable},
};

/// At most this many changes wait for the writing thread.
pub const CHANGES_MAX: usize = 16_384;
/// At most this many bytes wait for the writing thread (or one change, if it is larger).
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// A transaction takes no further change beyond this many bytes, so that nobody waits long for their commit.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// How long one try waits for another process's lock.
pub(super) const WRITE_BUSY: Duration = Duration::from_millis(250);
/// After a checkpoint that a reader was in the way of, the next is tried after this time.
const CHECKPOINT_PAUSE: Duration = Duration::from_secs(1);

/// What somebody wants to have written.
pub(crate) trait Change: Send {
    /// About how much memory it takes while it waits.
    fn bytes(&self) -> usize;

    /// When it must have been committed, or fails.
    fn deadline(&self) -> Instant;

    /// Makes the change inside a transaction; again, after the transaction was rolled back. An error fails all
    /// changes of the transaction, so it is for what is wrong with the database, never with one row.
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// Called exactly once: the change is durable, or it was not made. Must not block.
    fn done(self: Box<Self>, outcome: Result<(), Unavailable>);
}

type Group = Vec<Box<dyn Change>>;

/// The near end of the writing thread.
pub(super) struct Queue {
    changes: Option<SyncSender<Box<dyn Change>>>,
    bytes: Arc<AtomicUsize>,
    path: PathBuf,
}

impl Queue {
    /// Hands a change over, or fails it.
    pub(super) fn submit(&self, change: Box<dyn Change>) {
        let bytes = change.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let path = self.path.display();
        let (change, error) = if before > 0 && before + bytes > QUEUE_BYTES_MAX {
            (change, Unavailable::transient(format!("{QUEUE_BYTES_MAX} bytes wait to be written to {path}")))
        } else {
            match self.changes.as_ref().map(|changes| changes.try_send(change)) {
                Some(Ok(())) | None => return,
                Some(Err(TrySendError::Full(change))) => {
                    (change, Unavailable::transient(format!("{CHANGES_MAX} changes wait to be written to {path}")))
                }
                Some(Err(TrySendError::Disconnected(change))) => {
                    (change, Unavailable::needs_operator(format!("the thread that writes {path} is gone: restart")))
                }
            }
        };
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        change.done(Err(error));
    }

    /// Takes nothing more; the thread ends after what waits.
    pub(super) fn close(&mut self) {
        self.changes = None;
    }
}

/// Starts the writing thread around a connection.
pub(super) fn start(connection: Connection, path: &Path, bells: &Arc<Bells>) -> io::Result<(Queue, Thread)> {
    let (changes, queue) = sync_channel(CHANGES_MAX);
    let bytes = Arc::new(AtomicUsize::new(0));
    let mut scribe = Scribe {
        connection,
        path: path.to_owned(),
        wal: wal_of(path),
        queue,
        bytes: Arc::clone(&bytes),
        bells: Arc::clone(bells),
        sweep_at: Instant::now() + retention::SWEEP_EVERY,
        checkpoint_at: Instant::now(),
    };
    let worker = Thread::start("sqlite-write", move || scribe.run())?;
    Ok((Queue { changes: Some(changes), bytes, path: path.to_owned() }, worker))
}

/// SQLite's own name for the write-ahead log.
fn wal_of(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

/// The writing thread's state.
struct Scribe {
    connection: Connection,
    path: PathBuf,
    wal: PathBuf,
    queue: Receiver<Box<dyn Change>>,
    bytes: Arc<AtomicUsize>,
    bells: Arc<Bells>,
    sweep_at: Instant,
    checkpoint_at: Instant,
}

impl Scribe {
    fn run(&mut self) {
        loop {
            match self.queue.recv_timeout(self.sweep_at.saturating_duration_since(Instant::now())) {
                Ok(first) => {
                    let group = self.take(first);
                    self.commit(group);
                    self.bound_wal();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= self.sweep_at {
                self.sweep();
            }
        }
    }

    /// All that waits, up to the bound.
    fn take(&self, first: Box<dyn Change>) -> Group {
        let mut bytes = first.bytes();
        let mut group = vec![first];
        while bytes < GROUP_BYTES_MAX
            && let Ok(change) = self.queue.try_recv()
        {
            bytes += change.bytes();
            group.push(change);
        }
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        group
    }

    fn commit(&mut self, mut group: Group) {
        let mut backoff = Backoff::new();
        let mut reason = Unavailable::transient(format!("writes to {} take too long", self.path.display()));
        loop {
            let now = Instant::now();
            let (late, waiting): (Group, Group) = group.into_iter().partition(|change| change.deadline() <= now);
            late.into_iter().for_each(|change| change.done(Err(reason.clone())));
            group = waiting;
            if group.is_empty() {
                return;
            }
            match self.try_commit(&mut group) {
                Ok(()) => break,
                Err(error) => {
                    reason = fault::unavailable(&error, &self.path);
                    if !fault::is_busy(&error) {
                        return group.into_iter().for_each(|change| change.done(Err(reason.clone())));
                    }
                    std::thread::sleep(backoff.next_pause(false).min(WRITE_BUSY));
                }
            }
        }
        self.bells.ring();
        group.into_iter().for_each(|change| change.done(Ok(())));
    }

    fn try_commit(&mut self, group: &mut Group) -> rusqlite::Result<()> {
        // Rolls back when dropped uncommitted.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for change in group {
            change.apply(&transaction)?;
        }
        transaction.commit()
    }

    /// A checkpoint that runs by itself leaves the log long if a reader was at it; this one waits for readers.
    fn bound_wal(&mut self) {
        let now = Instant::now();
        let long = || fs::metadata(&self.wal).is_ok_and(|wal| wal.len() > schema::WAL_BYTES_MAX);
        if now < self.checkpoint_at || !long() {
            return;
        }
        self.checkpoint_at = now + CHECKPOINT_PAUSE;
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!("cannot cut the write-ahead log: {}", fault::unavailable(&error, &self.path));
        }
    }

    /// One small step of housekeeping; if there is more to do, the next follows after what waits.
    fn sweep(&mut self) {
        let swept = retention::sweep(&mut self.connection, &SystemClock.read(), &retention::Limits::default());
        let pause = match swept {
            Ok(swept) if swept.more => Duration::ZERO,
            Ok(_) => retention::SWEEP_EVERY,
            Err(error) => {
                tracing::warn!("cannot drop what is old: {}", fault::unavailable(&error, &self.path));
                retention::SWEEP_EVERY
            }
        };
        self.sweep_at = Instant::now() + pause;
    }
}
