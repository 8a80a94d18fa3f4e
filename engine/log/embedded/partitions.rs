//! The positions of a reader in its partitions, from which it reads on, and the buffer that it reads into.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use rusqlite::{Connection, params};

use crate::{
    log::{Message, Offset, PartitionId, Payload, Position, Share, Start, commit_state::CommitState},
    runtime::{Condvar, Mutex, MutexGuard},
    sqlite::Notifier,
};

/// Upper bound on the messages in the buffer of a reader.
pub const READ_AHEAD_MESSAGES_MAX: usize = 8192;
/// Approximate upper bound on their bytes: one message more may be there, truncated as a [`Payload`].
pub const READ_AHEAD_BYTES_MAX: usize = 16 << 20;

/// Upper bound on the messages that are read from one partition before the next one,
const CHUNK_MESSAGES_MAX: usize = 512;
/// and approximately on their bytes.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// The topic that is read, and the group that reads it.
pub(super) struct Subscription {
    pub(super) topic: i64,
    pub(super) group: Arc<str>,
    pub(super) share: Share,
    pub(super) start: Start,
}

/// The free space of the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// An owned partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartitionState {
    /// The next offset to read.
    pub(super) next: u64,
    /// The offset of the next message to be appended, as of the last refresh.
    pub(super) end: u64,
    /// The offset at which reading started.
    pub(super) start: u64,
    /// The offset that the group had committed by then, if it was in range.
    pub(super) committed: Option<Offset>,
}

/// The messages of a partition and the group's commit, when the reader begins with it. It is read in one statement: a
/// commit that lands between two reads would look out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    /// The offset of the earliest message that is kept; the end if none is.
    earliest: u64,
    end: u64,
    /// The offset that the group has committed.
    committed: Option<u64>,
}

impl Extent {
    fn of(connection: &Connection, subscription: &Subscription, partition: PartitionId) -> rusqlite::Result<Self> {
        let Subscription { topic, group, .. } = subscription;
        let mut query = connection.prepare_cached(
            "SELECT p.next_offset,
                    (SELECT \"offset\" FROM messages WHERE topic = p.topic AND partition = p.partition
                     ORDER BY \"offset\" LIMIT 1),
                    (SELECT next_offset FROM committed_offsets
                     WHERE topic = p.topic AND consumer_group = ?2 AND partition = p.partition)
             FROM partitions p WHERE p.topic = ?1 AND p.partition = ?3",
        )?;
        query.query_row(params![topic, group, partition.0], |row| {
            let end = row.get::<_, i64>(0)?.cast_unsigned();
            let earliest = row.get::<_, Option<i64>>(1)?.map_or(end, i64::cast_unsigned);
            Ok(Extent { earliest, end, committed: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned) })
        })
    }

    /// Returns the committed offset if it is in range. Beyond the end it was committed in another file, as before a
    /// backup was restored; below the earliest message it tells nothing of those that are kept.
    fn committed(&self) -> Option<Offset> {
        self.committed.filter(|offset| (self.earliest..=self.end).contains(offset)).map(Offset)
    }

    /// Returns the offset from which the partition is read, and a warning if messages are read again or were missed.
    fn start(&self, start: Start) -> (u64, Option<String>) {
        let Extent { earliest, end, .. } = *self;
        let warning = match (start, self.committed(), self.committed) {
            (Start::Earliest, ..) => None,
            (Start::Committed, Some(offset), _) => return (offset.0, None),
            (Start::Committed, None, Some(offset)) => Some(format!(
                "the committed offset {offset} is out of range ({earliest} to {end}): reading from {earliest}"
            )),
            // From the very first message nothing is left out: a new log, or a new group.
            (Start::Committed, None, None) => (earliest > 0 && earliest < end)
                .then(|| format!("no offset is committed: reading from the earliest, {earliest}")),
        };
        (earliest, warning)
    }
}

/// The owned partitions, which are read in turn.
pub(super) struct PartitionCursor {
    subscription: Subscription,
    partitions: BTreeMap<PartitionId, PartitionState>,
    turn: PartitionId,
}

impl PartitionCursor {
    pub(super) fn new(subscription: Subscription) -> Self {
        PartitionCursor { subscription, partitions: BTreeMap::new(), turn: PartitionId(0) }
    }

