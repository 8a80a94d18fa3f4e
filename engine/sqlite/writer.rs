//! The writing thread: group commit.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior, config::DbConfig};

use super::{
    bell::Bells,
    checkpoint::{Checkpoints, Measured},
    fault, groups,
    identity::{self, Identity},
    retention,
};
use crate::{
    clock::{Clock, SystemClock},
    delivery::Unavailable,
    runtime::{Backoff, Thread},
};

/// At most this many changes wait for the writing thread.
pub const CHANGES_MAX: usize = 16_384;
/// At most this many bytes wait for the writing thread (or one change, if it is larger).
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// A transaction takes no further change beyond this many bytes, so that nobody waits long for their commit.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// How long one try waits for another process's lock.
pub(super) const WRITE_BUSY: Duration = Duration::from_millis(250);
/// Idle groups are looked for this often.
const GROUPS_EVERY: Duration = Duration::from_secs(600);

/// What somebody wants to have written.
pub(crate) trait Change: Send {
    /// About how much memory it takes while it waits.
    fn bytes(&self) -> usize;

    /// When it must have been committed, or fails.
    fn deadline(&self) -> Instant;

    /// Makes the change inside a transaction; again, after the transaction was rolled back. An error fails all
    /// changes of the transaction, so it is for what is wrong with the database, never with one row.
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// Called exactly once: the change is durable, or it was not made, or it was made in a file that is no longer the
    /// database (see [`identity`]). Must not block.
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
pub(super) fn start(
    connection: Connection,
    identity: &Arc<Identity>,
    bells: &Arc<Bells>,
    measured: &Arc<Measured>,
) -> io::Result<(Queue, Thread)> {
    let (changes, queue) = sync_channel(CHANGES_MAX);
    let bytes = Arc::new(AtomicUsize::new(0));
    let path = identity.path().to_owned();
    let mut scribe = Scribe {
        connection,
        path: path.clone(),
        queue,
        bytes: Arc::clone(&bytes),
        bells: Arc::clone(bells),
        checkpoints: Checkpoints::new(identity, Arc::clone(measured)),
        identity: Arc::clone(identity),
        loss: Loss::None,
        look_at: Instant::now(),
        sweep_at: Instant::now() + retention::SWEEP_EVERY,
        groups_at: Instant::now() + retention::SWEEP_EVERY,
        reminders: groups::Reminders::default(),
    };
    let worker = Thread::spawn("sqlite-write", move || scribe.run())?;
    Ok((Queue { changes: Some(changes), bytes, path }, worker))
}

/// The writing thread's state.
struct Scribe {
    connection: Connection,
    path: PathBuf,
    queue: Receiver<Box<dyn Change>>,
    bytes: Arc<AtomicUsize>,
    bells: Arc<Bells>,
    checkpoints: Checkpoints,
    /// After the connection, so that its descriptors are closed after it.
    identity: Arc<Identity>,
    loss: Loss,
    look_at: Instant,
    sweep_at: Instant,
    groups_at: Instant,
    reminders: groups::Reminders,
}

/// Progress of the thread in handling a file that is lost.
enum Loss {
    /// It is not lost.
    None,
    /// The content of a deleted `-wal` is not yet in the file.
    Rescuing,
    /// There is nothing more to do.
    Final,
}

impl Scribe {
    fn run(&mut self) {
        loop {
            let next = self.look_at.min(self.sweep_at).saturating_duration_since(Instant::now());
            match self.queue.recv_timeout(next) {
                Ok(first) => {
                    let group = self.take(first);
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // Before the connection is closed, which is different for a file that is lost.
                    self.look_at = Instant::now();
                    return self.look();
                }
            }
            self.look();
            if matches!(self.loss, Loss::None) {
                self.checkpoints.turn(&self.connection, &self.path);
                self.housekeep();
            }
        }
    }

    /// Holds the file against its path every second, and does what is left to do once it is lost.
    fn look(&mut self) {
        let now = Instant::now();
        if now < self.look_at && (self.identity.lost().is_none() || !matches!(self.loss, Loss::None)) {
            return;
        }
        self.look_at = now + identity::LOOK_EVERY;
        match self.loss {
            Loss::None => {
                // What fails here is a look, and no commit: the next one follows.
                let _ = self.identity.check();
                if self.identity.lost().is_some() {
                    self.lose();
                }
            }
            Loss::Rescuing => self.rescue(),
            // Nothing else happens here any more.
            Loss::Final => self.sweep_at = self.look_at,
        }
    }

    fn lose(&mut self) {
        // Closing would write into what others may have put at the path, and remove their -wal and -shm by name.
        if let Err(error) = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::warn!("{}", fault::unavailable(&error, &self.path));
        }
        self.sweep_at = self.look_at;
        self.loss = Loss::Rescuing;
        self.bells.ring();
        self.rescue();
    }

    /// Writes what a deleted `-wal` holds, which is open here, into the file, which is still in its place.
    fn rescue(&mut self) {
        self.sweep_at = self.look_at;
        if !self.identity.can_be_rescued() {
            self.loss = Loss::Final;
            return;
        }
        let path = self.path.display();
        let checkpoint = self.connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| {
            Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        match checkpoint {
            Ok((false, frames, written)) if frames == written => {
                tracing::warn!(
                    "what the deleted -wal of {path} held is in the file now: start again, and it is all there"
                );
                self.loss = Loss::Final;
            }
            // A reader is in the way.
            Ok(_) => {}
            Err(error) if fault::is_busy(&error) => {}
            Err(error) => {
                tracing::error!("the deleted -wal of {path} cannot be written into the file: {error}");
                self.loss = Loss::Final;
            }
        }
    }

    fn housekeep(&mut self) {
        let now = Instant::now();
        if self.checkpoints.room().is_err() {
            self.sweep_at = self.sweep_at.max(now + identity::LOOK_EVERY);
        } else if now >= self.sweep_at {
            self.sweep();
        }
        if now >= self.groups_at && self.checkpoints.room().is_ok() {
            self.groups_at = now + GROUPS_EVERY;
            if let Err(error) = groups::expire(&mut self.connection, &SystemClock.read(), &mut self.reminders) {
                tracing::warn!("cannot look for idle groups: {}", fault::unavailable(&error, &self.path));
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
            // Writing into a file that is lost, or whose log is full, helps no one.
            if let Err(error) = self.identity.known().and_then(|()| self.checkpoints.room()) {
                return group.into_iter().for_each(|change| change.done(Err(error.clone())));
            }
            match self.try_commit(&mut group) {
                Ok(()) => break,
                Err(error) => {
                    reason = fault::unavailable(&error, &self.path);
                    if !fault::is_busy(&error) {
                        // A file that was written over is damaged to SQLite.
                        reason = self.identity.check().err().unwrap_or(reason);
                        return group.into_iter().for_each(|change| change.done(Err(reason.clone())));
                    }
                    std::thread::sleep(backoff.next_pause(false).min(WRITE_BUSY));
                }
            }
        }
        if let Err(error) = self.identity.check_committed() {
            return group.into_iter().for_each(|change| change.done(Err(error.clone())));
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
