//! Assigns partitions to a reader, each with its start and its extent.

use std::{collections::BTreeMap, sync::Arc};

use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};

use super::{
    context::Quiet,
    fault::unavailable,
    keeper::Keeper,
    options::CALL,
    reader::{Arrival, Queue},
    start::{Basis, Committed, Extent, Remark, start},
    tag::Tag,
};
use crate::{
    delivery::Unavailable,
    log::{Offset, PartitionId, TopicId},
};

/// A partition that is to be assigned.
struct New {
    partition: PartitionId,
    extent: Extent,
    start: u64,
    committed: Option<Offset>,
}

impl Keeper {
    pub(super) fn extent(&self, partition: PartitionId) -> Result<Extent, Unavailable> {
        let number = partition.0.cast_signed();
        let failed = |error| unavailable(&format!("cannot learn the offsets of partition {number}"), &error);
        let ask = |client: &BaseConsumer<Quiet>| client.fetch_watermarks(&self.topic, number, CALL).map_err(failed);
        let (low, high) = self.office.call(ask)?;
        Ok(Extent { low: low.max(0).cast_unsigned(), high: high.max(0).cast_unsigned() })
    }

    /// Starts reading partitions, as many as can be. Each gets its queue first and is assigned then, so that none of
    /// its messages goes to the common queue; and it is assigned besides the others: `assign` would switch their queues
    /// off.
    pub(super) fn assign(&mut self, partitions: &[PartitionId]) -> Result<(), Unavailable> {
        let (mut list, mut queues, mut outcome) = (TopicPartitionList::new(), Vec::new(), Ok(()));
        for new in self.starts(partitions, &mut outcome)? {
            match self.prepare(&new, &mut list) {
                Ok(queue) => queues.push((queue, new)),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if queues.is_empty() {
            return outcome;
        }
        let consumer = &self.source.consumer;
        consumer.incremental_assign(&list).map_err(|error| unavailable("cannot assign partitions", &error))?;
        for (queue, New { partition, extent, start, committed }) in queues {
            self.assigned.insert(partition);
            self.shared.begins(partition, start, committed, extent);
            // The reader is gone: then so is, soon, this thread.
            let _ = self.arrivals.send(Arrival::Partition(queue));
        }
        (self.wake)();
        outcome
    }

    /// Finds out where these partitions start, and says what is to be said of that. A partition whose extent cannot be
    /// learned is left out, and told in `outcome`.
    fn starts(
        &mut self,
        partitions: &[PartitionId],
        outcome: &mut Result<(), Unavailable>,
    ) -> Result<Vec<New>, Unavailable> {
        let by_group = self.committed(partitions)?;
        let mut found = Vec::new();
        for &partition in partitions {
            match self.extent(partition) {
                Ok(extent) => found.push((partition, extent)),
                Err(error) => *outcome = std::mem::replace(outcome, Ok(())).and(Err(error)),
            }
        }
        let id = self.identity.id();
        let of = |basis: &Basis, partition| basis.committed(partition, by_group.get(&partition).copied());
        // Without ids this is a sign of a topic that was made anew, and one partition speaks for all.
        let beyond = |(partition, extent): &(PartitionId, Extent)| {
            of(&self.basis, *partition).is_some_and(|committed| committed.offset.0 > extent.high)
        };
        if id.is_none() && self.assigned.is_empty() && found.iter().any(beyond) {
            tracing::warn!(
                "group {} has read beyond the end of topic {}, and this broker gives topics no id: it counts as \
                 made anew, and reading starts at its earliest message",
                self.group,
                self.topic
            );
            self.basis = Basis::Anew;
        }
        let (mut new, mut foreign) = (Vec::new(), BTreeMap::<TopicId, Vec<u32>>::new());
        for (partition, extent) in found {
            // A broker names the new topic a moment before it serves it, and may have told the beginning of the former
            // one. The first offset of a topic is 0; one that is deleted already is out of range, and the reader starts
            // over.
            let low = if self.basis == Basis::Anew && id.is_some() { 0 } else { extent.low };
            let extent = Extent { low, ..extent };
            let committed = of(&self.basis, partition);
            let (start, remark) = start(committed, id, extent);
            let place = format!("group {} in partition {} of topic {}", self.group, partition.0, self.topic);
            match remark {
                _ if self.basis == Basis::Anew => {}
                Remark::Nothing => {}
                Remark::First => tracing::info!("{place}: no offset is committed: reading from the first message on"),
                Remark::Warning(warning) => tracing::warn!("{place}: {warning}"),
                Remark::Foreign(other) => foreign.entry(other).or_default().push(partition.0),
            }
            new.push(New { partition, extent, start, committed: committed.map(|committed| committed.offset) });
        }
        for (other, partitions) in foreign {
            let now = id.map(|id| format!(", it is {id} now")).unwrap_or_default();
            tracing::warn!(
                "topic {} was deleted and made anew: what group {} has committed in partitions {partitions:?} belongs \
                 to a former topic of this name (id {other}{now}), and reading starts at the earliest message",
                self.topic,
                self.group
            );
        }
        Ok(new)
    }

    /// Makes a partition's queue, and adds it to the list of those to be assigned.
    fn prepare(&self, new: &New, list: &mut TopicPartitionList) -> Result<Queue, Unavailable> {
        let (partition, number, start) = (new.partition, new.partition.0.cast_signed(), new.start);
        let queue = self.source.consumer.split_partition_queue(&self.topic, number);
        let mut queue = queue.ok_or_else(|| Unavailable::transient(format!("partition {number} has no queue")))?;
        let wake = Arc::clone(&self.wake);
        queue.set_nonempty_callback(move || wake());
        list.add_partition_offset(&self.topic, number, KafkaOffset::Offset(start.cast_signed()))
            .map_err(|error| unavailable(&format!("cannot assign partition {number}"), &error))?;
        let (marks, topic_id) = (self.source.progress.of(partition), self.identity.id());
        Ok(Queue { partition, queue, marks, topic_id, next: start, returned: start, clear_to: start })
    }

    /// Returns the offsets that the group has committed in these partitions, each with its tag.
    fn committed(&self, partitions: &[PartitionId]) -> Result<BTreeMap<PartitionId, Committed>, Unavailable> {
        let failed =
            |error: KafkaError| unavailable(&format!("cannot learn the offsets of group {}", self.group), &error);
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, partition.0.cast_signed());
        }
        let list = self.office.call(|client| client.committed_offsets(list, CALL).map_err(failed))?;
        let mut committed = BTreeMap::new();
        for element in list.elements() {
            element.error().map_err(failed)?;
            if let KafkaOffset::Offset(offset) = element.offset() {
                let (offset, tag) = (Offset(offset.cast_unsigned()), Tag::parse(element.metadata()));
                committed.insert(PartitionId(element.partition().cast_unsigned()), Committed { offset, tag });
            }
        }
        Ok(committed)
    }
}
