//! Offsets to commit: what is wanted is merged, one commit is under way at a time, and a failed one is tried again.

use std::time::{Duration, Instant};

use crate::{
    delivery::{Backoff, Unavailable},
    log::{Offset, Offsets, PartitionId},
};

/// Offsets to commit, and where they stand. Bounded by the number of partitions.
#[derive(Default)]
pub(super) struct Commits {
    wanted: Offsets,
    committed: Offsets,
    under_way: bool,
    failure: Option<Unavailable>,
    backoff: Backoff,
    retry_at: Option<Instant>,
}

impl Commits {
    /// Wants these offsets committed; for each partition the latest word counts.
    pub(super) fn want(&mut self, offsets: &Offsets) {
        self.wanted.extend(offsets);
    }

    /// What the group had committed before this reader.
    pub(super) fn found(&mut self, partition: PartitionId, offset: Offset) {
        self.committed.insert(partition, offset);
    }

    /// Wants committed again what is committed and not about to be superseded.
    pub(super) fn renew(&mut self) {
        for (&partition, &offset) in &self.committed {
            self.wanted.entry(partition).or_insert(offset);
        }
    }

    /// What to commit now, if anything. Until [`Commits::ended`] there will be nothing more.
    pub(super) fn due(&mut self) -> Option<Offsets> {
        if self.under_way || self.wanted.is_empty() || self.retry_at.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        self.under_way = true;
        Some(self.wanted.clone())
    }

    /// The commit of these offsets has ended.
    pub(super) fn ended(&mut self, offsets: &Offsets, outcome: Result<(), Unavailable>) {
        self.under_way = false;
        match outcome {
            Ok(()) => {
                self.wanted.retain(|partition, offset| offsets.get(partition) != Some(offset));
                self.committed.extend(offsets);
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

    fn to(offsets: &[(u32, u64)]) -> Offsets {
        offsets.iter().map(|&(partition, offset)| (PartitionId(partition), Offset(offset))).collect()
    }

    #[test]
    fn one_commit_is_under_way_and_later_ones_supersede_it() {
        let mut commits = Commits::default();
        assert_eq!(commits.due(), None);
        commits.want(&to(&[(0, 3), (1, 1)]));
        assert_eq!(commits.due(), Some(to(&[(0, 3), (1, 1)])));
        commits.want(&to(&[(0, 5)]));
        assert_eq!(commits.due(), None);
        commits.ended(&to(&[(0, 3), (1, 1)]), Ok(()));
        assert!(!commits.settled());
        assert_eq!(commits.due(), Some(to(&[(0, 5)])));
        commits.ended(&to(&[(0, 5)]), Ok(()));
        assert!(commits.settled() && commits.failure().is_none());
        assert_eq!(*commits.committed(), to(&[(0, 5), (1, 1)]));
    }

    #[test]
    fn what_was_found_committed_is_renewed_unless_something_newer_is_wanted() {
        let mut commits = Commits::default();
        commits.found(PartitionId(0), Offset(3));
        commits.found(PartitionId(1), Offset(8));
        assert_eq!(commits.due(), None, "not before it is asked for");
        commits.want(&to(&[(1, 9)]));
        commits.renew();
        assert_eq!(commits.due(), Some(to(&[(0, 3), (1, 9)])));
    }

    #[test]
    fn a_failed_commit_is_tried_again_after_a_pause_with_what_is_wanted_by_then() {
        let mut commits = Commits::default();
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
        assert_eq!(again, to(&[(0, 4), (1, 1)]));
        commits.ended(&again, Ok(()));
        assert!(commits.settled() && commits.failure().is_none() && commits.pause().is_none());
    }
}
