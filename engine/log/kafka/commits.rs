//! Offsets to commit: what is wanted is merged, one commit is under way at a time, and a failed one is tried again.
//!
//! Offsets belong to one topic. Between [`Commits::leave`] and [`Commits::begin`] nothing is committed, and a commit of
//! the former topic that is still under way then counts for nothing.

use std::time::{Duration, Instant};

use super::tag::Tag;
use crate::{
    delivery::Unavailable,
    log::{Offset, Offsets, PartitionId, TopicId, commit_state::CommitState},
};

/// Interval at which committed offsets are committed again. It shows that a scorer runs, and keeps the broker from
/// forgetting the commits of partitions that get no messages.
pub(super) const REPEAT: Duration = Duration::from_secs(30);

/// Offsets to commit of the topic that is read. Bounded by the number of partitions.
pub(super) struct Commits {
    /// The topic, once one is read.
    topic: Option<Option<TopicId>>,
    /// Number of topics that were left before.
    round: u64,
    /// A topic was left, and the next one is not read yet.
    left: bool,
    state: CommitState,
    /// Offsets that are committed as well, though no handled message precedes them; [`Self::settled`] ignores them.
    optional: Offsets,
    repeat_at: Instant,
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) offsets: Offsets,
    /// The topic of the offsets.
    pub(super) topic: Option<TopicId>,
    round: u64,
}

impl Due {
    /// Returns the metadata of the offsets.
    pub(super) fn metadata(&self) -> String {
        Tag::now(self.topic).metadata()
    }
}

impl Default for Commits {
    fn default() -> Self {
        Commits {
            topic: None,
            round: 0,
            left: false,
            state: CommitState::default(),
            optional: Offsets::new(),
            repeat_at: Instant::now() + REPEAT,
        }
    }
}

impl Commits {
    /// Offsets belong to this topic from now on, unless one is read already.
    pub(super) fn begin(&mut self, topic: Option<TopicId>) {
        self.topic.get_or_insert(topic);
        self.left = false;
    }

    /// The topic is left: pending offsets are not committed any more.
    pub(super) fn leave(&mut self) {
        let mut state = std::mem::take(&mut self.state);
        state.reset();
        *self = Commits { round: self.round + 1, left: true, state, ..Commits::default() };
    }

    /// Requests a commit of these offsets; the latest request for each partition counts.
    pub(super) fn want(&mut self, offsets: &Offsets) {
        if !self.left {
            self.optional.retain(|partition, _| !offsets.contains_key(partition));
            self.state.request(offsets);
        }
    }

    /// Requests a commit of a partition's start, unless an offset of that partition is pending.
    pub(super) fn want_start(&mut self, partition: PartitionId, offset: Offset) {
        if self.state.pending(partition).is_none() {
            self.want_besides(partition, offset);
        }
    }

    /// Requests a commit of this offset, unless a later one is pending: all messages before it are handled.
    pub(super) fn want_besides(&mut self, partition: PartitionId, offset: Offset) {
        if !self.left && self.state.pending(partition).is_none_or(|pending| pending < offset) {
            self.optional.insert(partition, offset);
        }
    }

    /// Records an offset that the group had committed before.
    pub(super) fn found(&mut self, partition: PartitionId, offset: Offset) {
        self.state.record_committed(partition, offset);
    }

    /// Requests another commit of the committed offsets that are not about to be superseded.
    pub(super) fn renew(&mut self) {
        for (&partition, &offset) in self.state.committed() {
            if self.state.pending(partition).is_none() {
                self.optional.entry(partition).or_insert(offset);
            }
        }
        self.repeat_at = Instant::now() + REPEAT;
    }

    /// Starts the next commit, if one is due. Until [`Commits::ended`] there is no other.
    pub(super) fn due(&mut self) -> Option<Due> {
        if !self.state.is_ready() {
            return None;
        }
        if Instant::now() >= self.repeat_at {
            self.renew();
        }
        let topic = self.topic?;
        let offsets = self.state.start(&self.optional)?;
        Some(Due { offsets, topic, round: self.round })
    }

    /// A commit has ended.
    pub(super) fn ended(&mut self, due: &Due, outcome: Result<(), Unavailable>) {
        if due.round != self.round {
            return self.state.abandon();
        }
        if outcome.is_ok() {
            self.optional.retain(|partition, offset| due.offsets.get(partition) != Some(offset));
        }
        self.state.end(&due.offsets, outcome);
    }

