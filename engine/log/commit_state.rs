//! The offset-commit state of a reader, shared by the connectors: pending offsets are merged, one commit is in flight
//! at a time, and a failed one is retried with backoff.

use std::time::{Duration, Instant};

use super::topic::Offsets;
#[cfg(feature = "kafka")]
use super::topic::{Offset, PartitionId};
use crate::{delivery::Unavailable, runtime::Backoff};

/// Offsets to commit, and those that are committed. Bounded by the number of partitions.
#[derive(Default)]
pub(super) struct CommitState {
    pending: Offsets,
    committed: Offsets,
    in_flight: bool,
    last_error: Option<Unavailable>,
    backoff: Backoff,
    retry_at: Option<Instant>,
}

impl CommitState {
    /// Requests a commit of these offsets. They replace pending ones of the same partitions.
    #[cfg(feature = "kafka")]
    pub(super) fn request(&mut self, offsets: &Offsets) {
        self.pending.extend(offsets);
    }

    /// Requests a commit of these offsets. The larger one of two for the same partition is committed.
    pub(super) fn request_larger(&mut self, offsets: &Offsets) {
        for (&partition, &offset) in offsets {
            let pending = self.pending.entry(partition).or_insert(offset);
            *pending = offset.max(*pending);
        }
    }

    /// Returns whether a commit may start: none is in flight, and no retry is waited for.
    pub(super) fn is_ready(&self) -> bool {
        !self.in_flight && self.retry_at.is_none_or(|at| Instant::now() >= at)
    }

    /// Starts a commit of the pending offsets, and of `optional` ones for other partitions; `None` if there are no
    /// offsets, or no commit may start.
    pub(super) fn start(&mut self, optional: &Offsets) -> Option<Offsets> {
        if !self.is_ready() || self.pending.is_empty() && optional.is_empty() {
            return None;
        }
        self.in_flight = true;
        let mut offsets = optional.clone();
        offsets.extend(&self.pending);
        Some(offsets)
    }

    /// Takes the result of the commit in flight, which was of these offsets.
    pub(super) fn end(&mut self, offsets: &Offsets, result: Result<(), Unavailable>) {
        self.in_flight = false;
        match result {
            Ok(()) => {
                self.pending.retain(|partition, offset| offsets.get(partition) != Some(offset));
                self.committed.extend(offsets);
                (self.backoff, self.retry_at, self.last_error) = (Backoff::new(), None, None);
            }
            Err(error) => {
                self.retry_at = Some(Instant::now() + self.backoff.next_pause(error.needs_operator));
                self.last_error = Some(error);
            }
        }
    }

    /// Returns the time until a failed commit is retried; `None` if none is to be.
    pub(super) fn retry_in(&self) -> Option<Duration> {
        self.retry_at.filter(|_| !self.in_flight).map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Returns whether all requested offsets are committed.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Returns the result of closing the reader now: an error unless all requested offsets are committed.
    pub(super) fn close_result(&self) -> Result<(), Unavailable> {
        match (self.is_settled(), &self.last_error) {
            (true, _) => Ok(()),
            (false, Some(error)) => Err(error.clone()),
            (false, None) => Err(Unavailable::transient("the last offsets were not committed in time")),
        }
    }

    /// Returns the error of the last attempt, if it failed.
    pub(super) fn last_error(&self) -> Option<&Unavailable> {
        self.last_error.as_ref()
    }

    /// Returns the committed offsets, as far as this reader knows them.
    pub(super) fn committed(&self) -> &Offsets {
        &self.committed
    }
}

#[cfg(feature = "kafka")]
impl CommitState {
    /// Returns the offset that is pending for a partition.
    pub(super) fn pending(&self, partition: PartitionId) -> Option<Offset> {
        self.pending.get(&partition).copied()
    }

    /// Records an offset that the group had committed before.
    pub(super) fn record_committed(&mut self, partition: PartitionId, offset: Offset) {
        self.committed.insert(partition, offset);
    }

    /// Forgets all offsets. A commit that is in flight stays so until [`Self::abandon`].
    pub(super) fn reset(&mut self) {
        *self = CommitState { in_flight: self.in_flight, ..CommitState::default() };
    }

    /// Ends the commit in flight without regard to its result.
    pub(super) fn abandon(&mut self) {
        self.in_flight = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Offset, PartitionId};

    #[test]
    fn offsets_requested_while_a_commit_is_in_flight_are_committed_next() {
        let offsets = |a, b| Offsets::from([(PartitionId(0), Offset(a)), (PartitionId(1), Offset(b))]);
        let (mut commits, none) = (CommitState::default(), Offsets::new());
        commits.request_larger(&offsets(5, 9));
        let in_flight = commits.start(&none).unwrap();
        commits.request_larger(&offsets(7, 8));
        assert_eq!(commits.start(&none), None, "one at a time");
        commits.end(&in_flight, Ok(()));
        let in_flight = commits.start(&none).unwrap();
        assert_eq!(in_flight, Offsets::from([(PartitionId(0), Offset(7))]));
        commits.end(&in_flight, Ok(()));
        assert!(commits.is_settled() && commits.close_result().is_ok());
        assert_eq!(*commits.committed(), offsets(7, 9));
    }

    #[test]
    fn a_failed_commit_is_retried_after_a_pause() {
        let (mut commits, none) = (CommitState::default(), Offsets::new());
        let offsets = Offsets::from([(PartitionId(0), Offset(1))]);
        commits.request_larger(&offsets);
        assert_eq!(commits.start(&none).as_ref(), Some(&offsets));
        commits.end(&offsets, Err(Unavailable::transient("locked")));
        assert_eq!(commits.last_error().unwrap().reason, "locked");
        assert_eq!(commits.close_result().unwrap_err().reason, "locked");
        while !commits.retry_in().unwrap().is_zero() {
            std::thread::yield_now();
        }
        assert_eq!(commits.start(&none).as_ref(), Some(&offsets));
        assert_eq!(commits.retry_in(), None, "it is in flight");
        commits.end(&offsets, Ok(()));
        assert!(commits.is_settled() && commits.last_error().is_none());
    }
}
