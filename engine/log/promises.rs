//! The conformance suite of log connectors: a test of each promise in [`super`], which every connector runs.
//!
//! A function panics if the promise of its name is broken. Each takes a log of its own, whose group has committed
//! nothing. Promises 8 and 9 are about topics that are created again and about transactions: a connector that has
//! either tests them itself.

#![allow(clippy::panic, clippy::unwrap_used)]

mod earliest;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, channel, sync_channel},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

pub use earliest::*;

use super::*;
use crate::{delivery::Health, request::RequestId};

/// Timeout of everything that a test waits for.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A reader, its wake-ups and its health.
pub struct ReaderHarness {
    /// The reader.
    pub reader: Box<dyn Reader>,
    /// Has an element for each run of the wake callback.
    pub woken: Receiver<()>,
    /// The health that the reader reports to.
    pub health: Arc<Health>,
}

impl ReaderHarness {
    /// Starts to read a share from the committed offsets.
    pub fn start(log: &dyn Log, share: Share) -> Self {
        ReaderHarness::start_at(log, share, Start::Committed)
    }

    /// Starts to read a share from the given place.
    pub fn start_at(log: &dyn Log, share: Share, start: Start) -> Self {
        let (wake, woken) = channel();
        let health = Arc::new(Health::new("the test's log"));
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        ReaderHarness { reader: log.reader(share, start, wake, Arc::clone(&health)).unwrap(), woken, health }
    }

    /// Reads `count` messages. It waits for the wake callback only, and never polls periodically.
    pub fn read(&mut self, count: usize) -> Vec<Message> {
        let start = Instant::now();
        let mut messages = Vec::new();
        loop {
            while messages.len() < count && self.reader.poll(100.min(count - messages.len()), &mut messages) {}
            if messages.len() == count {
                return messages;
            }
            let left = TIMEOUT.saturating_sub(start.elapsed());
            assert!(self.woken.recv_timeout(left).is_ok(), "read {} of {count}", messages.len());
        }
    }

    /// Commits offsets, and ends the reader.
    pub fn commit(mut self, offsets: &Offsets) {
        self.reader.commit(offsets);
        self.reader.close(Instant::now() + TIMEOUT).unwrap();
    }
}

/// Publishes a message and waits for the acknowledgement.
pub fn publish(
    producer: &dyn Producer,
    key: Option<&str>,
    payload: impl Into<Vec<u8>>,
) -> Result<Position, PublishError> {
    let (done, result) = sync_channel(1);
    producer.publish(key, payload.into(), Box::new(move |published| done.send(published).unwrap()));
    result.recv_timeout(TIMEOUT).unwrap()
}

/// Returns the offsets after these messages.
pub fn offsets_after(messages: &[Message]) -> Offsets {
    let mut offsets = Offsets::new();
    for Message { position, .. } in messages {
        let next = offsets.entry(position.partition).or_insert(position.offset.next());
        *next = position.offset.next().max(*next);
    }
    offsets
}

fn payloads(messages: &[Message]) -> Vec<&[u8]> {
    messages.iter().map(|message| message.payload.bytes()).collect()
}

/// The log has 4 partitions and no messages.
pub fn promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let mut first = ReaderHarness::start(log, Share::ALL);
    let published: Vec<Position> =
        (0..100).map(|n| publish(&*producer, None, format!("message {n}")).unwrap()).collect();
    let messages = first.read(100);
    let mut expected = BTreeMap::new();
    for Message { position, payload, .. } in &messages {
        let offset = expected.entry(position.partition).or_insert(Offset(0));
        assert_eq!(position.offset, *offset);
        *offset = offset.next();
        let number = published.iter().position(|published| published == position).unwrap();
        assert_eq!(payload.bytes(), format!("message {number}").as_bytes());
    }
    assert_eq!(expected.len(), 4, "no key: all partitions in turn");
    first.commit(&offsets_after(&messages[..40]));
    // Committed messages are not read again, and the others are.
    let mut second = ReaderHarness::start(log, Share::ALL);
    let mut again = second.read(60);
    again.sort_by_key(|message| message.position);
    let mut rest = messages[40..].to_vec();
    rest.sort_by_key(|message| message.position);
    assert_eq!(again, rest);
}

