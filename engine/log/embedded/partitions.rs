//! The positions of a reader in its partitions, from which it reads on, and the buffer that it reads into.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    log::{Message, Offset, PartitionId, Payload, Position, Share, commit_state::CommitState},
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
                    let start = self.start(connection, partition, end)?;
                    self.partitions.insert(partition, PartitionState { next: start, end, start });
                }
                None => {}
            }
        }
        Ok(&self.partitions)
    }

    /// Returns the group's committed offset if it is in range, else the offset of the earliest message.
    fn start(&self, connection: &Connection, partition: PartitionId, end: u64) -> rusqlite::Result<u64> {
        let Subscription { topic, group, .. } = &self.subscription;
        let committed = connection
            .prepare_cached(
                "SELECT next_offset FROM committed_offsets WHERE topic = ?1 AND consumer_group = ?2 AND partition = ?3",
            )?
            .query_row(params![topic, group, partition.0], |row| row.get(0).map(i64::cast_unsigned))
            .optional()?;
        let earliest = connection
            .prepare_cached(
                "SELECT \"offset\" FROM messages WHERE topic = ?1 AND partition = ?2 ORDER BY \"offset\" LIMIT 1",
            )?
            .query_row(params![topic, partition.0], |row| row.get(0).map(i64::cast_unsigned))
            .optional()?
            .unwrap_or(end);
        let partition = partition.0;
        match committed {
            // A message may have been appended since `end` was read, and be committed already.
            Some(offset) if (earliest..=end.max(earliest)).contains(&offset) => return Ok(offset),
            Some(offset) => tracing::warn!(
                "the offset {offset} that group {group} has committed in partition {partition} is out of range \
                 ({earliest} to {end}): reading from {earliest}"
            ),
            // From the very first message nothing is left out: a new log, or a new group.
            None if earliest > 0 && earliest < end => tracing::warn!(
                "group {group} has committed no offset in partition {partition}: reading from the earliest, {earliest}"
            ),
            None => {}
        }
        Ok(earliest)
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
            tracing::warn!(
                "the messages {} to {first} of partition {number} are no longer kept: group {group} goes on after them",
                place.next
            );
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
