//! The buffer between a reading thread and its handle.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::partitions::{PartitionState, Room};
use crate::{
    log::{Message, PartitionId, commit_state::CommitState},
    runtime::{Condvar, Mutex, MutexGuard},
    sqlite::Notifier,
};

/// Upper bound on the messages in the buffer of a reader.
pub const READ_AHEAD_MESSAGES_MAX: usize = 8192;
/// About the upper bound on their bytes: one message more, cut as [`crate::log::Payload`] cuts it.
pub const READ_AHEAD_BYTES_MAX: usize = 16 << 20;

/// The state that the reading thread and its handle share.
pub(super) struct Shared {
    state: Mutex<ReaderState>,
    /// Wakes the thread: after a commit to the file, a poll, a request to commit, or to end it.
    pub(super) notifier: Arc<Notifier>,
    pub(super) settled: Condvar,
}

/// The buffer, and the progress by partition.
#[derive(Default)]
pub(super) struct ReaderState {
    pub(super) buffer: VecDeque<Message>,
    pub(super) bytes: usize,
    pub(super) partitions: BTreeMap<PartitionId, PartitionState>,
    pub(super) commits: CommitState,
    pub(super) stop: bool,
}

impl ReaderState {
    /// Returns the free space of the buffer; `None` if it is full.
    pub(super) fn room(&self) -> Option<Room> {
        let messages = READ_AHEAD_MESSAGES_MAX.saturating_sub(self.buffer.len());
        let bytes = READ_AHEAD_BYTES_MAX.saturating_sub(self.bytes);
        (messages > 0 && bytes > 0).then_some(Room { messages, bytes })
    }

    /// Returns whether enough was polled to prefetch again.
    pub(super) fn is_low(&self) -> bool {
        self.buffer.len() <= READ_AHEAD_MESSAGES_MAX / 2 && self.bytes <= READ_AHEAD_BYTES_MAX / 2
    }
}

impl Shared {
    pub(super) fn new(notifier: &Arc<Notifier>) -> Self {
        Shared { state: Mutex::default(), notifier: Arc::clone(notifier), settled: Condvar::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ReaderState> {
        self.state.lock()
    }

    /// Wakes the threads that wait for the end of a commit.
    pub(super) fn commit_ended(&self) {
        self.settled.notify_all();
        self.notifier.notify();
    }
}
