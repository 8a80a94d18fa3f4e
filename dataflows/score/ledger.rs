//! What a worker has read and not yet committed.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use engine::log::{Message, Offsets};

use super::Timestamp;

/// A number of records and the bytes of their payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Records.
    pub records: usize,
    /// Payload bytes.
    pub bytes: usize,
}

impl InFlight {
    const NONE: InFlight = InFlight { records: 0, bytes: 0 };

    fn add(&mut self, other: InFlight) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: InFlight) {
        self.records -= other.records;
        self.bytes -= other.bytes;
    }
}

/// The records that were read under one timestamp.
struct Batch {
    timestamp: Timestamp,
    size: InFlight,
    next: Offsets,
}

/// Shared by the operators and the main loop of one worker.
pub(super) type SharedLedger = Rc<RefCell<Ledger>>;

/// Batches from the moment they are read until the probe has passed them.
pub(super) struct Ledger {
    bound: InFlight,
    in_flight: InFlight,
    open: (InFlight, Offsets),
    closed: VecDeque<Batch>,
    /// Set by whoever wants the source to read no more.
    pub(super) stopping: bool,
    /// Set by an operator that cannot keep the rules any more, to what is wrong. Nothing may be committed after that.
    pub(super) broken: Option<String>,
}

impl Ledger {
    pub(super) fn new(bound: InFlight) -> Self {
        Ledger {
            bound,
            in_flight: InFlight::NONE,
            open: (InFlight::NONE, Offsets::new()),
            closed: VecDeque::new(),
            stopping: false,
            broken: None,
        }
    }

    /// How many records the source may read now.
    pub(super) fn room(&self) -> usize {
        if self.stopping || self.in_flight.bytes >= self.bound.bytes {
            return 0;
        }
        self.bound.records.saturating_sub(self.in_flight.records)
    }

    /// A record was read under the open batch's timestamp.
    pub(super) fn read(&mut self, message: &Message) {
        let size = InFlight { records: 1, bytes: message.payload.bytes().len() };
        self.in_flight.add(size);
        self.open.0.add(size);
        self.open.1.insert(message.position.partition, message.position.offset.next());
    }

    /// No more records are read under this timestamp.
    pub(super) fn close_batch(&mut self, timestamp: Timestamp) {
        if self.open.0.records > 0 {
            let (size, next) = std::mem::replace(&mut self.open, (InFlight::NONE, Offsets::new()));
            self.closed.push_back(Batch { timestamp, size, next });
        }
    }

    /// Drops the batches that are durable and returns the offsets that may now be committed.
    pub(super) fn retire(&mut self, durable: impl Fn(Timestamp) -> bool) -> Offsets {
        let mut offsets = Offsets::new();
        let retired = self.closed.iter().take_while(|batch| durable(batch.timestamp)).count();
        for batch in self.closed.drain(..retired) {
            self.in_flight.subtract(batch.size);
            offsets.extend(batch.next);
        }
        offsets
    }

    pub(super) fn in_flight(&self) -> InFlight {
        self.in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::log::{Offset, PartitionId, Payload, Position};

    fn message(partition: u32, offset: u64, bytes: usize) -> Message {
        let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
        Message { position, payload: Payload::new(vec![0; bytes]), attempt: 0, topic_id: None }
    }

    #[test]
    fn offsets_come_back_only_for_durable_batches_and_in_order() {
        let mut ledger = Ledger::new(InFlight { records: 10, bytes: 1000 });
        ledger.read(&message(0, 7, 1));
        ledger.read(&message(1, 3, 1));
        ledger.close_batch(100);
        ledger.close_batch(110);
        ledger.read(&message(0, 8, 1));
        assert_eq!(ledger.retire(|timestamp| timestamp < 100), Offsets::new());
        let both = Offsets::from([(PartitionId(0), Offset(8)), (PartitionId(1), Offset(4))]);
        assert_eq!(ledger.retire(|_| true), both);
        // The open batch is not closed, so it cannot be durable.
        assert_eq!(ledger.in_flight(), InFlight { records: 1, bytes: 1 });
        ledger.close_batch(120);
        assert_eq!(ledger.retire(|_| true), Offsets::from([(PartitionId(0), Offset(9))]));
        assert_eq!(ledger.in_flight(), InFlight::NONE);
    }

    #[test]
    fn room_is_bounded_by_records_and_by_bytes() {
        let mut ledger = Ledger::new(InFlight { records: 3, bytes: 100 });
        assert_eq!(ledger.room(), 3);
        ledger.read(&message(0, 0, 1));
        assert_eq!(ledger.room(), 2);
        ledger.read(&message(0, 1, 99));
        assert_eq!(ledger.room(), 0);
        ledger.close_batch(1);
        ledger.retire(|_| true);
        assert_eq!(ledger.room(), 3);
        ledger.stopping = true;
        assert_eq!(ledger.room(), 0);
    }
}
