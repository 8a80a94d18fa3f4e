//! Commits offsets on a thread of its own: those that [`super::topic_commits`] says, and when.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{CommitMode, Consumer},
};

use super::{
    client::{CoordinatorClient, unavailable},
    start::PartitionStart,
    topic_commits::{Commit, TopicCommits},
};
use crate::{
    delivery::Unavailable,
    log::{Offset, Offsets, PartitionId, TopicId},
    runtime::{Condvar, Mutex, MutexGuard},
};

/// Interval at which the committing thread checks for work without being notified.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
struct State {
    commits: TopicCommits,
    is_stopped: bool,
}

/// The commits of a reader, shared by the reader and its threads.
#[derive(Default)]
pub(super) struct CommitQueue {
    state: Mutex<State>,
    /// Notified when a commit is requested or has ended, and to stop.
    changed: Condvar,
}

impl CommitQueue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn change(&self, change: impl FnOnce(&mut TopicCommits)) {
        change(&mut self.state().commits);
        self.changed.notify_all();
    }

    /// Sets the topic of the offsets, unless one is read already.
    pub(super) fn begin(&self, topic: Option<TopicId>) {
        self.change(|commits| commits.begin(topic));
    }

    /// Leaves the topic: its pending offsets are not committed any more.
    pub(super) fn leave(&self) {
        self.change(TopicCommits::leave);
    }

    /// Requests a commit of these offsets; the latest request for each partition counts.
    pub(super) fn request(&self, offsets: &Offsets) {
        self.change(|commits| commits.request(offsets));
    }

    /// Requests a commit of this offset, before which all messages are handled, unless a later one is pending.
    pub(super) fn request_optional(&self, partition: PartitionId, offset: Offset) {
        self.change(|commits| commits.request_optional(partition, offset));
    }

    /// Requests a commit of a partition's start: see [`TopicCommits::request_start`].
    pub(super) fn request_start(&self, partition: PartitionId, start: &PartitionStart, may_lower: bool) {
        self.change(|commits| commits.request_start(partition, start, may_lower));
    }

    /// Requests another commit of the committed offsets.
    pub(super) fn renew(&self) {
        self.change(TopicCommits::renew);
    }

    /// Returns the error of the last commit, if it failed.
    pub(super) fn last_error(&self) -> Option<Unavailable> {
        self.state().commits.state.last_error().cloned()
    }

    /// Calls `read` with the committed offsets.
    pub(super) fn with_committed<T>(&self, read: impl FnOnce(&Offsets) -> T) -> T {
        read(self.state().commits.state.committed())
    }

    /// Returns when all requested offsets are committed, or fails at the deadline. Blocks.
    pub(super) fn close(&self, deadline: Instant) -> Result<(), Unavailable> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let is_pending = |state: &mut State| !state.commits.state.is_settled();
        self.changed.wait_timeout_while(self.state(), limit, is_pending).commits.state.close_result()
    }

    /// Ends the committing thread.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// Waits for a commit that is due; `None` once the queue is stopped.
    fn next(&self) -> Option<Commit> {
        let mut state = self.state();
        while !state.is_stopped {
            if let Some(commit) = state.commits.next() {
                return Some(commit);
            }
            let pause = state.commits.state.retry_in().unwrap_or(IDLE_CHECK_INTERVAL);
            state = self.changed.wait_timeout(state, pause);
        }
        None
    }
}

/// The committing thread. librdkafka reports the result of an asynchronous commit only to a callback that this binding
/// does not set, so commits are synchronous.
pub(super) struct Committer {
    pub(super) coordinator: Arc<CoordinatorClient>,
    pub(super) topic: String,
    pub(super) queue: Arc<CommitQueue>,
}

impl Committer {
    pub(super) fn run(&self) {
        while let Some(commit) = self.queue.next() {
            let result = self.commit(&commit);
            self.queue.change(|commits| commits.end(&commit, result));
        }
    }

    /// Commits all offsets, or fails. Blocks: for `session.timeout.ms` while the group's coordinator is looked up, and
    /// for `socket.timeout.ms` while it answers.
    fn commit(&self, commit: &Commit) -> Result<(), Unavailable> {
        let failed = |error| unavailable("cannot commit offsets", &error);
        let mut list = TopicPartitionList::with_capacity(commit.offsets.len());
        let metadata = commit.metadata();
        for (partition, offset) in &commit.offsets {
            let mut element = list.add_partition(&self.topic, partition.0.cast_signed());
            element.set_offset(KafkaOffset::Offset(offset.0.cast_signed())).map_err(failed)?;
            element.set_metadata(&metadata);
        }
        self.coordinator.call(|client| client.commit(&list, CommitMode::Sync).map_err(failed))
    }
}
