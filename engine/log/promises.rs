//! What every log connector promises (see [`super`]), as tests that each connector runs against itself.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, channel, sync_channel},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::request::RequestId;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A reader with its callbacks.
pub(crate) struct Rig {
    pub(crate) reader: Box<dyn Reader>,
    pub(crate) woken: Receiver<()>,
    pub(crate) health: Arc<Health>,
}

impl Rig {
    pub(crate) fn start(log: &dyn Log, share: Share) -> Self {
        let (wake, woken) = channel();
        let health = Arc::new(Health::new("the test's log"));
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        Rig { reader: log.reader(share, wake, Arc::clone(&health)).unwrap(), woken, health }
    }

    /// Reads `count` messages, waiting to be woken, never polling in vain for longer than that.
    pub(crate) fn read(&mut self, count: usize) -> Vec<Message> {
        let start = Instant::now();
        let mut messages = Vec::new();
        loop {
            while messages.len() < count && self.reader.poll(100.min(count - messages.len()), &mut messages) {}
            if messages.len() == count {
                return messages;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.woken.recv_timeout(left).is_ok(), "read {} of {count}", messages.len());
        }
    }

    pub(crate) fn commit(mut self, offsets: &Offsets) {
        self.reader.commit(offsets);
        self.reader.close(Instant::now() + PATIENCE).unwrap();
    }
}

/// Publishes a message and waits for the acknowledgement.
pub(crate) fn publish(
    producer: &dyn Producer,
    key: Option<&str>,
    payload: impl Into<Vec<u8>>,
) -> Result<Position, PublishError> {
    let (done, result) = sync_channel(1);
    producer.publish(key, payload.into(), Box::new(move |landed| done.send(landed).unwrap()));
    result.recv_timeout(PATIENCE).unwrap()
}

/// The offsets behind these messages.
pub(crate) fn offsets_after(messages: &[Message]) -> Offsets {
    let mut offsets = Offsets::new();
    for Message { position, .. } in messages {
        let next = offsets.entry(position.partition).or_insert(position.offset.next());
        *next = position.offset.next().max(*next);
    }
    offsets
}

fn bodies(messages: &[Message]) -> Vec<&[u8]> {
    messages.iter().map(|message| message.payload.bytes()).collect()
}

/// The log has 4 partitions and no messages.
pub(crate) fn promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let mut first = Rig::start(log, Share::ALL);
    let landed: Vec<Position> = (0..100).map(|n| publish(&*producer, None, format!("message {n}")).unwrap()).collect();
    let messages = first.read(100);
    let mut expected = BTreeMap::new();
    for Message { position, payload, .. } in &messages {
        let offset = expected.entry(position.partition).or_insert(Offset(0));
        assert_eq!(position.offset, *offset);
        *offset = offset.next();
        let number = landed.iter().position(|landed| landed == position).unwrap();
        assert_eq!(payload.bytes(), format!("message {number}").as_bytes());
    }
    assert_eq!(expected.len(), 4, "no key: all partitions in turn");
    first.commit(&offsets_after(&messages[..40]));
    // What was committed is not read again, and what was not is.
    let mut second = Rig::start(log, Share::ALL);
    let mut again = second.read(60);
    again.sort_by_key(|message| message.position);
    let mut rest = messages[40..].to_vec();
    rest.sort_by_key(|message| message.position);
    assert_eq!(again, rest);
}

/// The log has 4 partitions and no messages.
pub(crate) fn promise_1_shares_are_disjoint_and_complete(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let landed: Vec<Position> = (0..40).map(|n| publish(&*producer, None, format!("{n}")).unwrap()).collect();
    for index in 0..2 {
        let share = Share { index, peers: 2 };
        let owned = landed.iter().filter(|position| share.owns(position.partition)).count();
        let messages = Rig::start(log, share).read(owned);
        assert!(messages.iter().all(|message| share.owns(message.position.partition)));
    }
}

/// Partitions that `grow` adds are read by a reader that runs already.
pub(crate) fn promise_1_new_partitions_are_picked_up(log: &dyn Log, grow: impl FnOnce()) {
    let (producer, before) = (log.producer().unwrap(), log.partitions().unwrap());
    let mut rig = Rig::start(log, Share::ALL);
    publish(&*producer, None, "before").unwrap();
    rig.read(1);
    grow();
    let after = log.partitions().unwrap();
    assert!(after > before);
    // A producer may take a moment to hear of them.
    let (mut count, mut landed, start) = (0, Vec::new(), Instant::now());
    while count < after as usize || !landed.iter().any(|position: &Position| position.partition.0 >= before) {
        landed.push(publish(&*producer, None, "after").unwrap());
        count += 1;
        assert!(start.elapsed() < PATIENCE, "{before} partitions and no more are written to");
    }
    let mut messages = rig.read(count);
    messages.sort_by_key(|message| message.position);
    landed.sort();
    assert_eq!(messages.iter().map(|message| message.position).collect::<Vec<_>>(), landed);
}

