//! The offsets to commit of the topic that is read: pending ones are merged, one commit is in flight at a time, and a
//! failed one is retried.
//!
//! Offsets belong to one topic. Between [`TopicCommits::leave`] and [`TopicCommits::begin`] nothing is committed, and
//! the result of a commit of the former topic that is still in flight is ignored.

use std::time::{Duration, Instant};

use super::{offsets::OffsetMetadata, start::PartitionStart};
use crate::{
    delivery::Unavailable,
    log::{Offset, Offsets, PartitionId, TopicId, commit_state::CommitState},
};

/// Interval at which committed offsets are committed again. It shows that a scorer runs, and keeps the broker from
/// expiring the offsets of partitions without messages.
pub(super) const RENEW_INTERVAL: Duration = Duration::from_secs(30);

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) offsets: Offsets,
    /// The topic of the offsets.
    topic: Option<TopicId>,
    epoch: u64,
}

impl Commit {
    /// Returns the metadata of the offsets.
    pub(super) fn metadata(&self) -> String {
        OffsetMetadata::now(self.topic).encode()
    }
}

/// The offsets to commit of the topic that is read. Bounded by the number of partitions.
pub(super) struct TopicCommits {
    /// The topic, once one is read.
    topic: Option<Option<TopicId>>,
    /// Number of topics that were left before.
    epoch: u64,
    /// True if a topic was left and the next one is not read yet.
    is_left: bool,
    pub(super) state: CommitState,
    /// Offsets that are committed as well, though no handled message precedes them. Closing does not wait for them.
    optional: Offsets,
    /// Offsets that the group has committed, and that no commit is to lower.
    floors: Offsets,
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
            floors: Offsets::new(),
            renew_at: Instant::now() + RENEW_INTERVAL,
        }
    }
}

impl TopicCommits {
    /// Sets the topic of the offsets, unless one is read already.
    pub(super) fn begin(&mut self, topic: Option<TopicId>) {
        self.topic.get_or_insert(topic);
        self.is_left = false;
    }

    /// Leaves the topic: its pending offsets are not committed any more.
    pub(super) fn leave(&mut self) {
        let mut state = std::mem::take(&mut self.state);
        state.reset();
        *self = TopicCommits { epoch: self.epoch + 1, is_left: true, state, ..TopicCommits::default() };
    }

    /// Requests a commit of these offsets; the latest request for each partition counts.
    pub(super) fn request(&mut self, offsets: &Offsets) {
        if self.is_left {
            return;
        }
        let is_above = |(partition, offset): &(&PartitionId, &Offset)| self.is_above_floor(**partition, **offset);
        let offsets = offsets.iter().filter(is_above).map(|(partition, offset)| (*partition, *offset)).collect();
        self.optional.retain(|partition, _| !Offsets::contains_key(&offsets, partition));
        self.state.request(&offsets);
    }

    /// Requests a commit of what is committed in a partition, or of its start, unless an offset of that partition is
    /// pending: it tells the topic of the offset, and that a scorer runs. Without `may_lower`, no commit lowers what is
    /// committed.
    pub(super) fn request_start(&mut self, partition: PartitionId, start: &PartitionStart, may_lower: bool) {
        if let Some(committed) = start.committed {
            self.state.record_committed(partition, committed);
        }
        if self.state.pending(partition).is_none() {
            self.request_optional(partition, start.committed.unwrap_or(Offset(start.next)));
        }
        self.floors.extend(start.committed.filter(|_| !may_lower).map(|floor| (partition, floor)));
    }

    /// Requests a commit of this offset, before which all messages are handled, unless a later one is pending.
    pub(super) fn request_optional(&mut self, partition: PartitionId, offset: Offset) {
        let is_later = self.state.pending(partition).is_none_or(|pending| pending < offset);
        if !self.is_left && is_later && self.is_above_floor(partition, offset) {
            self.optional.insert(partition, offset);
        }
    }

    fn is_above_floor(&self, partition: PartitionId, offset: Offset) -> bool {
        self.floors.get(&partition).is_none_or(|floor| *floor < offset)
    }

    /// Requests another commit of the committed offsets that are not about to be superseded.
    pub(super) fn renew(&mut self) {
        for (&partition, &offset) in self.state.committed() {
            if self.state.pending(partition).is_none() {
                self.optional.entry(partition).or_insert(offset);
            }
        }
        self.renew_at = Instant::now() + RENEW_INTERVAL;
    }

    /// Starts the next commit, if one is due. There is no other until [`Self::end`].
    pub(super) fn next(&mut self) -> Option<Commit> {
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
    pub(super) fn end(&mut self, commit: &Commit, result: Result<(), Unavailable>) {
        if commit.epoch != self.epoch {
            return self.state.abandon();
        }
        if result.is_ok() {
            self.optional.retain(|partition, offset| commit.offsets.get(partition) != Some(offset));
        }
        self.state.end(&commit.offsets, result);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::start::Diagnostic, *};

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
        for next in [0, 20] {
            let start = PartitionStart { next, committed: None, diagnostic: Diagnostic::None };
            commits.request_start(PartitionId(1), &start, true);
        }
        commits.end(&commit, Ok(()));
        let commit = commits.next().unwrap();
        assert_eq!(commit.offsets, to(&[(0, 5), (1, 9)]));
        commits.end(&commit, Ok(()));
        assert_eq!(commits.next(), None);
    }

    #[test]
    fn promise_10_no_commit_is_below_a_floor() {
        let mut commits = commits();
        let start = PartitionStart { next: 0, committed: Some(Offset(7)), diagnostic: Diagnostic::None };
        commits.request_start(PartitionId(0), &start, false);
        commits.request_start(PartitionId(1), &start, true);
        let commit = commits.next().unwrap();
        assert_eq!(commit.offsets, to(&[(0, 7), (1, 7)]), "no start takes the place of a committed offset");
        commits.end(&commit, Ok(()));
        commits.request(&to(&[(0, 3), (1, 3)]));
        commits.request_optional(PartitionId(0), Offset(4));
        let commit = commits.next().unwrap();
        assert_eq!(commit.offsets, to(&[(1, 3)]));
        commits.end(&commit, Ok(()));
        commits.request(&to(&[(0, 7)]));
        assert!(commits.state.is_settled(), "it is committed already");
        commits.request(&to(&[(0, 8)]));
        assert_eq!(commits.next().unwrap().offsets, to(&[(0, 8)]));
        // A topic that takes its place has floors of its own.
        commits.leave();
        commits.begin(Some(TopicId([2; 16])));
        commits.request(&to(&[(0, 1)]));
        assert_eq!(commits.state.pending(PartitionId(0)), Some(Offset(1)));
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
