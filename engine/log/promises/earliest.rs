//! Promise 10: a reader that starts at the earliest message, and the messages that the group had committed before.

use std::time::Instant;

use super::{Log, Message, Offset, Offsets, ReaderHarness, Share, Start, TIMEOUT, offsets_after, publish};

/// Returns whether a message that was just polled is below the committed offset of its partition.
fn is_committed(harness: &ReaderHarness, message: &Message) -> bool {
    let committed = harness.reader.committed();
    committed.get(&message.position.partition).is_some_and(|next| message.position.offset < *next)
}

/// Reads all messages, one at a time, with the answer of [`is_committed`] to each at the time of its poll; by position.
pub fn read_with_answers(harness: &mut ReaderHarness, count: usize) -> Vec<(Message, bool)> {
    let mut read = Vec::new();
    for _ in 0..count {
        let message = harness.read(1).remove(0);
        let answer = is_committed(harness, &message);
        read.push((message, answer));
    }
    // Nothing that is read later changes an answer.
    for (message, answer) in &read {
        assert_eq!(is_committed(harness, message), *answer, "{}", message.position);
    }
    read.sort_by_key(|(message, _)| message.position);
    read
}

fn earliest(log: &dyn Log) -> ReaderHarness {
    ReaderHarness::start_at(log, Share::ALL, Start::Earliest)
}

/// The log has 4 partitions and no messages.
pub fn promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed(log: &dyn Log) {
    let producer = log.producer().unwrap();
    let mut published: Vec<_> = (0..40).map(|n| publish(&*producer, None, format!("{n}")).unwrap()).collect();
    published.sort();
    // The group has committed nothing yet.
    let mut first = earliest(log);
    let read = read_with_answers(&mut first, 40);
    assert_eq!(read.iter().map(|(message, _)| message.position).collect::<Vec<_>>(), published);
    assert!(read.iter().all(|(_, answer)| !answer), "{:?}", first.reader.committed());
    // One partition has no commit, and the others have different ones.
    let (messages, handled): (Vec<Message>, Vec<Message>) = {
        let messages: Vec<_> = read.into_iter().map(|(message, _)| message).collect();
        let is_handled = |message: &&Message| message.position.offset.0 < 2 * u64::from(message.position.partition.0);
        let handled = messages.iter().filter(is_handled).cloned().collect();
        (messages, handled)
    };
    let offsets = offsets_after(&handled);
    assert_eq!(offsets.len(), 3);
    first.commit(&offsets);

    let mut second = earliest(log);
    for (message, answer) in read_with_answers(&mut second, 40) {
        assert!(messages.contains(&message));
        assert_eq!(answer, handled.contains(&message), "{}", message.position);
    }
    // A reader that starts at the committed offsets reads none of them.
    let mut third = ReaderHarness::start(log, Share::ALL);
    let rest = read_with_answers(&mut third, 40 - handled.len());
    assert!(rest.iter().all(|(message, answer)| !answer && !handled.contains(message)));
    drop(third);
    // Its own commits count as well.
    let all = offsets_after(&messages);
    second.reader.commit(&all);
    second.reader.close(Instant::now() + TIMEOUT).unwrap();
    assert_eq!(second.reader.committed(), all);
    drop(second);
    assert!(read_with_answers(&mut earliest(log), 40).iter().all(|(_, answer)| *answer));
}

/// The log has 4 partitions and no messages.
pub fn promise_10_commits_of_the_earliest_reader_lower_no_committed_offset(log: &dyn Log) {
    let producer = log.producer().unwrap();
    for n in 0..12 {
        publish(&*producer, Some("one partition"), format!("{n}")).unwrap();
    }
    let mut first = ReaderHarness::start(log, Share::ALL);
    let messages = first.read(12);
    let to = |offset| Offsets::from([(messages[0].position.partition, Offset(offset))]);
    first.commit(&to(7));
    // A state is rebuilt, and its progress is committed; the reader ends before it has caught up.
    let mut second = earliest(log);
    for n in 1..=5 {
        assert_eq!(second.read(1)[0].position.offset, Offset(n - 1));
        second.reader.commit(&to(n));
    }
    second.reader.renew();
    second.reader.close(Instant::now() + TIMEOUT).unwrap();
    assert_eq!(second.reader.committed().get(&messages[0].position.partition), Some(&Offset(7)));
    let lag = second.reader.lag().unwrap();
    assert_eq!(lag.get(&messages[0].position.partition), Some(&5));
    drop(second);
    assert_eq!(ReaderHarness::start(log, Share::ALL).read(5), messages[7..]);
    let mut third = earliest(log);
    assert_eq!(third.read(12), messages);
    third.commit(&to(9));
    assert_eq!(ReaderHarness::start(log, Share::ALL).read(3), messages[9..]);
}
