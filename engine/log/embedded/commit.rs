//! Commits offsets, and renews those of an idle group.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::partitions::{Shared, Subscription};
use crate::{
    delivery::Unavailable,
    log::Offsets,
    sqlite::{DEADLINE, Database, WriteOp, now_ms},
};

/// Starts a commit if one is due. Returns the time after which to ask again, if a retry is waited for.
pub(super) fn commit_if_due(
    database: &Database,
    subscription: &Subscription,
    shared: &Arc<Shared>,
) -> Option<Duration> {
    let mut state = shared.state();
    let Some(offsets) = state.commits.start(&Offsets::new()) else { return state.commits.retry_in() };
    // Released before submitting, which may report a failure at once and then takes the lock.
    drop(state);
    database.submit(Box::new(Commit {
        topic: subscription.topic,
        group: Arc::clone(&subscription.group),
        offsets,
        deadline: Instant::now() + DEADLINE,
        shared: Arc::clone(shared),
    }));
    None
}

/// A commit in flight.
struct Commit {
    topic: i64,
    group: Arc<str>,
    offsets: Offsets,
    deadline: Instant,
    shared: Arc<Shared>,
}

impl WriteOp for Commit {
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
        self.shared.state().commits.end(&self.offsets, outcome);
        self.shared.commit_ended();
    }
}

/// Renews the committed offsets of a group that is read.
pub(super) struct RenewGroup {
    pub(super) topic: i64,
    pub(super) group: Arc<str>,
    pub(super) deadline: Instant,
}

impl WriteOp for RenewGroup {
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
