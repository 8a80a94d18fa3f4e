//! The handle of an open database: connections to read with, writes through the queue, and writers of rows.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    checkpoint::WalStats,
    error::{refuses_row, unavailable},
    identity::Identity,
    notify::{Notifier, Notifiers, start_watcher},
    queue::{DEADLINE, WriteOp, WriteQueue},
    schema::{self, READ_BUSY},
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    runtime::{JOIN_TIMEOUT, Mutex, Thread},
};

/// Upper bound on the bytes of a part, each written by one operation; one row may be larger.
const PART_BYTES_MAX: usize = 8 << 20;

/// An open database: the handle that logs and stores share. Dropping the last one ends its threads.
pub(crate) struct Database {
    pub(super) path: PathBuf,
    pub(super) queue: WriteQueue,
    pub(super) notifiers: Arc<Notifiers>,
    pub(super) writer: Thread,
    pub(super) watcher: Mutex<Option<Thread>>,
    pub(super) wal_stats: Arc<WalStats>,
    /// Its descriptors are closed after the last connection.
    pub(super) identity: Arc<Identity>,
}

impl Database {
    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection to read with. Its user keeps no statement and no transaction open between uses, so that
    /// checkpoints can finish, and calls [`Database::intact`] before each use.
    pub(crate) fn connect(&self) -> Result<Connection, Unavailable> {
        self.identity.check()?;
        let connection = schema::connect(&self.path, READ_BUSY).map_err(|error| unavailable(&error, &self.path))?;
        self.identity.check()?;
        Ok(connection)
    }

    /// Fails once the path no longer names the file that is open: its content is not that of the path. Costs an atomic
    /// load.
    pub(crate) fn intact(&self) -> Result<(), Unavailable> {
        self.identity.check_recorded()
    }

    /// Hands an operation to the writing thread; returns at once. If the queue is full, the operation fails at once.
    pub(crate) fn submit(&self, op: Box<dyn WriteOp>) {
        self.queue.submit(op);
    }

    /// Makes a change of about this many bytes and waits for its commit, a little longer than [`DEADLINE`].
    pub(crate) fn write<T, F>(&self, bytes: usize, apply: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, result) = sync_channel(1);
        self.submit(Box::new(BlockingWrite { bytes, deadline: Instant::now() + DEADLINE, apply, value: None, reply }));
        // The writing thread keeps the deadline, unless its disk hangs.
        result.recv_timeout(DEADLINE + Duration::from_secs(1)).unwrap_or_else(|_| {
            Err(Unavailable::transient(format!("{} does not answer: is its disk stuck?", self.path.display())))
        })
    }

    /// Notifies after each commit from now on, of this and of other processes, until the notifier is dropped.
    pub(crate) fn listen(&self, notifier: &Arc<Notifier>) -> Result<(), Unavailable> {
        self.notifiers.add(notifier);
        let mut watcher = self.watcher.lock();
        if watcher.is_none() {
            let started = start_watcher(self.connect()?, &self.path, &self.notifiers);
            *watcher =
                Some(started.map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?);
        }
        Ok(())
    }
}

/// A write operation that a thread waits for.
struct BlockingWrite<T, F> {
    bytes: usize,
    deadline: Instant,
    apply: F,
    value: Option<T>,
    reply: SyncSender<Result<T, Unavailable>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> WriteOp for BlockingWrite<T, F> {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.value = Some((self.apply)(connection)?);
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        let BlockingWrite { value, reply, .. } = *self;
        // The waiting thread may have given up.
        let _ = reply.try_send(outcome.and_then(|()| {
            value.ok_or_else(|| Unavailable::needs_operator("a change was committed before it was made: a defect"))
        }));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // One after the other: of two connections that close at the same moment, each counts the other as open, and
        // neither writes the log into the file.
        self.notifiers.close();
        let watcher = self.watcher.get_mut();
        if let Some(watcher) = watcher {
            watcher.join(JOIN_TIMEOUT);
        }
        self.queue.close();
        self.writer.join(JOIN_TIMEOUT);
    }
}

/// A row in the form that its table takes.
pub(crate) trait Row: Send + 'static {
    /// Returns about how much memory it takes.
    fn bytes(&self) -> usize;

    /// Inserts it; does nothing if it exists.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()>;
}

/// A [`Writer`] that turns each `T` into a row.
pub(crate) struct RowWriter<F> {
    database: Arc<Database>,
    row_of: F,
}

impl<F> RowWriter<F> {
    /// Returns a writer to this database, of the rows that `row_of` returns.
    pub(crate) fn new(database: &Arc<Database>, row_of: F) -> Self {
        RowWriter { database: Arc::clone(database), row_of }
    }
}

impl<T, R: Row, F: Fn(&T) -> R + Send> Writer<T> for RowWriter<F> {
    fn write(&mut self, rows: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        let (mut refusals, mut part, mut bytes, mut first) = (Vec::new(), Vec::new(), 0, 0);
        for (index, row) in rows.iter().map(&self.row_of).enumerate() {
            bytes += row.bytes();
            part.push(row);
            if bytes >= PART_BYTES_MAX || index + 1 == rows.len() {
                let refused = self.insert(std::mem::take(&mut part), std::mem::take(&mut bytes))?;
                refusals.extend(refused.into_iter().map(|(row, reason)| Refusal { row: first + row, reason }));
                first = index + 1;
            }
        }
        Ok(refusals)
    }
}

impl<F> RowWriter<F> {
    fn insert<R: Row>(&self, part: Vec<R>, bytes: usize) -> Result<Vec<(usize, String)>, Unavailable> {
        self.database.write(bytes, move |connection| {
            let mut refused = Vec::new();
            for (index, row) in part.iter().enumerate() {
                match row.insert(connection) {
                    Err(error) if refuses_row(&error) => refused.push((index, error.to_string())),
                    done => done?,
                }
            }
            Ok(refused)
        })
    }
}
