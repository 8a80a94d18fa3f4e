//! The writing thread: group commit, checkpoints, retention.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, mpsc::RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior, config::DbConfig};

use super::{
    checkpoint::{Checkpointer, WalStats},
    error::{is_busy, unavailable},
    groups,
    identity::{self, Identity},
    notify::Notifiers,
    queue::{WaitingOps, WriteOp, WriteQueue, queue},
    retention,
    schema::WRITE_BUSY,
};
use crate::{
    clock::{Clock, SystemClock},
    delivery::Unavailable,
    runtime::{Backoff, Thread},
};

/// Upper bound on the bytes of a transaction: more would delay the commit of every operation in it.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// Interval at which idle consumer groups are looked for.
const GROUPS_EVERY: Duration = Duration::from_secs(600);

type Group = Vec<Box<dyn WriteOp>>;

/// Starts the writing thread around a connection.
pub(super) fn start(
    connection: Connection,
    identity: &Arc<Identity>,
    notifiers: &Arc<Notifiers>,
    wal_stats: &Arc<WalStats>,
) -> io::Result<(WriteQueue, Thread)> {
    let path = identity.path().to_owned();
    let (queue, waiting) = queue(path.clone());
    let mut thread = WriterThread {
        connection,
        path,
        waiting,
        notifiers: Arc::clone(notifiers),
        checkpointer: Checkpointer::new(identity, Arc::clone(wal_stats)),
        identity: Arc::clone(identity),
        loss: Loss::None,
        check_at: Instant::now(),
        sweep_at: Instant::now() + retention::SWEEP_EVERY,
        groups_at: Instant::now() + retention::SWEEP_EVERY,
        reminders: groups::Reminders::default(),
    };
    Ok((queue, Thread::spawn("sqlite-write", move || thread.run())?))
}

/// The writing thread's state.
struct WriterThread {
    connection: Connection,
    path: PathBuf,
    waiting: WaitingOps,
    notifiers: Arc<Notifiers>,
    checkpointer: Checkpointer,
    /// After the connection, so that its descriptors are closed after it.
    identity: Arc<Identity>,
    loss: Loss,
    check_at: Instant,
    sweep_at: Instant,
    groups_at: Instant,
    reminders: groups::Reminders,
}

/// Progress of the thread in handling a lost file: its path names it no longer.
enum Loss {
    /// It is not lost.
    None,
    /// The content of a deleted `-wal` is not yet in the file.
    Rescuing,
    /// Nothing is left to do.
    Final,
}

impl WriterThread {
    fn run(&mut self) {
        loop {
            let next = self.check_at.min(self.sweep_at).saturating_duration_since(Instant::now());
            match self.waiting.ops.recv_timeout(next) {
                Ok(first) => {
                    let group = self.waiting.take(first, GROUP_BYTES_MAX);
                    self.commit(group);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    // Closing the connection differs for a file that is lost.
                    self.check_at = Instant::now();
                    return self.check_identity();
                }
            }
            self.check_identity();
            if matches!(self.loss, Loss::None) {
                self.checkpointer.run_if_due(&self.connection, &self.path);
                self.housekeep();
            }
        }
    }

    /// Compares the file with its path every second, and handles its loss.
    fn check_identity(&mut self) {
        let now = Instant::now();
        if now < self.check_at && (self.identity.lost().is_none() || !matches!(self.loss, Loss::None)) {
            return;
        }
        self.check_at = now + identity::CHECK_EVERY;
        match self.loss {
            Loss::None => {
                // An error fails this check alone, and no commit: the next check follows.
                let _ = self.identity.check();
                if self.identity.lost().is_some() {
                    self.lose();
                }
            }
            Loss::Rescuing => self.rescue(),
            // Nothing else happens in a lost file.
            Loss::Final => self.sweep_at = self.check_at,
        }
    }

    fn lose(&mut self) {
        // Closing would write into the file that is now at the path, and remove its -wal and -shm by name.
        if let Err(error) = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::warn!("{}", unavailable(&error, &self.path));
        }
        self.sweep_at = self.check_at;
        self.loss = Loss::Rescuing;
        self.notifiers.notify();
        self.rescue();
    }

    /// Writes what a deleted `-wal` holds, which is open here, into the file, which is still in its place.
    fn rescue(&mut self) {
        self.sweep_at = self.check_at;
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
            // A reader blocks it.
            Ok(_) => {}
            Err(error) if is_busy(&error) => {}
            Err(error) => {
                tracing::error!("the deleted -wal of {path} cannot be written into the file: {error}");
                self.loss = Loss::Final;
            }
        }
    }

    fn housekeep(&mut self) {
        let now = Instant::now();
        if self.checkpointer.check_space().is_err() {
            self.sweep_at = self.sweep_at.max(now + identity::CHECK_EVERY);
        } else if now >= self.sweep_at {
            self.sweep();
        }
        if now >= self.groups_at && self.checkpointer.check_space().is_ok() {
            self.groups_at = now + GROUPS_EVERY;
            if let Err(error) = groups::expire(&mut self.connection, &SystemClock.read(), &mut self.reminders) {
                tracing::warn!("cannot look for idle groups: {}", unavailable(&error, &self.path));
            }
        }
    }

    fn commit(&mut self, mut group: Group) {
        let mut backoff = Backoff::new();
        let mut reason = Unavailable::transient(format!("writes to {} take too long", self.path.display()));
        loop {
            let now = Instant::now();
            let (late, waiting): (Group, Group) = group.into_iter().partition(|op| op.deadline() <= now);
            late.into_iter().for_each(|op| op.done(Err(reason.clone())));
            group = waiting;
            if group.is_empty() {
                return;
            }
            // Writing into a file that is lost, or whose log is full, is useless.
            if let Err(error) = self.identity.check_recorded().and_then(|()| self.checkpointer.check_space()) {
                return group.into_iter().for_each(|op| op.done(Err(error.clone())));
            }
            match self.try_commit(&mut group) {
                Ok(()) => break,
                Err(error) => {
                    reason = unavailable(&error, &self.path);
                    if !is_busy(&error) {
                        // SQLite reports a file that was overwritten as damaged.
                        reason = self.identity.check().err().unwrap_or(reason);
                        return group.into_iter().for_each(|op| op.done(Err(reason.clone())));
                    }
                    thread::sleep(backoff.next_pause(false).min(WRITE_BUSY));
                }
            }
        }
        if let Err(error) = self.identity.check_committed() {
            return group.into_iter().for_each(|op| op.done(Err(error.clone())));
        }
        self.notifiers.notify();
        group.into_iter().for_each(|op| op.done(Ok(())));
    }

    fn try_commit(&mut self, group: &mut [Box<dyn WriteOp>]) -> rusqlite::Result<()> {
        // Rolls back when dropped uncommitted.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for op in group {
            op.apply(&transaction)?;
        }
        transaction.commit()
    }

    /// Takes one small step of retention; the next one follows at once if there is more to drop.
    fn sweep(&mut self) {
        let swept = retention::sweep(&mut self.connection, &SystemClock.read(), &retention::Limits::default());
        let pause = match swept {
            Ok(swept) if swept.more => Duration::ZERO,
            Ok(_) => retention::SWEEP_EVERY,
            Err(error) => {
                tracing::warn!("cannot drop what is old: {}", unavailable(&error, &self.path));
                retention::SWEEP_EVERY
            }
        };
        self.sweep_at = Instant::now() + pause;
    }
}