/// The log has 4 partitions and no messages.
pub fn promise_1_shares_are_disjoint_and_complete(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let published: Vec<Position> = (0..40).map(|n| publish(&*producer, None, format!("{n}")).unwrap()).collect();
    for index in 0..2 {
        let share = Share { index, peers: 2 };
        let owned = published.iter().filter(|position| share.owns(position.partition)).count();
        let messages = ReaderHarness::start(log, share).read(owned);
        assert!(messages.iter().all(|message| share.owns(message.position.partition)));
    }
}

/// A running reader reads partitions that `grow` adds.
pub fn promise_1_new_partitions_are_picked_up(log: &dyn Log, grow: impl FnOnce()) {
    let (producer, before) = (log.producer().unwrap(), log.partitions().unwrap());
    let mut harness = ReaderHarness::start(log, Share::ALL);
    publish(&*producer, None, "before").unwrap();
    harness.read(1);
    grow();
    let after = log.partitions().unwrap();
    assert!(after > before);
    // A producer learns of them after a moment.
    let (mut count, mut published, start) = (0, Vec::new(), Instant::now());
    while count < after as usize || !published.iter().any(|position: &Position| position.partition.0 >= before) {
        published.push(publish(&*producer, None, "after").unwrap());
        count += 1;
        assert!(start.elapsed() < TIMEOUT, "only {before} partitions are written to");
    }
    let mut messages = harness.read(count);
    messages.sort_by_key(|message| message.position);
    published.sort();
    assert_eq!(messages.iter().map(|message| message.position).collect::<Vec<_>>(), published);
}

/// Reads message after message, and waits for the callback only.
pub fn promise_2_the_callback_runs_for_new_messages(log: &dyn Log) {
    let mut harness = ReaderHarness::start(log, Share::ALL);
    let producer = log.producer().unwrap();
    for n in 0..20 {
        publish(&*producer, None, format!("{n}")).unwrap();
        // `read` waits only for the callback.
        assert_eq!(payloads(&harness.read(1)), [format!("{n}").as_bytes()]);
    }
    assert!(!harness.reader.poll(10, &mut Vec::new()), "poll returns when there is nothing");
}

/// The log has 4 partitions and no messages.
pub fn promise_3_only_commit_commits_and_lag_shows_it(log: &dyn Log) {
    let producer = log.producer().unwrap();
    for n in 0..10 {
        publish(&*producer, Some("one partition"), format!("{n}")).unwrap();
    }
    let mut harness = ReaderHarness::start(log, Share::ALL);
    let messages = harness.read(10);
    let written_to = messages[0].position.partition;
    let lag = |left| Lag::from([0, 1, 2, 3].map(PartitionId).map(|of| (of, if of == written_to { left } else { 0 })));
    assert_lag(&harness, &lag(10));
    drop(harness);
    let mut harness = ReaderHarness::start(log, Share::ALL);
    assert_eq!(harness.read(10), messages, "read, but not committed");
    // The last of several commits counts; fast commits are merged.
    for end in 1..=7 {
        harness.reader.commit(&offsets_after(&messages[..end]));
    }
    harness.reader.close(Instant::now() + TIMEOUT).unwrap();
    assert_lag(&harness, &lag(3));
    drop(harness);
    assert_eq!(ReaderHarness::start(log, Share::ALL).read(3), messages[7..]);
}