    pub(super) fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Updates the ends of all partitions, and adds new ones.
    pub(super) fn refresh(
        &mut self,
        connection: &Connection,
    ) -> rusqlite::Result<&BTreeMap<PartitionId, PartitionState>> {
        let mut query = connection.prepare_cached("SELECT partition, next_offset FROM partitions WHERE topic = ?1")?;
        let ends = query.query_map([self.subscription.topic], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        for row in ends {
            let (partition, end) = row.map(|(number, end)| (PartitionId(number), end.cast_unsigned()))?;
            match self.partitions.get_mut(&partition) {
                Some(place) => place.end = end,
                None if self.subscription.share.owns(partition) => {
                    let found = Extent::of(connection, &self.subscription, partition)?;
                    let (start, warning) = found.start(self.subscription.start);
                    if let Some(warning) = warning {
                        let group = &self.subscription.group;
                        tracing::warn!("group {group} in partition {}: {warning}", partition.0);
                    }
                    let (end, committed) = (found.end, found.committed());
                    self.partitions.insert(partition, PartitionState { next: start, end, start, committed });
                }
                None => {}
            }
        }
        Ok(&self.partitions)
    }

    /// Reads some messages of the partition whose turn it is; none if all partitions are read to their end.
    pub(super) fn read(&mut self, connection: &Connection, room: Room) -> rusqlite::Result<Vec<Message>> {
        let turns = self.partitions.range(self.turn..).chain(self.partitions.range(..self.turn));
        let behind = turns.filter(|(_, place)| place.next < place.end).map(|(partition, place)| (*partition, *place));
        let Some((partition, place)) = behind.take(1).next() else { return Ok(Vec::new()) };
        let messages = self.read_from(connection, partition, place.next, room)?;
        let first = messages.first().map_or(place.end, |message| message.position.offset.0);
        if first != place.next {
            let (number, group) = (partition.0, &self.subscription.group);
            let gone = format!("the messages {} to {first} of partition {number} are no longer kept", place.next);
            match self.subscription.start {
                Start::Committed => tracing::warn!("{gone}: group {group} goes on after them"),
                // They are behind the commits of all groups, and grow too old while the others are read.
                Start::Earliest => tracing::debug!("{gone}"),
            }
        }
        let next = messages.last().map_or(first, |message| message.position.offset.next().0);
        self.partitions.insert(partition, PartitionState { next, ..place });
        self.turn = PartitionId(partition.0 + 1);
        Ok(messages)
    }

    fn read_from(
        &self,
        connection: &Connection,
        partition: PartitionId,
        next: u64,
        room: Room,
    ) -> rusqlite::Result<Vec<Message>> {
        let mut query = connection.prepare_cached(
            "SELECT \"offset\", body, attempt FROM messages WHERE topic = ?1 AND partition = ?2 AND \"offset\" >= ?3
             ORDER BY \"offset\" LIMIT ?4",
        )?;
        let count_max = room.messages.min(CHUNK_MESSAGES_MAX) as i64;
        let mut rows = query.query(params![self.subscription.topic, partition.0, next.cast_signed(), count_max])?;
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while bytes < room.bytes.min(CHUNK_BYTES_MAX)
            && let Some(row) = rows.next()?
        {
            let offset = Offset(row.get::<_, i64>(0)?.cast_unsigned());
            let payload = Payload::new(row.get(1)?);
            bytes += buffered_bytes(&payload);
            messages.push(Message {
                position: Position { partition, offset },
                payload,
                attempt: row.get(2)?,
                topic_id: None,
            });
        }
        // Dropping the rows resets the statement: nothing stays open.
        Ok(messages)
    }
}

/// Returns the number of partitions of a topic: they are numbered from 0, without a gap.
pub(super) fn count_partitions(connection: &Connection, topic: i64) -> rusqlite::Result<u32> {
    let mut query =
        connection.prepare_cached("SELECT coalesce(max(partition) + 1, 0) FROM partitions WHERE topic = ?1")?;
    query.query_row([topic], |row| row.get(0))
}

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
    /// True if everything up to the ends of `partitions` has been put into the buffer.
    pub(super) is_at_end: bool,
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

    /// Returns the offset that is committed in a partition: by this reader, or by the group before. The larger one
    /// counts, as in the file.
    pub(super) fn committed(&self, partition: PartitionId) -> Option<Offset> {
        let before = self.partitions.get(&partition).and_then(|state| state.committed);
        self.commits.committed().get(&partition).copied().max(before)
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

/// Returns the memory that a message takes in the buffer.
pub(super) fn buffered_bytes(payload: &Payload) -> usize {
    payload.bytes().len() + size_of::<Message>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_starts_at_the_committed_offset_or_at_the_earliest_with_a_warning() {
        let extent = |committed| Extent { earliest: 10, end: 20, committed };
        for offset in [10, 15, 20] {
            assert_eq!(extent(Some(offset)).start(Start::Committed), (offset, None));
            assert_eq!(extent(Some(offset)).committed(), Some(Offset(offset)));
        }
        for committed in [Some(0), Some(9), Some(21), None] {
            let (start, warning) = extent(committed).start(Start::Committed);
            assert!(start == 10 && warning.is_some_and(|warning| warning.contains("reading from")), "{committed:?}");
            assert_eq!(extent(committed).committed(), None);
        }
        for (earliest, end) in [(0, 7), (7, 7)] {
            let new = Extent { earliest, end, committed: None };
            assert_eq!(new.start(Start::Committed), (earliest, None), "nothing is left out");
        }
    }

    #[test]
    fn promise_10_the_earliest_message_is_the_start_without_a_warning() {
        for committed in [None, Some(0), Some(10), Some(15), Some(20), Some(21)] {
            assert_eq!(Extent { earliest: 10, end: 20, committed }.start(Start::Earliest), (10, None));
        }
    }
}
