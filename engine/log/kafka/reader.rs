//! Reads a topic: librdkafka fetches into a bounded queue for each partition, and `poll` takes from them in turn.
//!
//! Partitions are revoked if the topic was recreated, or a position is out of range. The reader then hands out nothing
//! more. Once all messages that it has handed out have come back through `commit`, it drops its queues, and the
//! assigner starts over. So no offset of the former topic is taken for one of the new topic.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _,
    consumer::base_consumer::PartitionQueue,
    error::RDKafkaErrorCode as Code,
    message::{BorrowedMessage, Headers},
};

use super::{
    client::unavailable,
    commit::CommitQueue,
    consumer::{FetchState, ReaderContext},
    producer::ATTEMPT_HEADER,
    start::{ReadPosition, ReadPositions, Watermarks},
};
use crate::{
    delivery::Unavailable,
    log::{Lag, Message, Offset, Offsets, PartitionId, Payload, Position, Reader, TopicId},
    runtime::{JOIN_TIMEOUT, Mutex, MutexGuard, Thread},
};

/// Upper bound on the messages that are taken from one partition before the next one.
const CHUNK_MESSAGES_MAX: usize = 256;
/// Time for which an error of a partition is reported, unless a message is read: librdkafka reports it once.
const ERROR_LIFETIME: Duration = Duration::from_secs(30);

/// Converts a message. One without a payload (a tombstone) counts as empty.
pub(super) fn to_message(message: &BorrowedMessage<'_>, topic_id: Option<TopicId>) -> Message {
    let partition = PartitionId(message.partition().cast_unsigned());
    let position = Position { partition, offset: Offset(message.offset().cast_unsigned()) };
    let attempt = message.headers().map_or(0, attempt);
    Message { position, payload: Payload::new(message.payload().unwrap_or_default().to_vec()), attempt, topic_id }
}

/// Returns the number of times that a message with these headers was replayed.
pub(super) fn attempt(headers: &impl Headers) -> u32 {
    let value = headers.iter().find(|header| header.key == ATTEMPT_HEADER).and_then(|header| header.value);
    value.and_then(|value| str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0)
}

/// An event that the assigner sends to the reader.
pub(super) enum Event {
    /// A partition is assigned.
    Assigned(PartitionReader),
    /// A message came outside the queues of the partitions.
    Message(Message),
}

/// The reader of one partition.
pub(super) struct PartitionReader {
    pub(super) partition: PartitionId,
    pub(super) queue: PartitionQueue<ReaderContext>,
    pub(super) fetched: Arc<FetchState>,
    /// The id of the topic that it was assigned for.
    pub(super) topic_id: Option<TopicId>,
    /// The offset that the group had committed when it was assigned.
    pub(super) committed: Option<Offset>,
    /// The offset after the last message that was handed out.
    pub(super) next: u64,
    /// The offset after the last message that has come back through `commit`.
    pub(super) handled: u64,
    /// The end of a gap: no messages are between `next` and here.
    pub(super) gap_end: u64,
}

impl PartitionReader {
    /// Moves at most `messages_max` messages; returns whether the queue was not emptied.
    fn take(&mut self, messages_max: usize, into: &mut Vec<Message>, state: &ReadState) -> bool {
        // Loaded before the queue is polled: all messages before this offset have been put into the queue.
        let fetched_to = self.fetched.fetched_to();
        for _ in 0..messages_max {
            match self.queue.poll(Duration::ZERO) {
                None => {
                    self.gap_end = self.gap_end.max(fetched_to);
                    return false;
                }
                Some(Ok(message)) => {
                    let message = to_message(&message, self.topic_id);
                    self.next = message.position.offset.next().0;
                    into.push(message);
                }
                Some(Err(error)) => {
                    let outage = unavailable(&format!("cannot read partition {}", self.partition.0), &error);
                    let mut state = state.lock();
                    if error.rdkafka_error_code() == Some(Code::AutoOffsetReset) {
                        state.out_of_range.insert(self.partition);
                    }
                    state.errors.insert(self.partition, (Instant::now(), outage));
                }
            }
        }
        true
    }

    /// Returns whether all messages that were handed out have come back.
    fn is_all_handled(&self) -> bool {
        self.handled >= self.next
    }