pub(crate) fn promise_2_the_callback_runs_for_what_is_new(log: &dyn Log) {
    let mut rig = Rig::start(log, Share::ALL);
    let producer = log.producer().unwrap();
    for n in 0..20 {
        publish(&*producer, None, format!("{n}")).unwrap();
        // `read` waits for nothing but the callback.
        assert_eq!(bodies(&rig.read(1)), [format!("{n}").as_bytes()]);
    }
    assert!(!rig.reader.poll(10, &mut Vec::new()), "nothing is at hand, and poll returns");
}

pub(crate) fn promise_3_nothing_but_commit_commits_and_lag_tells(log: &dyn Log) {
    let producer = log.producer().unwrap();
    for n in 0..10 {
        publish(&*producer, Some("one partition"), format!("{n}")).unwrap();
    }
    let mut rig = Rig::start(log, Share::ALL);
    let messages = rig.read(10);
    let written_to = messages[0].position.partition;
    let lag = |left| Lag::from([0, 1, 2, 3].map(PartitionId).map(|of| (of, if of == written_to { left } else { 0 })));
    assert_lag(&rig, &lag(10));
    drop(rig);
    let mut rig = Rig::start(log, Share::ALL);
    assert_eq!(rig.read(10), messages, "read, but not committed");
    // Of several commits the last counts; they are merged if they come fast.
    for end in 1..=7 {
        rig.reader.commit(&offsets_after(&messages[..end]));
    }
    rig.reader.close(Instant::now() + PATIENCE).unwrap();
    assert_lag(&rig, &lag(3));
    drop(rig);
    assert_eq!(Rig::start(log, Share::ALL).read(3), messages[7..]);
}

