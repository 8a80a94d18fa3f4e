//! A topic that is deleted and recreated (rule 8 of [`crate::log`]), on a real Kafka: the mock cluster deletes no
//! topics.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_executor::block_on;
use rdkafka::{
    ClientConfig, Offset as KafkaOffset, TopicPartitionList,
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, CommitMode, Consumer},
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::{
    super::{offsets::OffsetMetadata, topic::identify, *},
    Cluster, wait_until,
};
use crate::log::{
    DeadLettersFrom, GROUP, Message, Offset, TopicId,
    promises::{ReaderHarness, TIMEOUT, dead_letter, offsets_after, publish, read_letters},
};

/// Deletes a topic, and waits for the brokers' confirmation.
fn delete(cluster: &Cluster, topic: &str) {
    let limits = AdminOptions::new().operation_timeout(Some(TIMEOUT));
    let deleted = block_on(cluster.admin().delete_topics(&[topic], &limits)).unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
}

/// Creates a topic, as soon as the brokers allow it.
fn create(cluster: &Cluster, topic: &str, partitions: i32) {
    let (new, limits) = (NewTopic::new(topic, partitions, TopicReplication::Fixed(1)), AdminOptions::new());
    wait_until(|| block_on(cluster.admin().create_topics([&new], &limits)).unwrap().iter().all(Result::is_ok));
    wait_until(|| cluster.log(topic, "").partitions() == Ok(partitions.cast_unsigned()));
}

pub(super) fn recreate(cluster: &Cluster, topic: &str, partitions: i32) {
    delete(cluster, topic);
    create(cluster, topic, partitions);
}

fn consumer(cluster: &Cluster, group: &str) -> BaseConsumer {
    ClientConfig::new().set("bootstrap.servers", cluster.brokers()).set("group.id", group).create().unwrap()
}

fn id_of(cluster: &Cluster, topic: &str) -> TopicId {
    identify(&consumer(cluster, "test"), topic).unwrap().unwrap().id.unwrap()
}

/// Publishes with a new client, which does not know the former topic.
pub(super) fn fill(log: &dyn Log, name: &str, count: usize) {
    let producer = log.producer().unwrap();
    for number in 0..count {
        // A broker that has just created the topic may not take the first message in time.
        wait_until(|| publish(&*producer, None, format!("{name}-{number}")).is_ok());
    }
}