    /// Moves past a gap if all messages before it are handled. Returns the new offset, if it moved.
    fn skip_gap(&mut self) -> Option<Offset> {
        if self.gap_end <= self.next || !self.is_all_handled() {
            return None;
        }
        (self.next, self.handled) = (self.gap_end, self.gap_end);
        Some(Offset(self.gap_end))
    }
}

/// An owned partition.
#[derive(Debug, Clone, Copy)]
struct PartitionState {
    /// The offset at which reading started.
    start: u64,
    high_watermark: u64,
}

/// The state of a revocation of all partitions.
#[derive(Default)]
enum Revocation {
    #[default]
    None,
    /// Messages that were handed out have not all come back.
    Draining,
    /// All messages have come back; partitions were read up to these positions.
    Done(ReadPositions),
}

#[derive(Default)]
struct State {
    partitions: BTreeMap<PartitionId, PartitionState>,
    errors: BTreeMap<PartitionId, (Instant, Unavailable)>,
    /// Partitions that librdkafka has stopped reading because their positions are out of range.
    out_of_range: BTreeSet<PartitionId>,
    revocation: Revocation,
}

/// The state of reading, shared by the reader and its assigner.
#[derive(Default)]
pub(super) struct ReadState {
    state: Mutex<State>,
    /// True during a revocation; `poll` checks it without the lock.
    is_revoking: AtomicBool,
    is_stopped: AtomicBool,
}

impl ReadState {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Returns a recent error of a partition.
    pub(super) fn error(&self) -> Option<Unavailable> {
        let errors = &mut self.lock().errors;
        errors.retain(|_, (at, _)| at.elapsed() < ERROR_LIFETIME);
        errors.values().next().map(|(_, error)| error.clone())
    }

    /// Adds a partition that is read from `start`.
    pub(super) fn add(&self, partition: PartitionId, start: u64, watermarks: Watermarks) {
        self.lock().partitions.insert(partition, PartitionState { start, high_watermark: watermarks.high });
    }

    /// Updates the high watermark of a partition.
    pub(super) fn update(&self, partition: PartitionId, watermarks: Watermarks) {
        if let Some(state) = self.lock().partitions.get_mut(&partition) {
            state.high_watermark = watermarks.high;
        }
    }

    /// Revokes all partitions: the reader hands out nothing more.
    pub(super) fn revoke(&self) {
        let mut state = self.lock();
        state.partitions.clear();
        state.revocation = Revocation::Draining;
        self.is_revoking.store(true, Ordering::Release);
    }

    /// Returns whether a revocation is done: all messages that were handed out have come back.
    pub(super) fn is_revoked(&self) -> bool {
        matches!(self.lock().revocation, Revocation::Done(_))
    }

    /// Ends a revocation that is done. Returns the positions up to which the partitions were read; `None` if it is not
    /// done.
    pub(super) fn end_revocation(&self) -> Option<ReadPositions> {
        let mut state = self.lock();
        let Revocation::Done(positions) = &mut state.revocation else { return None };
        let positions = std::mem::take(positions);
        state.revocation = Revocation::None;
        state.errors.clear();
        state.out_of_range.clear();
        self.is_revoking.store(false, Ordering::Release);
        Some(positions)
    }

    pub(super) fn is_out_of_range(&self) -> bool {
        !self.lock().out_of_range.is_empty()
    }

    /// Returns the partitions whose positions are out of range.
    pub(super) fn out_of_range(&self) -> Vec<u32> {
        self.lock().out_of_range.iter().map(|partition| partition.0).collect()
    }
}

/// Reads the partitions that its assigner assigns. Dropping it ends its threads.
pub(super) struct KafkaReader {
    pub(super) state: Arc<ReadState>,
    pub(super) commits: Arc<CommitQueue>,
    pub(super) events: Option<Receiver<Event>>,
    pub(super) partitions: Vec<PartitionReader>,
    /// The index of the partition that was read last.
    pub(super) turn: usize,
    pub(super) threads: [Thread; 2],
}