/// The partitions that nothing was read from may come later than those that were.
fn assert_lag(rig: &Rig, expected: &Lag) {
    let start = Instant::now();
    while rig.reader.lag().as_ref() != Some(expected) {
        assert!(start.elapsed() < PATIENCE, "{:?} instead of {expected:?}", rig.reader.lag());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Between `fail` and `mend` the log takes no commit; the health says so, and the commit lands afterwards.
pub(crate) fn promises_3_and_4_an_outage_is_waited_out(log: &dyn Log, fail: impl FnOnce(), mend: impl FnOnce()) {
    let producer = log.producer().unwrap();
    for _ in 0..4 {
        publish(&*producer, None, "before").unwrap();
    }
    let mut rig = Rig::start(log, Share::ALL);
    let messages = rig.read(4);
    fail();
    rig.reader.commit(&offsets_after(&messages));
    let start = Instant::now();
    while rig.health.outage().is_none() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(rig.reader.close(Instant::now()).is_err());
    assert!(matches!(publish(&*producer, None, vec![0; 100_000]), Err(PublishError::Unavailable(_))));
    mend();
    rig.reader.close(start + PATIENCE).unwrap();
    publish(&*producer, None, "after").unwrap();
    // An outage makes no gap: what was not acknowledged may have landed or not, what was has.
    let mut read = Vec::new();
    while !bodies(&read).contains(&b"after".as_slice()) {
        read.extend(rig.read(1));
    }
    while rig.health.outage().is_some() {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// More messages than a buffer of `messages_max` takes are read completely.
pub(crate) fn promise_5_what_is_buffered_is_bounded(log: &dyn Log, messages_max: usize) {
    let producer = log.producer().unwrap();
    let count = messages_max + messages_max / 2;
    let (done, results) = channel();
    let (mut sent, mut landed) = (0, 0);
    while landed < count {
        while sent < count && sent - landed < 1000 {
            let done = done.clone();
            producer.publish(None, b"m".to_vec(), Box::new(move |result| done.send(result).unwrap()));
            sent += 1;
        }
        results.recv_timeout(PATIENCE).unwrap().unwrap();
        landed += 1;
    }
    let mut rig = Rig::start(log, Share::ALL);
    let start = Instant::now();
    // One message at a time, so that the buffer has every chance to grow.
    let mut messages = Vec::new();
    while messages.is_empty() {
        assert!(start.elapsed() < PATIENCE);
        rig.reader.poll(1, &mut messages);
    }
    messages.extend(rig.read(count - 1));
    let ends = offsets_after(&messages);
    assert_eq!(ends.values().map(|offset| offset.0).sum::<u64>(), count as u64);
}

pub(crate) fn messages_of_a_key_share_a_partition(log: &dyn Log) {
    let producer = log.producer().unwrap();
    for key in ["a", "b", "c", "6c03d09c"] {
        let landed: Vec<Position> = (0..3).map(|_| publish(&*producer, Some(key), "m").unwrap()).collect();
        assert!(landed.iter().all(|position| position.partition == landed[0].partition), "{key}");
    }
}

pub(crate) fn a_message_of_the_largest_size_lands_and_a_larger_one_is_refused(log: &dyn Log, bytes_max: usize) {
    let producer = log.producer().unwrap();
    let mut rig = Rig::start(log, Share::ALL);
    let too_large = publish(&*producer, None, vec![7; bytes_max + 1]);
    assert_eq!(too_large, Err(PublishError::TooLarge { bytes: bytes_max + 1, bytes_max }));
    publish(&*producer, None, vec![7; bytes_max]).unwrap();
    publish(&*producer, None, "").unwrap();
    let mut messages = rig.read(2);
    messages.sort_by_key(|message| message.payload.len());
    assert_eq!((messages[0].payload.len(), messages[1].payload.len()), (0, bytes_max));
}

/// A dead letter found at `offset` of partition 1.
pub(crate) fn dead_letter(offset: u64, payload: Vec<u8>) -> DeadLetter {
    DeadLetter {
        position: Position { partition: PartitionId(1), offset: Offset(offset) },
        id: Some(RequestId::new(format!("id {offset}")).unwrap()),
        reason: "Carrier: is missing".to_owned(),
        kind: DeadLetterReason::Carrier,
        payload: Payload::new(payload),
        found_at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        attempt: 0,
        topic_id: None,
    }
}

/// All that a reader of dead letters has now.
pub(crate) fn letters(reader: &mut dyn DeadLetterReader) -> Vec<DeadLetter> {
    let (mut letters, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    while !reader.is_done() {
        letters.extend(reader.next(7, Duration::from_millis(100)).unwrap());
        assert!(Instant::now() < deadline, "no end after {} letters", letters.len());
    }
    letters
}

/// The bytes would fill pages.
fn assert_read(found: &[DeadLetter], expected: &[DeadLetter]) {
    let offsets = |letters: &[DeadLetter]| letters.iter().map(|letter| letter.position.offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(found), offsets(expected));
    assert!(found == expected);
}

/// Dead letters are read as they were written, from a moment on, or from where a group has committed.
pub(crate) fn promise_6_dead_letters_are_read_from_a_moment_or_where_a_group_is(log: &dyn Log) {
    let read = |from, follow| log.read_dead_letters(DeadLetterSpan { from, follow }).unwrap();
    let group = DeadLettersFrom::Group("replay");
    assert_read(&letters(&mut *read(group, false)), &[]);

    let mut writer = log.dead_letters().unwrap();
    let mut written: Vec<DeadLetter> = (0..20).map(|n| dead_letter(n, vec![n as u8; n as usize])).collect();
    written[3] = DeadLetter { id: None, attempt: 2, ..dead_letter(3, b"\xff not UTF-8".to_vec()) };
    written[4].payload = Payload::new(vec![7; DEAD_LETTER_BYTES_MAX + 9]);
    // Its words would say another kind.
    written[5].kind = DeadLetterReason::RefusedByStore;
    assert_eq!(writer.write(&written).unwrap(), []);
    // Again, as after a crash.
    assert_eq!(writer.write(&written[..5]).unwrap(), []);
    let long_ago = DeadLettersFrom::Moment(DateTime::from_timestamp_millis(1_600_000_000_000).unwrap());
    assert_read(&letters(&mut *read(long_ago, false)), &written);
    assert!(!written[4].payload.is_whole() && written[5].payload.is_whole());

    let mut reader = read(group, false);
    assert_read(&letters(&mut *reader), &written);
    reader.commit().unwrap();
    assert_read(&letters(&mut *read(group, false)), &[]);
    let mut following = read(group, true);
    writer.write(&[dead_letter(20, vec![20])]).unwrap();
    assert_read(&letters(&mut *read(group, false)), &[dead_letter(20, vec![20])]);
    let deadline = Instant::now() + PATIENCE;
    let found = loop {
        let found = following.next(7, Duration::from_millis(100)).unwrap();
        if !found.is_empty() {
            break found;
        }
        assert!(Instant::now() < deadline, "nothing comes");
    };
    assert_read(&found, &[dead_letter(20, vec![20])]);
    assert!(!following.is_done());
    let later = DeadLettersFrom::Moment(Utc::now() + TimeDelta::hours(1));
    assert_read(&letters(&mut *read(later, false)), &[]);
}

/// How often a message has been replayed travels with it.
pub(crate) fn promise_7_a_replayed_message_says_how_often(log: &dyn Log) {
    let (producer, mut rig) = (log.producer().unwrap(), Rig::start(log, Share::ALL));
    publish(&*producer, Some("id"), "first").unwrap();
    let (report, landed) = sync_channel(1);
    producer.publish_again(Some("id"), b"again".to_vec(), 2, Box::new(move |at| report.send(at).unwrap()));
    landed.recv_timeout(PATIENCE).unwrap().unwrap();
    let attempts: Vec<_> = rig.read(2).into_iter().map(|message| (message.payload.len(), message.attempt)).collect();
    assert_eq!(attempts, [(5, 0), (5, 2)]);
}