/// Reads and commits until this number of messages of this name is read; others may come, too.
fn read_all(harness: &mut ReaderHarness, name: &str, count: usize) -> Vec<Message> {
    let (mut found, mut names, start) = (Vec::new(), BTreeSet::new(), Instant::now());
    while names.len() < count {
        assert!(start.elapsed() < TIMEOUT, "{} of {count} of {name}", names.len());
        let mut messages = Vec::new();
        harness.reader.poll(100, &mut messages);
        harness.reader.commit(&offsets_after(&messages));
        for message in messages {
            let text = String::from_utf8(message.payload.bytes().to_vec()).unwrap();
            if text.starts_with(name) {
                names.insert(text);
                found.push(message);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    found
}

/// Returns the offset that a group has committed in partition 0, and its metadata.
pub(super) fn committed(cluster: &Cluster, topic: &str, group: &str) -> (i64, String) {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let found = consumer(cluster, group).committed_offsets(list, TIMEOUT).unwrap();
    let element = &found.elements()[0];
    (element.offset().to_raw().unwrap(), element.metadata().to_owned())
}

pub(super) fn commit_as(cluster: &Cluster, topic: &str, group: &str, offset: i64, metadata: &str) {
    let mut list = TopicPartitionList::new();
    let mut element = list.add_partition(topic, 0);
    element.set_offset(KafkaOffset::Offset(offset)).unwrap();
    element.set_metadata(metadata);
    consumer(cluster, group).commit(&list, CommitMode::Sync).unwrap();
}

#[test]
fn a_mock_cluster_and_a_real_one_describe_a_topic() {
    Cluster::each(|cluster| {
        let topic = cluster.topic(3);
        let found = identify(&consumer(cluster, "test"), &topic).unwrap().unwrap();
        assert_eq!(found.partitions, 3);
        assert!(found.id.is_some());
    });
    let Some(cluster) = Cluster::real() else { return };
    assert_eq!(identify(&consumer(&cluster, "test"), "there-is-no-such-topic").unwrap(), None);
    let nowhere = ClientConfig::new().set("bootstrap.servers", "127.0.0.1:1").create().unwrap();
    let start = Instant::now();
    assert!(identify::<rdkafka::consumer::DefaultConsumerContext>(&nowhere, "t").is_err());
    assert!(start.elapsed() < TIMEOUT);
}

#[test]
fn promise_8_a_topic_recreated_under_a_reader_is_read_from_its_earliest_message() {
    let Some(cluster) = Cluster::real() else { return };
    // More, fewer and the same number of partitions.
    for partitions in [4, 1, 2, 2] {
        let topic = cluster.topic(2);
        let log = cluster.log(&topic, &format!("group={topic}"));
        let mut harness = ReaderHarness::start(&*log, Share::ALL);
        fill(&*log, "old", 40);
        let old = read_all(&mut harness, "old", 40);
        let id = id_of(&cluster, &topic);
        assert!(old.iter().all(|message| message.topic_id == Some(id)));
        recreate(&cluster, &topic, partitions);
        // More than were read of the old topic: its offsets are in range.
        fill(&*log, "new", 400);
        read_all(&mut harness, "new", 400);
        wait_until(|| {
            harness.reader.poll(100, &mut Vec::new());
            harness.reader.lag().is_some_and(|lag| !lag.is_empty() && lag.values().all(|left| *left == 0))
        });
        wait_until(|| harness.health.outage().is_none());
        let (offset, metadata) = committed(&cluster, &topic, &topic);
        assert!(offset >= 400 / i64::from(partitions) / 2, "{offset}");
        let now = id_of(&cluster, &topic);
        assert!(id != now && metadata.contains(&format!("topic={now}")), "{id} {now} {metadata}");
        // The next generation reads nothing twice and misses nothing.
        drop(harness);
        fill(&*log, "more", 10);
        let mut next = ReaderHarness::start(&*log, Share::ALL);
        assert_eq!(next.read(10).len(), 10);
        assert!(!next.reader.poll(100, &mut Vec::new()));
    }
}

#[test]
fn promise_8_the_new_topic_is_read_only_after_all_messages_of_the_old_one_have_come_back() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    fill(&*log, "old", 10);
    let old = harness.read(10);
    recreate(&cluster, &topic, 1);
    let id = id_of(&cluster, &topic);
    fill(&*log, "new", 5);
    wait_until(|| {
        let mut messages = Vec::new();
        harness.reader.poll(100, &mut messages);
        assert_eq!(messages, []);
        harness.health.outage().is_some_and(|outage| outage.reason.contains("is being finished"))
    });
    // Offsets of the old topic come back, and are not committed for the new one.
    harness.reader.commit(&offsets_after(&old));
    let messages = harness.read(5);
    assert!(messages.iter().all(|message| message.topic_id == Some(id)));
    assert_eq!(messages[0].position.offset, Offset(0));
    wait_until(|| committed(&cluster, &topic, &topic).1.contains(&id.to_string()));
    assert_eq!(committed(&cluster, &topic, &topic).0, 0, "the start, and no offset of the old topic");
    harness.commit(&offsets_after(&messages));
    assert_eq!(committed(&cluster, &topic, &topic).0, 5);
}

#[test]
fn promise_8_a_deleted_topic_is_waited_for_and_reported() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(2);
    let log = cluster.log(&topic, &format!("group={topic}"));
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    fill(&*log, "old", 10);
    read_all(&mut harness, "old", 10);
    delete(&cluster, &topic);
    wait_until(|| {
        harness.reader.poll(100, &mut Vec::new());
        harness
            .health
            .outage()
            .is_some_and(|outage| outage.needs_operator && outage.reason.contains("there is no topic"))
    });
    create(&cluster, &topic, 2);
    fill(&*log, "new", 300);
    read_all(&mut harness, "new", 300);
    wait_until(|| harness.health.outage().is_none());
}

#[test]
fn promise_8_a_topic_recreated_while_the_reader_was_stopped_is_read_from_its_earliest_message() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    let former = id_of(&cluster, &topic);
    fill(&*log, "old", 30);
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    read_all(&mut harness, "old", 30);
    harness.reader.close(Instant::now() + TIMEOUT).unwrap();
    let (offset, metadata) = committed(&cluster, &topic, &topic);
    assert_eq!(offset, 30);
    drop(harness);
    recreate(&cluster, &topic, 1);
    fill(&*log, "new", 100);
    // Kafka deletes the offsets of a deleted topic; a commit in flight may come afterwards.
    commit_as(&cluster, &topic, &topic, offset, &metadata);
    assert_eq!(OffsetMetadata::parse(&metadata).topic, Some(former));
    let is_former = |finding: &Finding| finding.found.contains("belongs to a former topic");
    assert!(log.inspect().iter().any(is_former), "{:?}", log.inspect());
    let messages = ReaderHarness::start(&*log, Share::ALL).read(100);
    assert_eq!(messages[0].position.offset, Offset(0));
    // Offsets that other tools or an operator commit are used.
    for metadata in ["", "theirs", &OffsetMetadata::now(Some(id_of(&cluster, &topic))).encode()] {
        commit_as(&cluster, &topic, &topic, 60, metadata);
        let messages = ReaderHarness::start(&*log, Share::ALL).read(40);
        assert_eq!(messages[0].position.offset, Offset(60), "{metadata:?}");
    }
}