impl KafkaReader {
    fn receive(&mut self, messages_max: usize, into: &mut Vec<Message>) {
        let Some(events) = &self.events else { return };
        let before = into.len();
        while into.len() - before < messages_max {
            match events.try_recv() {
                Ok(Event::Assigned(partition)) => self.partitions.push(partition),
                Ok(Event::Message(message)) => {
                    let Position { partition, offset } = message.position;
                    let reader = self.partitions.iter_mut().find(|reader| reader.partition == partition);
                    reader.into_iter().for_each(|reader| reader.next = reader.next.max(offset.next().0));
                    into.push(message);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Drops the partitions once all messages that were handed out have come back.
    fn revoke(&mut self) {
        // Messages that were received and not handed out are read again, if they still exist.
        while let Some(Ok(event)) = self.events.as_ref().map(Receiver::try_recv) {
            if let Event::Assigned(partition) = event {
                self.partitions.push(partition);
            }
        }
        if !self.partitions.iter().all(PartitionReader::is_all_handled) {
            return;
        }
        let mut state = self.state.lock();
        let out_of_range = &state.out_of_range;
        let position = |reader: PartitionReader| {
            let is_out_of_range = out_of_range.contains(&reader.partition);
            (reader.partition, ReadPosition { next: Offset(reader.next), is_out_of_range })
        };
        let positions = self.partitions.drain(..).map(position).collect();
        if let Revocation::Draining = state.revocation {
            state.revocation = Revocation::Done(positions);
        }
    }

    /// Requests commits of the offsets after gaps whose preceding messages are all handled.
    fn skip_gaps(&mut self) {
        for reader in &mut self.partitions {
            if let Some(offset) = reader.skip_gap() {
                self.commits.request_optional(reader.partition, offset);
            }
        }
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, messages_max: usize, into: &mut Vec<Message>) -> bool {
        if self.state.is_revoking.load(Ordering::Acquire) {
            self.revoke();
            return false;
        }
        let end = into.len() + messages_max;
        self.receive(messages_max, into);
        let mut empty = 0;
        while into.len() < end && empty < self.partitions.len() {
            self.turn = (self.turn + 1) % self.partitions.len();
            let Some(reader) = self.partitions.get_mut(self.turn) else { break };
            let before = into.len();
            let more = reader.take(CHUNK_MESSAGES_MAX.min(end - before), into, &self.state);
            if into.len() > before {
                self.state.lock().errors.remove(&reader.partition);
            }
            empty = if more { 0 } else { empty + 1 };
        }
        self.skip_gaps();
        into.len() == end
    }

    fn committed(&self) -> Offsets {
        // The queue forgets the commits of a topic that is left, of which messages may still be handled.
        let of = |committed: &Offsets, reader: &PartitionReader| {
            let offset = committed.get(&reader.partition).copied().or(reader.committed)?;
            Some((reader.partition, offset))
        };
        self.commits.with_committed(|committed| self.partitions.iter().filter_map(|it| of(committed, it)).collect())
    }

    fn commit(&mut self, offsets: &Offsets) {
        for reader in &mut self.partitions {
            reader.handled = offsets.get(&reader.partition).map_or(reader.handled, |offset| offset.0);
        }
        if self.state.is_revoking.load(Ordering::Acquire) {
            return self.revoke();
        }
        self.commits.request(offsets);
        self.skip_gaps();
    }

    fn renew(&mut self) {
        self.commits.renew();
    }

    fn close(&mut self, deadline: Instant) -> Result<(), Unavailable> {
        self.commits.close(deadline)
    }

    fn lag(&self) -> Option<Lag> {
        let state = self.state.lock();
        let lag = |committed: &Offsets, (id, partition): (&PartitionId, &PartitionState)| {
            let read = self.partitions.iter().find(|reader| reader.partition == *id).map_or(0, |reader| reader.next);
            let committed = committed.get(id).map_or(partition.start, |offset| offset.0);
            (*id, partition.high_watermark.max(read).saturating_sub(committed))
        };
        Some(self.commits.with_committed(|committed| state.partitions.iter().map(|it| lag(committed, it)).collect()))
    }

    fn exhausted(&self) -> usize {
        let state = self.state.lock();
        let is_exhausted = |reader: &&PartitionReader| {
            let read_to = reader.next.max(reader.gap_end);
            state.partitions.get(&reader.partition).is_some_and(|partition| read_to >= partition.high_watermark)
        };
        self.partitions.iter().filter(is_exhausted).count()
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        // The consumer must not outlive its queues, and its last owner waits while it closes: that is one of the
        // threads.
        self.partitions.clear();
        self.events = None;
        self.state.stop();
        self.commits.stop();
        let deadline = Instant::now() + JOIN_TIMEOUT;
        self.threads.iter().for_each(|thread| thread.join(deadline.saturating_duration_since(Instant::now())));
    }
}