    /// Returns the time until a failed commit is retried.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.state.retry_in()
    }

    /// Returns whether all requested offsets are committed.
    pub(super) fn settled(&self) -> bool {
        self.state.is_settled()
    }

    /// Returns the error of the last attempt, if it failed.
    pub(super) fn failure(&self) -> Option<&Unavailable> {
        self.state.last_error()
    }

    /// Returns the offsets that this reader has committed.
    pub(super) fn committed(&self) -> &Offsets {
        self.state.committed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Option<TopicId> = Some(TopicId([1; 16]));

    fn to(offsets: &[(u32, u64)]) -> Offsets {
        offsets.iter().map(|&(partition, offset)| (PartitionId(partition), Offset(offset))).collect()
    }

    fn commits() -> Commits {
        let mut commits = Commits::default();
        commits.begin(TOPIC);
        commits
    }

    #[test]
    fn one_commit_is_under_way_and_later_ones_supersede_it() {
        let mut commits = commits();
        assert_eq!(commits.due(), None);
        commits.want(&to(&[(0, 3), (1, 1)]));
        let first = commits.due().unwrap();
        assert_eq!((&first.offsets, first.topic), (&to(&[(0, 3), (1, 1)]), TOPIC));
        commits.want(&to(&[(0, 5)]));
        assert_eq!(commits.due(), None);
        commits.ended(&first, Ok(()));
        assert!(!commits.settled());
        let second = commits.due().unwrap();
        assert_eq!(second.offsets, to(&[(0, 5)]));
        commits.ended(&second, Ok(()));
        assert!(commits.settled() && commits.failure().is_none());
        assert_eq!(*commits.committed(), to(&[(0, 5), (1, 1)]));
    }

    #[test]
    fn what_was_found_committed_is_renewed_unless_something_newer_is_wanted() {
        let mut commits = commits();
        commits.found(PartitionId(0), Offset(3));
        commits.found(PartitionId(1), Offset(8));
        assert_eq!(commits.due(), None, "not before it is asked for");
        commits.want(&to(&[(1, 9)]));
        commits.renew();
        assert_eq!(commits.due().unwrap().offsets, to(&[(0, 3), (1, 9)]));
    }

    #[test]
    fn what_is_committed_is_committed_again_now_and_then() {
        let mut commits = commits();
        commits.found(PartitionId(0), Offset(3));
        commits.repeat_at = Instant::now();
        let again = commits.due().unwrap();
        assert_eq!(again.offsets, to(&[(0, 3)]));
        commits.ended(&again, Ok(()));
        assert_eq!(commits.due(), None);
    }

    #[test]
    fn what_is_committed_besides_is_waited_for_by_nothing_and_gives_way() {
        let mut commits = commits();
        commits.want_besides(PartitionId(0), Offset(4));
        assert!(commits.settled());
        commits.want(&to(&[(0, 3)]));
        commits.want_besides(PartitionId(1), Offset(7));
        let due = commits.due().unwrap();
        assert_eq!(due.offsets, to(&[(0, 3), (1, 7)]), "a rewind is a later word");
        // What stands behind the last message, and starts of a reader that has had word already.
        commits.want_besides(PartitionId(0), Offset(5));
        commits.want(&to(&[(1, 9)]));
        commits.want_start(PartitionId(1), Offset(0));
        commits.want_start(PartitionId(1), Offset(20));
        commits.ended(&due, Ok(()));
        let due = commits.due().unwrap();
        assert_eq!(due.offsets, to(&[(0, 5), (1, 9)]));
        commits.ended(&due, Ok(()));
        assert_eq!(commits.due(), None);
    }

    #[test]
    fn what_is_wanted_before_the_topic_is_known_waits_for_that() {
        let mut commits = Commits::default();
        commits.want(&to(&[(0, 3)]));
        assert!(commits.due().is_none() && !commits.settled());
        commits.begin(TOPIC);
        assert_eq!(commits.due().unwrap().offsets, to(&[(0, 3)]));
    }

    #[test]
    fn a_failed_commit_is_tried_again_after_a_pause_with_what_is_wanted_by_then() {
        let mut commits = commits();
        commits.want(&to(&[(0, 3), (1, 1)]));
        let first = commits.due().unwrap();
        commits.ended(&first, Err(Unavailable::transient("no coordinator")));
        assert_eq!(commits.failure().unwrap().reason, "no coordinator");
        assert!(commits.pause().is_some());
        commits.want(&to(&[(0, 4)]));
        let again = loop {
            if let Some(again) = commits.due() {
                break again;
            }
        };
        assert_eq!(again.offsets, to(&[(0, 4), (1, 1)]));
        commits.ended(&again, Ok(()));
        assert!(commits.settled() && commits.failure().is_none() && commits.pause().is_none());
    }

    #[test]
    fn offsets_of_a_topic_that_was_left_are_not_committed_any_more_and_count_for_nothing() {
        let mut commits = commits();
        commits.want(&to(&[(0, 3)]));
        let under_way = commits.due().unwrap();
        commits.want(&to(&[(0, 5)]));
        commits.leave();
        assert!(commits.settled(), "there is nothing left to wait for");
        commits.want(&to(&[(0, 6)]));
        commits.want_besides(PartitionId(0), Offset(6));
        commits.begin(Some(TopicId([2; 16])));
        commits.want(&to(&[(0, 1)]));
        assert_eq!(commits.due(), None, "one at a time");
        commits.ended(&under_way, Ok(()));
        assert_eq!(*commits.committed(), Offsets::new());
        let due = commits.due().unwrap();
        assert_eq!((&due.offsets, due.topic), (&to(&[(0, 1)]), Some(TopicId([2; 16]))));
        assert!(due.metadata().contains(&format!("topic={}", TopicId([2; 16]))));
    }
}
