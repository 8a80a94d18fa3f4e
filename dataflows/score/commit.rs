//! From reading to committing: the records in flight, and the commits of offsets that the durable frontier has passed
//! (rules 3, 4 and 7).

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use engine::{
    delivery::Unavailable,
    log::{Message, Offsets, Reader},
};

use super::clock::Timestamp;

/// Least interval between commits: a commit is itself a write that the log must make durable.
const COMMIT_INTERVAL: Duration = Duration::from_millis(100);
/// Interval at which offsets are committed again without traffic: brokers delete the commits of idle groups.
const RENEW_INTERVAL: Duration = Duration::from_secs(3600);

/// A number of records and the bytes of their payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlightSize {
    /// Records.
    pub records: usize,
    /// Payload bytes.
    pub bytes: usize,
}

impl InFlightSize {
    const NONE: InFlightSize = InFlightSize { records: 0, bytes: 0 };

    fn add(&mut self, other: InFlightSize) {
        self.records += other.records;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: InFlightSize) {
        self.records -= other.records;
        self.bytes -= other.bytes;
    }
}

/// The records that were read under one timestamp.
struct Batch {
    timestamp: Timestamp,
    size: InFlightSize,
    next: Offsets,
}

/// Shared by the operators and the main loop of one worker.
pub(super) type SharedInFlight = Rc<RefCell<InFlight>>;

/// Batches from the moment they are read until the probe has passed them.
pub(super) struct InFlight {
    bound: InFlightSize,
    size: InFlightSize,
    open: (InFlightSize, Offsets),
    closed: VecDeque<Batch>,
    /// Set when the source is to read no more.
    pub(super) stopping: bool,
    /// The reason why an operator can no longer keep the rules. No offset may be committed after that.
    pub(super) broken: Option<String>,
}

impl InFlight {
    pub(super) fn new(bound: InFlightSize) -> Self {
        InFlight {
            bound,
            size: InFlightSize::NONE,
            open: (InFlightSize::NONE, Offsets::new()),
            closed: VecDeque::new(),
            stopping: false,
            broken: None,
        }
    }

    /// Returns the number of records that the source may read now.
    pub(super) fn room(&self) -> usize {
        if self.stopping || self.size.bytes >= self.bound.bytes {
            return 0;
        }
        self.bound.records.saturating_sub(self.size.records)
    }

    /// Adds a record that was read under the open batch's timestamp.
    pub(super) fn read(&mut self, message: &Message) {
        let size = InFlightSize { records: 1, bytes: message.payload.bytes().len() };
        self.size.add(size);
        self.open.0.add(size);
        self.open.1.insert(message.position.partition, message.position.offset.next());
    }

    /// Closes the batch of a timestamp: no more records are read under it.
    pub(super) fn close_batch(&mut self, timestamp: Timestamp) {
        if self.open.0.records > 0 {
            let (size, next) = std::mem::replace(&mut self.open, (InFlightSize::NONE, Offsets::new()));
            self.closed.push_back(Batch { timestamp, size, next });
        }
    }

    /// Drops the batches that are durable and returns the offsets that may now be committed.
    pub(super) fn retire(&mut self, durable: impl Fn(Timestamp) -> bool) -> Offsets {
        let mut offsets = Offsets::new();
        let retired = self.closed.iter().take_while(|batch| durable(batch.timestamp)).count();
        for batch in self.closed.drain(..retired) {
            self.size.subtract(batch.size);
            offsets.extend(batch.next);
        }
        offsets
    }

    pub(super) fn size(&self) -> InFlightSize {
        self.size
    }

    /// Returns the timestamp of the oldest closed batch.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.closed.front().map(|batch| batch.timestamp)
    }
}

/// Collects offsets that may be committed, and commits them at intervals.
pub(super) struct Committer {
    reader: Rc<RefCell<Box<dyn Reader>>>,
    pending: Offsets,
    last: Instant,
}

impl Committer {
    pub(super) fn new(reader: Rc<RefCell<Box<dyn Reader>>>) -> Self {
        Committer { reader, pending: Offsets::new(), last: Instant::now() }
    }

    /// Adds offsets whose records are durable.
    pub(super) fn add(&mut self, offsets: Offsets) {
        self.pending.extend(offsets);
    }

    /// Commits the pending offsets, or renews the last commit, if the interval has elapsed.
    pub(super) fn commit_if_due(&mut self) {
        let since = self.last.elapsed();
        if !self.pending.is_empty() && since >= COMMIT_INTERVAL {
            self.commit();
        } else if since >= RENEW_INTERVAL {
            self.reader.borrow_mut().renew();
            self.last = Instant::now();
        }
    }

