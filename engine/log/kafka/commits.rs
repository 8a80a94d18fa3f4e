//! Offsets to commit: what is wanted is merged, one commit is under way at a time, and a failed one is tried again.
//!
//! Offsets belong to one topic. Between [`Commits::leave`] and [`Commits::begin`] nothing is committed, and a commit of
//! the former topic that is still under way then counts for nothing.

use std::time::{Duration, Instant};

use super::tag::Tag;
use crate::{
    delivery::{Backoff, Unavailable},
    log::{Offset, Offsets, PartitionId, TopicId},
};

/// Interval at which committed offsets are committed again. It shows that a scorer runs, and keeps the broker from
/// forgetting the commits of partitions that get no messages.
pub(super) const REPEAT: Duration = Duration::from_secs(30);

/// Offsets to commit, and where they stand. Bounded by the number of partitions.
pub(super) struct Commits {
    /// Of this topic, once one is read.
    topic: Option<Option<TopicId>>,
    /// Number of topics left before it.
    round: u64,
    /// One was left, and the next one is not read yet.
    left: bool,
    wanted: Offsets,
    /// Offsets to commit as well, which nothing waits for: no handled message stands behind them.
    besides: Offsets,
    committed: Offsets,
    under_way: bool,
    failure: Option<Unavailable>,
    backoff: Backoff,
    retry_at: Option<Instant>,
    repeat_at: Instant,
}

/// A commit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) offsets: Offsets,
    /// Of this topic.
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
            wanted: Offsets::new(),
            besides: Offsets::new(),
            committed: Offsets::new(),
            under_way: false,
            failure: None,
            backoff: Backoff::new(),
            retry_at: None,
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

    /// The topic is left: what was wanted is not committed any more.
    pub(super) fn leave(&mut self) {
        *self = Commits { round: self.round + 1, left: true, under_way: self.under_way, ..Commits::default() };
    }

    /// Wants these offsets committed; for each partition the latest word counts.
    pub(super) fn want(&mut self, offsets: &Offsets) {
        if !self.left {
            self.besides.retain(|partition, _| !offsets.contains_key(partition));
            self.wanted.extend(offsets);
        }
    }

    /// Wants the start of a partition committed too, unless there has been word of that partition.
    pub(super) fn want_start(&mut self, partition: PartitionId, offset: Offset) {
        if !self.wanted.contains_key(&partition) {
            self.want_besides(partition, offset);
        }
    }

    /// Wants this offset committed too, unless a later one is: no message stands before it that was not handled.
    pub(super) fn want_besides(&mut self, partition: PartitionId, offset: Offset) {
        if !self.left && self.wanted.get(&partition).is_none_or(|wanted| *wanted < offset) {
            self.besides.insert(partition, offset);
        }
    }

    /// What the group had committed before this reader.
    pub(super) fn found(&mut self, partition: PartitionId, offset: Offset) {
        self.committed.insert(partition, offset);
    }

    /// Wants committed again what is committed and not about to be superseded.
    pub(super) fn renew(&mut self) {
        for (&partition, &offset) in &self.committed {
            if !self.wanted.contains_key(&partition) {
                self.besides.entry(partition).or_insert(offset);
            }
        }
        self.repeat_at = Instant::now() + REPEAT;
    }

    /// What to commit now, if anything. Until [`Commits::ended`] there will be nothing more.
    pub(super) fn due(&mut self) -> Option<Due> {
        let now = Instant::now();
        if self.under_way || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        if now >= self.repeat_at {
            self.renew();
        }
        let topic = self.topic.filter(|_| !self.wanted.is_empty() || !self.besides.is_empty())?;
        let mut offsets = self.besides.clone();
        offsets.extend(&self.wanted);
        self.under_way = true;
        Some(Due { offsets, topic, round: self.round })
    }

    /// A commit has ended.
    pub(super) fn ended(&mut self, due: &Due, outcome: Result<(), Unavailable>) {
        self.under_way = false;
        if due.round != self.round {
            return;
        }
        match outcome {
            Ok(()) => {
                for left in [&mut self.wanted, &mut self.besides] {
                    left.retain(|partition, offset| due.offsets.get(partition) != Some(offset));
                }
                self.committed.extend(&due.offsets);
                (self.backoff, self.retry_at, self.failure) = (Backoff::new(), None, None);
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + self.backoff.next_pause(error.needs_operator));
                self.failure = Some(error);
            }
        }
    }

    /// How long until a failed commit is tried again.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.retry_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether all that was wanted is committed.
    pub(super) fn settled(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Why the last try failed, if it did.
    pub(super) fn failure(&self) -> Option<&Unavailable> {
        self.failure.as_ref()
    }

    /// What this reader has committed.
    pub(super) fn committed(&self) -> &Offsets {
        &self.committed
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
