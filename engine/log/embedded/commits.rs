//! Commits offsets: what is wanted is merged, one commit is under way at a time, and a failed one is tried again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::{positions::Source, reader::Shared};
use crate::{
    delivery::{Backoff, Unavailable},
    log::Offsets,
    sqlite::{Change, DEADLINE, Database, now_ms},
};

/// Offsets to commit, and where they stand. What is wanted is bounded by the number of partitions.
#[derive(Default)]
pub(super) struct Commits {
    wanted: Offsets,
    committed: Offsets,
    under_way: bool,
    failure: Option<Unavailable>,
}

impl Commits {
    /// Wants these offsets committed; of two for a partition, the larger.
    pub(super) fn want(&mut self, offsets: &Offsets) {
        for (&partition, &offset) in offsets {
            let wanted = self.wanted.entry(partition).or_insert(offset);
            *wanted = offset.max(*wanted);
        }
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

    fn landed(&mut self, offsets: Offsets) {
        self.wanted.retain(|partition, wanted| offsets.get(partition).is_none_or(|landed| *landed < *wanted));
        self.committed.extend(offsets);
    }
}

/// Decides when to try.
#[derive(Default)]
pub(super) struct Committer {
    backoff: Backoff,
    retry_at: Option<Instant>,
    tried: bool,
}

impl Committer {
    /// Starts a commit if one is due. Returns how long to wait before asking again, if anything is left to do.
    pub(super) fn step(&mut self, database: &Database, source: &Source, shared: &Arc<Shared>) -> Option<Duration> {
        let mut state = shared.state();
        let commits = &mut state.commits;
        if commits.under_way || commits.settled() {
            return None;
        }
        match (&commits.failure, self.tried) {
            (Some(failure), true) => {
                self.retry_at = Some(Instant::now() + self.backoff.next_pause(failure.needs_operator));
                self.tried = false;
            }
            (None, _) => *self = Committer::default(),
            (Some(_), false) => {}
        }
        let pause = self.retry_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        if !pause.is_zero() {
            return Some(pause);
        }
        (commits.under_way, self.tried) = (true, true);
        let change = Commit {
            topic: source.topic,
            group: Arc::clone(&source.group),
            offsets: commits.wanted.clone(),
            deadline: Instant::now() + DEADLINE,
            shared: Arc::clone(shared),
        };
        // Submitting may report a failure at once, and that takes the lock.
        drop(state);
        database.submit(Box::new(change));
        None
    }
}

/// One commit on its way.
struct Commit {
    topic: i64,
    group: Arc<str>,
    offsets: Offsets,
    deadline: Instant,
    shared: Arc<Shared>,
}

impl Change for Commit {
    fn bytes(&self) -> usize {
        self.offsets.len() * 32
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The larger of old and new stays, so that an old generation cannot take a group back; but an offset beyond the
    /// end of its partition (as after a restored backup) does not count.
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO committed_offsets AS old (topic, consumer_group, partition, next_offset, committed_at_ms)
             SELECT ?1, ?2, ?3, min(?4, next_offset), ?5 FROM partitions WHERE topic = ?1 AND partition = ?3
             ON CONFLICT (topic, consumer_group, partition) DO UPDATE SET
                 committed_at_ms = excluded.committed_at_ms,
                 next_offset = iif(
                     old.next_offset > (SELECT next_offset FROM partitions WHERE topic = ?1 AND partition = ?3),
                     excluded.next_offset,
                     max(old.next_offset, excluded.next_offset))",
        )?;
        for (partition, offset) in &self.offsets {
            upsert.execute(params![self.topic, self.group, partition.0, offset.0.cast_signed(), now_ms()])?;
        }
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        let mut state = self.shared.state();
        state.commits.under_way = false;
        state.commits.failure = outcome.as_ref().err().cloned();
        if outcome.is_ok() {
            state.commits.landed(self.offsets);
        }
        drop(state);
        self.shared.commit_ended();
    }
}

/// Says that a group is read, where it has committed already.
pub(super) struct Renewal {
    pub(super) topic: i64,
    pub(super) group: Arc<str>,
    pub(super) deadline: Instant,
}

impl Change for Renewal {
    fn bytes(&self) -> usize {
        self.group.len() + size_of::<Self>()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "UPDATE committed_offsets SET committed_at_ms = ?3 WHERE topic = ?1 AND consumer_group = ?2",
            )?
            .execute(params![self.topic, self.group, now_ms()])
            .map(drop)
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        if let Err(error) = outcome {
            tracing::debug!("a group is not renewed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Offset, PartitionId};

    #[test]
    fn what_is_wanted_while_a_commit_is_under_way_is_committed_next() {
        let offsets = |a, b| Offsets::from([(PartitionId(0), Offset(a)), (PartitionId(1), Offset(b))]);
        let mut commits = Commits::default();
        commits.want(&offsets(5, 9));
        let under_way = commits.wanted.clone();
        commits.want(&offsets(7, 9));
        commits.landed(under_way);
        assert_eq!(commits.wanted, Offsets::from([(PartitionId(0), Offset(7))]));
        commits.landed(commits.wanted.clone());
        assert!(commits.settled());
        assert_eq!(*commits.committed(), offsets(7, 9));
    }
}
