//! The embedded database: log and store in one SQLite file, the default where no Kafka and no MongoDB is configured.
//!
//! ```text
//!  producers ──▶ ┌─────────────┐   one thread a process and file:           ┌────────┐
//!  store writers │ queue of    │   all that waits → one transaction → fsync │ file + │
//!  commits ────▶ │ changes     │──────────────────────────────────────────▶ │  WAL   │
//!                └─────────────┘   then each change is acknowledged         └────────┘
//!  readers ◀── own thread and connection, nothing held open ◀── bells ◀── commit here │ `data_version` elsewhere
//! ```
//!
//! # The rules, each with a test
//!
//! 1. A file has one writing thread a process, however often it is opened; several processes may share the file.
//! 2. Group commit: all changes that wait go into one `BEGIN IMMEDIATE` transaction, synced to disk at its commit, and
//!    each is acknowledged after that, exactly once. A change whose deadline passes before its turn is not made, and told
//!    so. (The writing thread keeps the deadlines: while a disk hangs inside a sync, so do they.)
//! 3. A lock held by another process is waited for within the deadlines; a full disk or an I/O error fails the changes
//!    of that group, and those after it are tried again.
//! 4. A thread that waits for news is woken by a commit of the same process at once, and by one of another process
//!    within 10 ms.
//! 5. Nothing grows without bound: the queue ([`CHANGES_MAX`], [`QUEUE_BYTES_MAX`]), the write-ahead log, and the
//!    tables, as [`retention`] says. A checkpoint cuts the log back beyond [`WAL_BYTES_MAX`]. A process that keeps a
//!    read transaction open prevents that: it is named in the log and counted, and at [`WAL_BYTES_STOP`] each change
//!    fails with the reason until it is gone. The file itself keeps its largest size; pages freed in it are used
//!    again.
//! 6. A file of another application, of another version, on a network file system, or damaged is refused with a reason.
//! 7. When the last handle is dropped, what waits is still committed, and all threads end. The last process to close
//!    the file writes its log into it and removes the log.
//! 8. The file is what its path names: device and inode of it, of its `-wal` and of its `-shm` are compared with the
//!    path's every second and before an acknowledgement. Once they differ nothing is acknowledged and nothing is read
//!    in this process; if only the `-wal` was deleted, its content is written into the file. A `-wal` without its
//!    file is refused.
//! 9. Inspection ([`Inspector`]) creates and changes nothing. What a crash has left in the log is told at the next
//!    opening: commits that are recovered, an incomplete one, and damage.
//! 10. A consumer group that commits nothing for [`GROUP_AGE_MAX`] of elapsed time expires, unless it is the last of
//!     its topic to have committed or a process reads for it. It is named in the log before, and can be removed.

mod bell;
mod checkpoint;
mod fault;
mod groups;
mod holders;
mod identity;
mod inspect;
mod look;
mod open;
mod place;
mod readers;
pub mod retention;
mod rows;
mod schema;
mod vitals;
mod wal;
mod watcher;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

pub use checkpoint::{WAL_BYTES_MAX, WAL_BYTES_STOP};
pub use groups::{GROUP_AGE_MAX, Group, Kept};
pub use inspect::{Committed, Inspector, StoredDeadLetter, Tally};
pub use open::{OpenError, close};
pub use vitals::{Vitals, vitals};
pub use writer::{CHANGES_MAX, QUEUE_BYTES_MAX};

pub(crate) use crate::clock::now_ms;
pub(crate) use bell::Bell;
pub(crate) use fault::{refuses_row, unavailable};
pub(crate) use groups::remove as remove_group;
pub(crate) use readers::Registration;
pub(crate) use rows::{Row, RowWriter};
pub(crate) use writer::Change;

use crate::{
    delivery::Unavailable,
    runtime::{JOIN_TIMEOUT, Mutex, Thread},
};

/// Every change is committed, or has failed, within this time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
/// A reading connection waits this long for a lock; readers meet one only while a crashed process's log is recovered.
const READ_BUSY: Duration = Duration::from_secs(2);

/// An open database: the handle that logs and stores share. Dropping the last one ends its threads.
pub(crate) struct Database {
    path: PathBuf,
    queue: writer::Queue,
    bells: Arc<bell::Bells>,
    writer: Thread,
    watcher: Mutex<Option<Thread>>,
    measured: Arc<checkpoint::Measured>,
    /// Its descriptors are closed after the last connection.
    identity: Arc<identity::Identity>,
}

impl Database {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection to read with. Whoever has it keeps no statement and no transaction open between uses, so that
    /// checkpoints can finish. It asks [`Database::intact`] before each use.
    pub(crate) fn connect(&self) -> Result<Connection, Unavailable> {
        self.identity.check()?;
        let connection = schema::connect(&self.path, READ_BUSY).map_err(|error| unavailable(&error, &self.path))?;
        self.identity.check()?;
        Ok(connection)
    }

    /// Fails once the path no longer names the file that is open: what is read from it is not what is there. Costs an
    /// atomic load.
    pub(crate) fn intact(&self) -> Result<(), Unavailable> {
        self.identity.known()
    }

    /// Hands a change to the writing thread; returns at once. If the queue is full, the change fails at once.
    pub(crate) fn submit(&self, change: Box<dyn Change>) {
        self.queue.submit(change);
    }

    /// Makes a change of about this many bytes and waits for it, [`DEADLINE`] and little more.
    pub(crate) fn change<T, F>(&self, bytes: usize, apply: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, made) = sync_channel(1);
        self.submit(Box::new(Call { bytes, deadline: Instant::now() + DEADLINE, apply, made: None, reply }));
        // The writing thread keeps the deadline itself, unless the disk hangs under it.
        made.recv_timeout(DEADLINE + Duration::from_secs(1)).unwrap_or_else(|_| {
            Err(Unavailable::transient(format!("{} does not answer: is its disk stuck?", self.path.display())))
        })
    }

    /// Rings this bell from now on after each commit that may matter to readers, for as long as it lives.
    pub(crate) fn listen(&self, bell: &Arc<Bell>) -> Result<(), Unavailable> {
        self.bells.add(bell);
        let mut watcher = self.watcher.lock();
        if watcher.is_none() {
            let started = watcher::start(self.connect()?, &self.path, &self.bells);
            *watcher =
                Some(started.map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?);
        }
        Ok(())
    }
}

/// A change that somebody waits for.
struct Call<T, F> {
    bytes: usize,
    deadline: Instant,
    apply: F,
    made: Option<T>,
    reply: SyncSender<Result<T, Unavailable>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Change for Call<T, F> {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.made = Some((self.apply)(connection)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        let Call { made, reply, .. } = *self;
        // Who asked may have given up waiting.
        let _ = reply.try_send(outcome.and_then(|()| {
            made.ok_or_else(|| Unavailable::needs_operator("a change was committed before it was made: a defect"))
        }));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // One after the other: of two connections that close at the same moment each takes the other for one that stays,
        // and neither empties the write-ahead log into the file.
        self.bells.close();
        let watcher = self.watcher.get_mut();
        if let Some(watcher) = watcher {
            watcher.join(JOIN_TIMEOUT);
        }
        self.queue.close();
        self.writer.join(JOIN_TIMEOUT);
    }
}

#[cfg(test)]
mod tests;