/// Waits for the lag: partitions without messages may appear later than the others.
fn assert_lag(harness: &ReaderHarness, expected: &Lag) {
    let start = Instant::now();
    while harness.reader.lag().as_ref() != Some(expected) {
        assert!(start.elapsed() < TIMEOUT, "{:?} instead of {expected:?}", harness.reader.lag());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Between `fail` and `recover` the log takes no commit and the health reports it; the commit succeeds afterwards.
pub fn promises_3_and_4_outages_are_retried(log: &dyn Log, fail: impl FnOnce(), recover: impl FnOnce()) {
    let producer = log.producer().unwrap();
    for _ in 0..4 {
        publish(&*producer, None, "before").unwrap();
    }
    let mut harness = ReaderHarness::start(log, Share::ALL);
    let messages = harness.read(4);
    fail();
    harness.reader.commit(&offsets_after(&messages));
    let start = Instant::now();
    while harness.health.outage().is_none() {
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(harness.reader.close(Instant::now()).is_err());
    assert!(matches!(publish(&*producer, None, vec![0; 100_000]), Err(PublishError::Unavailable(_))));
    recover();
    harness.reader.close(start + TIMEOUT).unwrap();
    publish(&*producer, None, "after").unwrap();
    // An outage leaves no gap: acknowledged messages are there, others may or may not be.
    let mut read = Vec::new();
    while !payloads(&read).contains(&b"after".as_slice()) {
        read.extend(harness.read(1));
    }
    while harness.health.outage().is_some() {
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// More messages than fit into a buffer of `messages_max` are read completely.
pub fn promise_5_buffers_are_bounded(log: &dyn Log, messages_max: usize) {
    let producer = log.producer().unwrap();
    let count = messages_max + messages_max / 2;
    let (done, results) = channel();
    let (mut sent, mut published) = (0, 0);
    while published < count {
        while sent < count && sent - published < 1000 {
            let done = done.clone();
            producer.publish(None, b"m".to_vec(), Box::new(move |result| done.send(result).unwrap()));
            sent += 1;
        }
        results.recv_timeout(TIMEOUT).unwrap().unwrap();
        published += 1;
    }
    let mut harness = ReaderHarness::start(log, Share::ALL);
    let start = Instant::now();
    // One message at a time, which gives the buffer time to grow.
    let mut messages = Vec::new();
    while messages.is_empty() {
        assert!(start.elapsed() < TIMEOUT);
        harness.reader.poll(1, &mut messages);
    }
    messages.extend(harness.read(count - 1));
    let ends = offsets_after(&messages);
    assert_eq!(ends.values().map(|offset| offset.0).sum::<u64>(), count as u64);
}

/// Messages with the same key go to the same partition.
pub fn messages_of_a_key_share_a_partition(log: &dyn Log) {
    let producer = log.producer().unwrap();
    for key in ["a", "b", "c", "6c03d09c"] {
        let published: Vec<Position> = (0..3).map(|_| publish(&*producer, Some(key), "m").unwrap()).collect();
        assert!(published.iter().all(|position| position.partition == published[0].partition), "{key}");
    }
}

/// `bytes_max` is the size of the largest message that the log takes.
pub fn a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused(log: &dyn Log, bytes_max: usize) {
    let producer = log.producer().unwrap();
    let mut harness = ReaderHarness::start(log, Share::ALL);
    let too_large = publish(&*producer, None, vec![7; bytes_max + 1]);
    assert_eq!(too_large, Err(PublishError::TooLarge { bytes: bytes_max + 1, bytes_max }));
    publish(&*producer, None, vec![7; bytes_max]).unwrap();
    publish(&*producer, None, "").unwrap();
    let mut messages = harness.read(2);
    messages.sort_by_key(|message| message.payload.len());
    assert_eq!((messages[0].payload.len(), messages[1].payload.len()), (0, bytes_max));
}

/// Returns the dead letter of the record at `offset` of partition 1.
pub fn dead_letter(offset: u64, payload: Vec<u8>) -> DeadLetter {
    DeadLetter {
        position: Position { partition: PartitionId(1), offset: Offset(offset) },
        id: Some(RequestId::new(format!("id {offset}")).unwrap()),
        reason: "Colour: is missing".to_owned(),
        kind: DeadLetterReason::field("Colour"),
        payload: Payload::new(payload),
        found_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        attempt: 0,
        topic_id: None,
    }
}

/// Reads dead letters to the end.
pub fn read_letters(reader: &mut dyn DeadLetterReader) -> Vec<DeadLetter> {
    let (mut letters, deadline) = (Vec::new(), Instant::now() + TIMEOUT);
    while !reader.is_done() {
        letters.extend(reader.next(7, Duration::from_millis(100)).unwrap());
        assert!(Instant::now() < deadline, "no end after {} letters", letters.len());
    }
    letters
}

/// Compares offsets first: the payloads would fill pages of a failure's output.
fn assert_same(found: &[DeadLetter], expected: &[DeadLetter]) {
    let offsets = |letters: &[DeadLetter]| letters.iter().map(|letter| letter.position.offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(found), offsets(expected));
    assert!(found == expected);
}

/// Dead letters are read as they were written, from a timestamp or from a group's committed offset.
pub fn promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset(log: &dyn Log) {
    let read = |from, follow| log.read_dead_letters(DeadLetterSpan { from, follow }).unwrap();
    let group = DeadLettersFrom::Group("replay");
    assert_same(&read_letters(&mut *read(group, false)), &[]);

    let mut writer = log.dead_letters().unwrap();
    let mut written: Vec<DeadLetter> = (0..20).map(|n| dead_letter(n, vec![n as u8; n as usize])).collect();
    written[3] = DeadLetter { id: None, attempt: 2, ..dead_letter(3, b"\xff not UTF-8".to_vec()) };
    written[4].payload = Payload::new(vec![7; DEAD_LETTER_BYTES_MAX + 9]);
    // Its reason suggests another kind.
    written[5].kind = DeadLetterReason::RefusedByStore;
    assert_eq!(writer.write(&written).unwrap(), []);
    // Again, as after a crash.
    assert_eq!(writer.write(&written[..5]).unwrap(), []);
    let long_ago = DeadLettersFrom::Moment(DateTime::from_timestamp_millis(1_600_000_000_000).unwrap());
    assert_same(&read_letters(&mut *read(long_ago, false)), &written);
    assert!(!written[4].payload.is_complete() && written[5].payload.is_complete());

    let mut reader = read(group, false);
    assert_same(&read_letters(&mut *reader), &written);
    reader.commit().unwrap();
    assert_same(&read_letters(&mut *read(group, false)), &[]);
    let mut following = read(group, true);
    writer.write(&[dead_letter(20, vec![20])]).unwrap();
    assert_same(&read_letters(&mut *read(group, false)), &[dead_letter(20, vec![20])]);
    let deadline = Instant::now() + TIMEOUT;
    let found = loop {
        let found = following.next(7, Duration::from_millis(100)).unwrap();
        if !found.is_empty() {
            break found;
        }
        assert!(Instant::now() < deadline, "nothing is read");
    };
    assert_same(&found, &[dead_letter(20, vec![20])]);
    assert!(!following.is_done());
    let later = DeadLettersFrom::Moment(Utc::now() + TimeDelta::hours(1));
    assert_same(&read_letters(&mut *read(later, false)), &[]);
}

/// A replayed message carries the number of its attempts.
pub fn promise_7_a_replayed_message_carries_its_attempts(log: &dyn Log) {
    let (producer, mut harness) = (log.producer().unwrap(), ReaderHarness::start(log, Share::ALL));
    publish(&*producer, Some("id"), "first").unwrap();
    let (report, published) = sync_channel(1);
    producer.republish(Some("id"), b"again".to_vec(), 2, Box::new(move |at| report.send(at).unwrap()));
    published.recv_timeout(TIMEOUT).unwrap().unwrap();
    let attempts: Vec<_> =
        harness.read(2).into_iter().map(|message| (message.payload.len(), message.attempt)).collect();
    assert_eq!(attempts, [(5, 0), (5, 2)]);
}

/// Takes a log of four partitions. One of two readers owns two of them, of which one is empty.
pub fn promise_11_a_reader_knows_when_it_has_read_everything(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let share = Share { index: 0, peers: 2 };
    let (mut owned, mut key) = (0, 0);
    while owned < 20 {
        let Position { partition, .. } = publish(&*producer, Some(&key.to_string()), "a message").unwrap();
        // A key stays in its partition.
        if share.owns(partition) { owned += 1 } else { key += 1 }
    }
    let mut harness = ReaderHarness::start_at(log, share, Start::Earliest);
    let start = Instant::now();
    let mut messages = Vec::new();
    while harness.reader.exhausted() < 2 {
        assert!(start.elapsed() < TIMEOUT, "{} partitions, {} messages", harness.reader.exhausted(), messages.len());
        harness.reader.poll(1, &mut messages);
        let exhausted = harness.reader.exhausted();
        assert!(exhausted < 2 || messages.len() == 20, "exhausted with {} of 20 messages", messages.len());
        std::thread::sleep(Duration::from_millis(1));
    }
}
