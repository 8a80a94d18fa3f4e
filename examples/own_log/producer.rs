//! The producer: a thread appends queued messages, those that wait together with one sync for each partition.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use engine::{
    delivery::Unavailable,
    log::{Offset, PartitionId, Position, Producer, PublishCallback, PublishError},
    runtime::Thread,
};

use crate::partition::{Cursor, MESSAGE_BYTES_MAX, Partitions, Record};

/// Upper bound on the messages that wait, and on those that are appended together.
const QUEUE_MAX: usize = 1000;

/// A message that waits.
struct Queued {
    /// The hash of its key.
    hash: Option<u64>,
    record: Record,
    done: PublishCallback,
}

/// The handle of an appending thread, which ends after it is dropped.
pub(crate) struct FolderProducer(SyncSender<Queued>);

impl FolderProducer {
    pub(crate) fn start(partitions: &Partitions) -> Result<Self, Unavailable> {
        let (queue, queued) = sync_channel(QUEUE_MAX);
        let mut appender = Appender { partitions: partitions.clone(), ends: BTreeMap::new(), next: 0 };
        Thread::spawn("folder-append", move || appender.run(&queued))
            .map_err(|error| partitions.unavailable(&error))?;
        Ok(FolderProducer(queue))
    }
}

impl Producer for FolderProducer {
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: PublishCallback) {
        if payload.len() > MESSAGE_BYTES_MAX {
            return done(Err(PublishError::TooLarge { bytes: payload.len(), bytes_max: MESSAGE_BYTES_MAX }));
        }
        let queued = Queued { hash: key.map(fnv_1a), record: Record { attempt, message: payload.into() }, done };
        if let Err(TrySendError::Full(queued) | TrySendError::Disconnected(queued)) = self.0.try_send(queued) {
            (queued.done)(Err(Unavailable::transient("too many messages wait to be appended").into()));
        }
    }
}

/// The hash of a key; it must not change, since messages with a key stay in one partition.
fn fnv_1a(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The thread's state.
struct Appender {
    partitions: Partitions,
    /// The known ends of the partitions.
    ends: BTreeMap<PartitionId, Cursor>,
    /// Takes the place of a hash where there is no key: all partitions in turn.
    next: u64,
}

impl Appender {
    fn run(&mut self, queue: &Receiver<Queued>) {
        while let Ok(first) = queue.recv() {
            let waiting: Vec<Queued> = std::iter::once(first).chain(queue.try_iter()).take(QUEUE_MAX).collect();
            // While the folder is missing, the append to its first partition fails.
            let count = u64::from(self.partitions.count().unwrap_or(1));
            let mut batches = BTreeMap::<PartitionId, Vec<Queued>>::new();
            for queued in waiting {
                self.next += u64::from(queued.hash.is_none());
                let partition = PartitionId((queued.hash.unwrap_or(self.next) % count) as u32);
                batches.entry(partition).or_default().push(queued);
            }
            batches.into_iter().for_each(|(partition, batch)| self.append(partition, batch));
        }
    }

    fn append(&mut self, partition: PartitionId, batch: Vec<Queued>) {
        let mut lines = Vec::new();
        for queued in &batch {
            // Strings and numbers always serialize, and a vector takes every write.
            serde_json::to_writer(&mut lines, &queued.record).unwrap_or_default();
            lines.push(b'\n');
        }
        let first = self.ends.entry(partition).or_default().append(&self.partitions, partition, &lines);
        for (index, queued) in (0..).zip(batch) {
            (queued.done)(match &first {
                Ok(first) => Ok(Position { partition, offset: Offset(first + index) }),
                Err(error) => Err(self.partitions.unavailable(error).into()),
            });
        }
    }
}