#[test]
fn promise_8_dead_letters_of_a_topic_and_of_the_recreated_one_are_distinct() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, "");
    let one = DeadLetter { topic_id: Some(TopicId([1; 16])), ..dead_letter(7, b"one".to_vec()) };
    let other = DeadLetter { topic_id: Some(TopicId([2; 16])), ..dead_letter(7, b"other".to_vec()) };
    log.create_topics(&TopicOptions::default()).unwrap();
    let mut writer = log.dead_letters().unwrap();
    wait_until(|| writer.write(std::slice::from_ref(&one)).is_ok());
    wait_until(|| writer.write(&[other.clone(), one.clone()]).is_ok());
    let group = DeadLettersFrom::Group("replay");
    let mut reader = log.read_dead_letters(DeadLetterSpan { from: group, follow: false }).unwrap();
    assert!(read_letters(&mut *reader) == [one, other]);
}

#[test]
fn promise_8_a_recreated_topic_of_dead_letters_is_read_from_the_earliest() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let (log, dead) = (cluster.log(&topic, ""), format!("{topic}.dlq"));
    let group = DeadLettersFrom::Group("replay");
    let read = |follow| log.read_dead_letters(DeadLetterSpan { from: group, follow }).unwrap();
    let write = |offsets: std::ops::Range<u64>| {
        let written: Vec<_> = offsets.map(|offset| dead_letter(offset, vec![1])).collect();
        let mut writer = log.dead_letters().unwrap();
        wait_until(|| writer.write(&written).is_ok());
    };
    let offsets = |letters: &[DeadLetter]| letters.iter().map(|it| it.position.offset.0).collect::<BTreeSet<_>>();
    log.create_topics(&TopicOptions::default()).unwrap();
    write(0..10);
    let mut reader = read(false);
    assert_eq!(read_letters(&mut *reader).len(), 10);
    reader.commit().unwrap();
    let mut following = read(true);
    assert_eq!(following.next(7, Duration::from_millis(500)).unwrap(), []);
    let reader_group = format!("{GROUP}.replay");
    let (_, metadata) = committed(&cluster, &dead, &reader_group);

    recreate(&cluster, &dead, 1);
    write(100..120);
    let mut found = BTreeSet::new();
    wait_until(|| {
        found.extend(offsets(&following.next(7, Duration::from_millis(100)).unwrap_or_default()));
        found == (100..120).collect()
    });
    commit_as(&cluster, &dead, &reader_group, 10, &metadata);
    let mut reader = read(false);
    assert_eq!(offsets(&read_letters(&mut *reader)), (100..120).collect());
    reader.commit().unwrap();
    assert_eq!(read_letters(&mut *read(false)), []);
}

/// A producer that has written to the former topic writes to the recreated one.
#[test]
fn a_producer_continues_in_a_recreated_topic() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(2);
    let log = cluster.log(&topic, &format!("group={topic}"));
    let producer: Arc<dyn Producer> = log.producer().unwrap();
    for _ in 0..20 {
        publish(&*producer, None, "old").unwrap();
    }
    recreate(&cluster, &topic, 2);
    let published: Vec<_> = (0..20).map(|number| publish(&*producer, None, format!("new-{number}"))).collect();
    let acknowledged = published.iter().filter(|published| published.is_ok()).count();
    let start = Instant::now();
    wait_until(|| publish(&*producer, None, "last").is_ok());
    println!(
        "{acknowledged} of 20 were acknowledged at once; the next one after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    let found = read_all(&mut harness, "", acknowledged + 1);
    assert!(found.iter().any(|message| message.payload.bytes() == b"last"));
    for (number, _) in published.iter().enumerate().filter(|(_, published)| published.is_ok()) {
        let name = format!("new-{number}");
        assert!(found.iter().any(|message| message.payload.bytes() == name.as_bytes()), "{name} was acknowledged");
    }
}

/// A position is out of range if the log was truncated, or retention has passed the reader. The reader continues at the
/// earliest message of the same topic. The position is not used again even if it is in range by then: other messages
/// may precede it.
#[test]
fn promise_1_a_position_out_of_range_while_reading_resets_to_the_earliest() {
    let cluster = Cluster::mock();
    let Cluster::Mock(mock) = &cluster else { panic!() };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, "");
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    fill(&*log, "early", 10);
    let early = harness.read(10);
    fill(&*log, "late", 10);
    harness.reader.commit(&offsets_after(&early));
    let (mut offsets, start) = (Vec::new(), Instant::now());
    let mut next_error = start;
    while !offsets.ends_with(&(0..20).collect::<Vec<u64>>()) {
        assert!(start.elapsed() < TIMEOUT, "{offsets:?}");
        // librdkafka drops the response to a fetch of an earlier assignment, and its error: one may not be enough.
        if !offsets.contains(&0) && Instant::now() >= next_error {
            mock.request_errors(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE]);
            next_error = Instant::now() + Duration::from_secs(1);
        }
        let mut messages = Vec::new();
        harness.reader.poll(100, &mut messages);
        harness.reader.commit(&offsets_after(&messages));
        offsets.extend(messages.iter().map(|message| message.position.offset.0));
        std::thread::sleep(Duration::from_millis(5));
    }
}