    /// Commits the pending offsets and returns when the log has acknowledged them; fails at the deadline.
    pub(super) fn finish(mut self, deadline: Instant) -> Result<(), Unavailable> {
        if !self.pending.is_empty() {
            self.commit();
        }
        self.reader.borrow_mut().close(deadline)
    }

    fn commit(&mut self) {
        self.reader.borrow_mut().commit(&self.pending);
        self.pending.clear();
        self.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine::log::{Lag, Offset, PartitionId, Payload, Position};

    use super::*;

    fn message(partition: u32, offset: u64, bytes: usize) -> Message {
        let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
        Message { position, payload: Payload::new(vec![0; bytes]), attempt: 0, topic_id: None }
    }

    #[test]
    fn offsets_are_returned_for_durable_batches_only_and_in_order() {
        let mut in_flight = InFlight::new(InFlightSize { records: 10, bytes: 1000 });
        in_flight.read(&message(0, 7, 1));
        in_flight.read(&message(1, 3, 1));
        in_flight.close_batch(100);
        in_flight.close_batch(110);
        in_flight.read(&message(0, 8, 1));
        assert_eq!(in_flight.retire(|timestamp| timestamp < 100), Offsets::new());
        let both = Offsets::from([(PartitionId(0), Offset(8)), (PartitionId(1), Offset(4))]);
        assert_eq!(in_flight.retire(|_| true), both);
        // The open batch is not closed, so it cannot be durable.
        assert_eq!(in_flight.size(), InFlightSize { records: 1, bytes: 1 });
        in_flight.close_batch(120);
        assert_eq!(in_flight.retire(|_| true), Offsets::from([(PartitionId(0), Offset(9))]));
        assert_eq!(in_flight.size(), InFlightSize::NONE);
    }

    #[test]
    fn room_is_bounded_by_records_and_by_bytes() {
        let mut in_flight = InFlight::new(InFlightSize { records: 3, bytes: 100 });
        assert_eq!(in_flight.room(), 3);
        in_flight.read(&message(0, 0, 1));
        assert_eq!(in_flight.room(), 2);
        in_flight.read(&message(0, 1, 99));
        assert_eq!(in_flight.room(), 0);
        in_flight.close_batch(1);
        in_flight.retire(|_| true);
        assert_eq!(in_flight.room(), 3);
        in_flight.stopping = true;
        assert_eq!(in_flight.room(), 0);
    }

    /// A reader that records the committed offsets; a renewal is recorded as no offsets.
    struct Recorder(Arc<Mutex<Vec<Offsets>>>);

    impl Reader for Recorder {
        fn poll(&mut self, _: usize, _: &mut Vec<Message>) -> bool {
            false
        }

        fn committed(&self) -> Offsets {
            Offsets::new()
        }

        fn commit(&mut self, offsets: &Offsets) {
            self.0.lock().unwrap().push(offsets.clone());
        }

        fn renew(&mut self) {
            self.0.lock().unwrap().push(Offsets::new());
        }

        fn close(&mut self, _: Instant) -> Result<(), Unavailable> {
            Ok(())
        }

        fn lag(&self) -> Option<Lag> {
            None
        }
    }

    #[test]
    fn commits_are_batched_and_renewed_without_traffic() {
        let commits: Arc<Mutex<Vec<Offsets>>> = Arc::default();
        let mut committer = Committer::new(Rc::new(RefCell::new(Box::new(Recorder(Arc::clone(&commits))))));
        let ago = |time| Instant::now().checked_sub(time).unwrap();
        let offsets = |number, next| Offsets::from([(PartitionId(number), Offset(next))]);
        for (number, next) in [(0, 1), (0, 2), (1, 7)] {
            committer.last = Instant::now();
            committer.add(offsets(number, next));
            committer.commit_if_due();
        }
        assert_eq!(*commits.lock().unwrap(), []);
        committer.last = ago(COMMIT_INTERVAL);
        committer.commit_if_due();
        let both = Offsets::from([(PartitionId(0), Offset(2)), (PartitionId(1), Offset(7))]);
        assert_eq!(*commits.lock().unwrap(), std::slice::from_ref(&both));

        committer.last = ago(COMMIT_INTERVAL);
        committer.commit_if_due();
        assert_eq!(commits.lock().unwrap().len(), 1, "nothing is pending");
        committer.last = ago(RENEW_INTERVAL);
        committer.commit_if_due();
        assert_eq!(*commits.lock().unwrap(), [both, Offsets::new()]);
        committer.commit_if_due();
        assert_eq!(commits.lock().unwrap().len(), 2, "renewed just now");
    }
}
