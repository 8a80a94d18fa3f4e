//! Commits offsets: pending ones are merged, one commit is in flight at a time, and a failed one is retried.
//!
//! Offsets belong to one topic. Between [`CommitQueue::leave`] and [`CommitQueue::begin`] nothing is committed, and the
//! result of a commit of the former topic that is still in flight is ignored.

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
    offsets::OffsetMetadata,
};
use crate::{
    delivery::Unavailable,
    log::{Offset, Offsets, PartitionId, TopicId, commit_state::CommitState},
    runtime::{Condvar, Mutex, MutexGuard},
};

/// Interval at which committed offsets are committed again. It shows that a scorer runs, and keeps the broker from
/// expiring the offsets of partitions without messages.
pub(super) const RENEW_INTERVAL: Duration = Duration::from_secs(30);
/// Interval at which the committing thread checks for work without being notified.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Commit {
    offsets: Offsets,
    /// The topic of the offsets.
    topic: Option<TopicId>,
    epoch: u64,
}

impl Commit {
    /// Returns the metadata of the offsets.
    fn metadata(&self) -> String {
        OffsetMetadata::now(self.topic).encode()
    }
}

/// The offsets to commit of the topic that is read. Bounded by the number of partitions.
struct TopicCommits {
    /// The topic, once one is read.
    topic: Option<Option<TopicId>>,
    /// Number of topics that were left before.
    epoch: u64,
    /// True if a topic was left and the next one is not read yet.
    is_left: bool,
    state: CommitState,
    /// Offsets that are committed as well, though no handled message precedes them. Closing does not wait for them.
    optional: Offsets,
    renew_at: Instant,
}

impl Default for TopicCommits {
    fn default() -> Self {
        TopicCommits {
            topic: None,
            epoch: 0,
            is_left: false,
            state: CommitState::default(),
            optional: Offsets::new(),
            renew_at: Instant::now() + RENEW_INTERVAL,
        }
    }
}

impl TopicCommits {
    fn begin(&mut self, topic: Option<TopicId>) {
        self.topic.get_or_insert(topic);
        self.is_left = false;
    }

    fn leave(&mut self) {
        let mut state = std::mem::take(&mut self.state);
        state.reset();
        *self = TopicCommits { epoch: self.epoch + 1, is_left: true, state, ..TopicCommits::default() };
    }

    /// Requests a commit of these offsets; the latest request for each partition counts.
    fn request(&mut self, offsets: &Offsets) {
        if !self.is_left {
            self.optional.retain(|partition, _| !offsets.contains_key(partition));
            self.state.request(offsets);
        }
    }

    /// Requests a commit of a partition's start, unless an offset of that partition is pending.
    fn request_start(&mut self, partition: PartitionId, offset: Offset) {
        if self.state.pending(partition).is_none() {
            self.request_optional(partition, offset);
        }
    }

    /// Requests a commit of this offset, before which all messages are handled, unless a later one is pending.
    fn request_optional(&mut self, partition: PartitionId, offset: Offset) {
        if !self.is_left && self.state.pending(partition).is_none_or(|pending| pending < offset) {
            self.optional.insert(partition, offset);
        }
    }

    /// Requests another commit of the committed offsets that are not about to be superseded.
    fn renew(&mut self) {
        for (&partition, &offset) in self.state.committed() {
            if self.state.pending(partition).is_none() {
                self.optional.entry(partition).or_insert(offset);
            }
        }
        self.renew_at = Instant::now() + RENEW_INTERVAL;
    }

    /// Starts the next commit, if one is due. There is no other until [`Self::end`].
    fn next(&mut self) -> Option<Commit> {
        if !self.state.is_ready() {
            return None;
        }
        if Instant::now() >= self.renew_at {
            self.renew();
        }
        let topic = self.topic?;
        let offsets = self.state.start(&self.optional)?;
        Some(Commit { offsets, topic, epoch: self.epoch })
    }

