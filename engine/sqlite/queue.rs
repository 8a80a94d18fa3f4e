//! The queue of write operations, in front of the writing thread.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::delivery::Unavailable;

/// Upper bound on the write operations that wait for the writing thread.
pub const WRITE_OPS_MAX: usize = 16_384;
/// Upper bound on the bytes that wait for the writing thread; one operation may be larger.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Every write operation is committed, or has failed, within this time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// A write operation: one part of a group commit.
pub(crate) trait WriteOp: Send {
    /// Returns about how much memory it takes while it waits.
    fn bytes(&self) -> usize;

    /// Returns the moment by which it must have been committed, or fails.
    fn deadline(&self) -> Instant;

    /// Makes the change inside a transaction; again, after the transaction was rolled back. An error fails all
    /// operations of the transaction, so it is for what is wrong with the database, never with one row.
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()>;

    /// Called exactly once: the change is durable, or it was not made, or it was made in a file that is no longer the
    /// database (see [`super::identity`]). Must not block.
    fn done(self: Box<Self>, outcome: Result<(), Unavailable>);
}

/// The sending half.
pub(super) struct WriteQueue {
    ops: Option<SyncSender<Box<dyn WriteOp>>>,
    bytes: Arc<AtomicUsize>,
    path: PathBuf,
}

/// The receiving half, of the writing thread.
pub(super) struct WaitingOps {
    pub(super) ops: Receiver<Box<dyn WriteOp>>,
    bytes: Arc<AtomicUsize>,
}

/// Returns both halves of the queue of the database at `path`.
pub(super) fn queue(path: PathBuf) -> (WriteQueue, WaitingOps) {
    let (sender, ops) = sync_channel(WRITE_OPS_MAX);
    let bytes = Arc::new(AtomicUsize::new(0));
    let waiting = WaitingOps { ops, bytes: Arc::clone(&bytes) };
    (WriteQueue { ops: Some(sender), bytes, path }, waiting)
}

impl WriteQueue {
    /// Hands an operation over, or fails it.
    pub(super) fn submit(&self, op: Box<dyn WriteOp>) {
        let bytes = op.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let path = self.path.display();
        let (op, error) = if before > 0 && before + bytes > QUEUE_BYTES_MAX {
            (op, Unavailable::transient(format!("{QUEUE_BYTES_MAX} bytes wait to be written to {path}")))
        } else {
            match self.ops.as_ref().map(|ops| ops.try_send(op)) {
                Some(Ok(())) | None => return,
                Some(Err(TrySendError::Full(op))) => {
                    (op, Unavailable::transient(format!("{WRITE_OPS_MAX} changes wait to be written to {path}")))
                }
                Some(Err(TrySendError::Disconnected(op))) => {
                    (op, Unavailable::needs_operator(format!("the thread that writes {path} is gone: restart")))
                }
            }
        };
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        op.done(Err(error));
    }

    /// Closes the queue: the thread ends after the operations that wait.
    pub(super) fn close(&mut self) {
        self.ops = None;
    }
}

impl WaitingOps {
    /// Takes `first` and the operations behind it, until they have about `bytes_max`.
    pub(super) fn take(&self, first: Box<dyn WriteOp>, bytes_max: usize) -> Vec<Box<dyn WriteOp>> {
        let mut bytes = first.bytes();
        let mut group = vec![first];
        while bytes < bytes_max
            && let Ok(op) = self.ops.try_recv()
        {
            bytes += op.bytes();
            group.push(op);
        }
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        group
    }
}
