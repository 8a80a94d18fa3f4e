//! The thread behind a reader: it learns of partitions, which may block, and serves librdkafka's events.

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
};

use super::{
    context::{Context, Quiet},
    dead_letters::ATTEMPT,
    fault::unavailable,
    office::{EVENTS_MAX, Office},
    options::CALL,
    reader::{Arrival, Queue, Shared},
    start::{Extent, start},
    topics,
};
use crate::{
    delivery::{Backoff, Health, Unavailable},
    log::{Message, Offset, Offsets, PartitionId, Payload, Position, Share, Wake},
};

/// How often the thread looks for new partitions, and at how far the known ones go.
const SURVEY_EVERY: Duration = Duration::from_secs(2);
/// It waits for events this long, then sees whether it should stop.
const EVENTS: Duration = Duration::from_millis(50);

/// The thread's state.
pub(super) struct Keeper {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) office: Arc<Office>,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) share: Share,
    pub(super) assigned: BTreeSet<PartitionId>,
    pub(super) shared: Arc<Shared>,
    pub(super) arrivals: SyncSender<Arrival>,
    pub(super) wake: Wake,
    pub(super) health: Arc<Health>,
}

impl Keeper {
    pub(super) fn run(&mut self) {
        let (mut backoff, mut survey_at, mut well) = (Backoff::new(), Instant::now(), true);
        while !self.shared.stopping() {
            // A complaint makes it look at once, but only the first one: the others must not defeat the backoff.
            let alarmed = well && self.shared.has_complaint();
            if alarmed || Instant::now() >= survey_at {
                let outcome = self.survey();
                let pause = match &outcome {
                    Ok(()) => SURVEY_EVERY,
                    Err(error) => backoff.next_pause(error.needs_operator),
                };
                well = outcome.is_ok();
                if well {
                    backoff = Backoff::new();
                } else {
                    // What went wrong is told by events that wait by now.
                    (0..EVENTS_MAX).for_each(|_| self.serve(Duration::ZERO));
                }
                survey_at = Instant::now() + pause;
                match self.shared.fault(outcome) {
                    Some(error) => self.health.waiting(&error),
                    None => self.health.serving(),
                }
            }
            self.serve(EVENTS);
        }
    }

    /// Serves an event: a complaint, or a log line.
    fn serve(&self, limit: Duration) {
        match self.consumer.poll(limit) {
            // The context has heard of the error, with its reason.
            None | Some(Err(_)) => {}
            // Partitions have queues of their own before they are assigned, so none is expected; but it is a record.
            Some(Ok(message)) => {
                if self.arrivals.send(Arrival::Message(taken(&message))).is_ok() {
                    (self.wake)();
                }
            }
        }
    }

    /// Looks at all partitions: whether there are new ones, and how far the others go. Blocks, a few calls long. What
    /// fails for one partition is no reason to leave the others.
    fn survey(&mut self) -> Result<(), Unavailable> {
        let count = self.office.call(|client| topics::count_partitions(client, &self.topic))?;
        let count = count.ok_or_else(|| topics::missing(&self.topic))?;
        let owned = (0..count).map(PartitionId).filter(|partition| self.share.owns(*partition));
        let (known, new): (Vec<_>, Vec<_>) = owned.partition(|partition| self.assigned.contains(partition));
        let mut outcome = if new.is_empty() { Ok(()) } else { self.assign(&new) };
        for partition in known {
            match self.extent(partition) {
                Ok(extent) => self.shared.extends(partition, extent),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn extent(&self, partition: PartitionId) -> Result<Extent, Unavailable> {
        let number = partition.0.cast_signed();
        let failed = |error| unavailable(&format!("cannot learn the offsets of partition {number}"), &error);
        let ask = |client: &BaseConsumer<Quiet>| client.fetch_watermarks(&self.topic, number, CALL).map_err(failed);
        let (low, high) = self.office.call(ask)?;
        Ok(Extent { low: low.max(0).cast_unsigned(), high: high.max(0).cast_unsigned() })
    }

    /// Starts reading partitions, as many as can be. Each gets its queue first and is assigned then, so that none of its messages goes to
    /// the common queue; and it is assigned besides the others: `assign` would switch their queues off.
    fn assign(&mut self, new: &[PartitionId]) -> Result<(), Unavailable> {
        let committed = self.committed(new)?;
        let (mut list, mut queues, mut outcome) = (TopicPartitionList::new(), Vec::new(), Ok(()));
        for &partition in new {
            match self.prepare(partition, committed.get(&partition).copied(), &mut list) {
                Ok(prepared) => queues.push(prepared),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if queues.is_empty() {
            return outcome;
        }
        self.consumer.incremental_assign(&list).map_err(|error| unavailable("cannot assign partitions", &error))?;
        for (queue, extent) in queues {
            self.assigned.insert(queue.partition);
            let found = committed.get(&queue.partition).copied();
            self.shared.begins(queue.partition, queue.next, found, extent);
            // The reader is gone: then so is, soon, this thread.
            let _ = self.arrivals.send(Arrival::Partition(queue));
        }
        (self.wake)();
        outcome
    }

    /// Makes a partition's queue, and adds it to the list of those to be assigned.
    fn prepare(
        &self,
        partition: PartitionId,
        committed: Option<Offset>,
        list: &mut TopicPartitionList,
    ) -> Result<(Queue, Extent), Unavailable> {
        let (number, extent) = (partition.0.cast_signed(), self.extent(partition)?);
        let (next, warning) = start(committed.map(|offset| offset.0), extent);
        if let Some(warning) = warning {
            tracing::warn!("group {} in partition {number} of topic {}: {warning}", self.group, self.topic);
        }
        let queue = self.consumer.split_partition_queue(&self.topic, number);
        let mut queue = queue.ok_or_else(|| Unavailable::transient(format!("partition {number} has no queue")))?;
        let wake = Arc::clone(&self.wake);
        queue.set_nonempty_callback(move || wake());
        list.add_partition_offset(&self.topic, number, KafkaOffset::Offset(next.cast_signed()))
            .map_err(|error| unavailable(&format!("cannot assign partition {number}"), &error))?;
        Ok((Queue { partition, queue, next }, extent))
    }

    /// What the group has committed in these partitions.
    fn committed(&self, partitions: &[PartitionId]) -> Result<Offsets, Unavailable> {
        let failed =
            |error: KafkaError| unavailable(&format!("cannot learn the offsets of group {}", self.group), &error);
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, partition.0.cast_signed());
        }
        let list = self.office.call(|client| client.committed_offsets(list, CALL).map_err(failed))?;
        let mut offsets = Offsets::new();
        for element in list.elements() {
            element.error().map_err(failed)?;
            if let KafkaOffset::Offset(offset) = element.offset() {
                offsets.insert(PartitionId(element.partition().cast_unsigned()), Offset(offset.cast_unsigned()));
            }
        }
        Ok(offsets)
    }
}

/// A message of our own. A message without a payload (a tombstone) counts as an empty one.
pub(super) fn taken(message: &BorrowedMessage<'_>) -> Message {
    let partition = PartitionId(message.partition().cast_unsigned());
    let position = Position { partition, offset: Offset(message.offset().cast_unsigned()) };
    let attempt = message.headers().map_or(0, attempt);
    Message { position, payload: Payload::new(message.payload().unwrap_or_default().to_vec()), attempt }
}

/// How often a message with these headers has been replayed.
pub(super) fn attempt(headers: &impl Headers) -> u32 {
    let of = headers.iter().find(|header| header.key == ATTEMPT).and_then(|header| header.value);
    of.and_then(|value| str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0)
}