    /// Takes the result of a commit.
    fn end(&mut self, commit: &Commit, result: Result<(), Unavailable>) {
        if commit.epoch != self.epoch {
            return self.state.abandon();
        }
        if result.is_ok() {
            self.optional.retain(|partition, offset| commit.offsets.get(partition) != Some(offset));
        }
        self.state.end(&commit.offsets, result);
    }
}

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

    /// Requests a commit of a partition's start: it tells the topic of the offset, and that a scorer runs.
    pub(super) fn request_start(&self, partition: PartitionId, start: Offset, committed: Option<Offset>) {
        self.change(|commits| {
            // A committed offset that is out of range is not to be renewed.
            if committed == Some(start) {
                commits.state.record_committed(partition, start);
            }
            commits.request_start(partition, start);
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Option<TopicId> = Some(TopicId([1; 16]));

    fn to(offsets: &[(u32, u64)]) -> Offsets {
        offsets.iter().map(|&(partition, offset)| (PartitionId(partition), Offset(offset))).collect()
    }

    fn commits() -> TopicCommits {
        let mut commits = TopicCommits::default();
        commits.begin(TOPIC);
        commits
    }

    #[test]
    fn one_commit_is_in_flight_and_later_ones_supersede_it() {
        let mut commits = commits();
        assert_eq!(commits.next(), None);
        commits.request(&to(&[(0, 3), (1, 1)]));
        let first = commits.next().unwrap();
        assert_eq!((&first.offsets, first.topic), (&to(&[(0, 3), (1, 1)]), TOPIC));
        commits.request(&to(&[(0, 5)]));
        assert_eq!(commits.next(), None);
        commits.end(&first, Ok(()));
        assert!(!commits.state.is_settled());
        let second = commits.next().unwrap();
        assert_eq!(second.offsets, to(&[(0, 5)]));
        commits.end(&second, Ok(()));
        assert!(commits.state.is_settled() && commits.state.last_error().is_none());
        assert_eq!(*commits.state.committed(), to(&[(0, 5), (1, 1)]));
    }

    #[test]
    fn recorded_offsets_are_renewed_unless_later_ones_are_requested() {
        let mut commits = commits();
        commits.state.record_committed(PartitionId(0), Offset(3));
        commits.state.record_committed(PartitionId(1), Offset(8));
        assert_eq!(commits.next(), None, "not before it is requested");
        commits.request(&to(&[(1, 9)]));
        commits.renew();
        assert_eq!(commits.next().unwrap().offsets, to(&[(0, 3), (1, 9)]));
    }

    #[test]
    fn committed_offsets_are_committed_again_periodically() {
        let mut commits = commits();
        commits.state.record_committed(PartitionId(0), Offset(3));
        commits.renew_at = Instant::now();
        let again = commits.next().unwrap();
        assert_eq!(again.offsets, to(&[(0, 3)]));
        commits.end(&again, Ok(()));
        assert_eq!(commits.next(), None);
    }

    #[test]
    fn closing_waits_for_no_optional_offset_and_a_request_supersedes_it() {
        let mut commits = commits();
        commits.request_optional(PartitionId(0), Offset(4));
        assert!(commits.state.is_settled());
        commits.request(&to(&[(0, 3)]));
        commits.request_optional(PartitionId(1), Offset(7));
        let commit = commits.next().unwrap();
        assert_eq!(commit.offsets, to(&[(0, 3), (1, 7)]), "a rewind is a later request");
        // The offset after the last message, and starts of partitions with pending offsets.
        commits.request_optional(PartitionId(0), Offset(5));
        commits.request(&to(&[(1, 9)]));
        commits.request_start(PartitionId(1), Offset(0));
        commits.request_start(PartitionId(1), Offset(20));
        commits.end(&commit, Ok(()));
        let commit = commits.next().unwrap();
        assert_eq!(commit.offsets, to(&[(0, 5), (1, 9)]));
        commits.end(&commit, Ok(()));
        assert_eq!(commits.next(), None);
    }

    #[test]
    fn offsets_requested_before_the_topic_is_known_wait_for_it() {
        let mut commits = TopicCommits::default();
        commits.request(&to(&[(0, 3)]));
        assert!(commits.next().is_none() && !commits.state.is_settled());
        commits.begin(TOPIC);
        assert_eq!(commits.next().unwrap().offsets, to(&[(0, 3)]));
    }

    #[test]
    fn a_failed_commit_is_retried_after_a_pause_with_the_offsets_pending_by_then() {
        let mut commits = commits();
        commits.request(&to(&[(0, 3), (1, 1)]));
        let first = commits.next().unwrap();
        commits.end(&first, Err(Unavailable::transient("no coordinator")));
        assert_eq!(commits.state.last_error().unwrap().reason, "no coordinator");
        assert!(commits.state.retry_in().is_some());
        commits.request(&to(&[(0, 4)]));
        let again = loop {
            if let Some(again) = commits.next() {
                break again;
            }
        };
        assert_eq!(again.offsets, to(&[(0, 4), (1, 1)]));
        commits.end(&again, Ok(()));
        assert!(
            commits.state.is_settled() && commits.state.last_error().is_none() && commits.state.retry_in().is_none()
        );
    }

    #[test]
    fn pending_offsets_of_a_topic_that_was_left_are_dropped() {
        let mut commits = commits();
        commits.request(&to(&[(0, 3)]));
        let in_flight = commits.next().unwrap();
        commits.request(&to(&[(0, 5)]));
        commits.leave();
        assert!(commits.state.is_settled(), "there is nothing to wait for");
        commits.request(&to(&[(0, 6)]));
        commits.request_optional(PartitionId(0), Offset(6));
        commits.begin(Some(TopicId([2; 16])));
        commits.request(&to(&[(0, 1)]));
        assert_eq!(commits.next(), None, "one at a time");
        commits.end(&in_flight, Ok(()));
        assert_eq!(*commits.state.committed(), Offsets::new());
        let commit = commits.next().unwrap();
        assert_eq!((&commit.offsets, commit.topic), (&to(&[(0, 1)]), Some(TopicId([2; 16]))));
        assert!(commit.metadata().contains(&format!("topic={}", TopicId([2; 16]))));
    }
}
