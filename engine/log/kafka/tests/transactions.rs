//! Records that are not messages are not lag (rule 9 of [`crate::log`]), on a real Kafka: the mock cluster writes no
//! transaction markers.

use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::{
    ClientConfig, Offset as KafkaOffset, TopicPartitionList,
    admin::{AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use super::{super::*, Cluster, wait_until};
use crate::{
    finding::Severity,
    log::{
        Lag, PartitionId,
        promises::{ReaderHarness, TIMEOUT, offsets_after},
    },
};

fn transactional(cluster: &Cluster, name: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.brokers()).set("transactional.id", name);
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(TIMEOUT).unwrap();
    producer
}

fn send(producer: &BaseProducer, topic: &str, count: usize) {
    for number in 0..count {
        let payload = number.to_string();
        producer.send(BaseRecord::<str, str>::to(topic).payload(&payload)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(TIMEOUT).unwrap();
}

fn committed(cluster: &Cluster, topic: &str) -> KafkaOffset {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer =
        config.set("bootstrap.servers", cluster.brokers()).set("group.id", topic).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    consumer.committed_offsets(list, TIMEOUT).unwrap().elements()[0].offset()
}

fn finding_of(log: &dyn Log, what: &str) -> Option<Finding> {
    log.inspect().into_iter().find(|finding| finding.what == what)
}

/// Polls continuously, as the source does, until the lag has this value.
fn wait_for_lag(harness: &mut ReaderHarness, left: u64) {
    let start = Instant::now();
    while harness.reader.lag() != Some(Lag::from([(PartitionId(0), left)])) {
        let mut messages = Vec::new();
        harness.reader.poll(100, &mut messages);
        assert_eq!(messages, []);
        assert!(start.elapsed() < TIMEOUT, "{:?} instead of {left}", harness.reader.lag());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Polls continuously, as the source does, until this offset is committed.
fn wait_for_commit(harness: &mut ReaderHarness, cluster: &Cluster, topic: &str, offset: i64) {
    let start = Instant::now();
    while committed(cluster, topic) != KafkaOffset::Offset(offset) {
        harness.reader.poll(100, &mut Vec::new());
        assert!(start.elapsed() < TIMEOUT, "{:?} instead of {offset}", committed(cluster, topic));
    }
}

#[test]
fn promise_9_transaction_markers_and_aborted_messages_are_not_lag() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    let (producer, mut harness) = (transactional(&cluster, &topic), ReaderHarness::start(&*log, Share::ALL));

    // Ten messages and their marker, five aborted messages and their marker.
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 10);
    producer.commit_transaction(TIMEOUT).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 5);
    producer.abort_transaction(TIMEOUT).unwrap();
    let messages = harness.read(10);
    wait_for_lag(&mut harness, 17);
    assert!(committed(&cluster, &topic) == KafkaOffset::Offset(0), "no message has come back");
    harness.reader.commit(&offsets_after(&messages[..4]));
    wait_for_lag(&mut harness, 13);
    harness.reader.commit(&offsets_after(&messages));
    wait_for_lag(&mut harness, 0);
    wait_for_commit(&mut harness, &cluster, &topic, 17);

    // The same holds after a restart.
    drop(harness);
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    wait_for_lag(&mut harness, 0);

    // An open transaction blocks later messages of other producers, and these are lag.
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 3);
    let other = log.producer().unwrap();
    crate::log::promises::publish(&*other, None, "after it").unwrap();
    wait_for_lag(&mut harness, 4);
    assert_eq!(committed(&cluster, &topic), KafkaOffset::Offset(17));
    let open = finding_of(&*log, "transactions").expect("it is named");
    assert!(open.found.contains("0 (offset 17, 4 records)"), "{open:?}");
    producer.commit_transaction(TIMEOUT).unwrap();
    let messages = harness.read(4);
    harness.reader.commit(&offsets_after(&messages));
    wait_for_lag(&mut harness, 0);
    wait_for_commit(&mut harness, &cluster, &topic, 22);
    assert_eq!(finding_of(&*log, "transactions"), None);
    assert!(finding_of(&*log, "lag").unwrap().found.contains(" 0 messages to go"));

    // Only aborted messages: nothing comes back through `commit`.
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 2);
    producer.abort_transaction(TIMEOUT).unwrap();
    wait_for_lag(&mut harness, 0);
    wait_for_commit(&mut harness, &cluster, &topic, 25);
}

#[test]
fn inspection_finds_a_running_scorer_and_a_compacted_topic() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = format!("{}-compacted", cluster.topic(1));
    let new = NewTopic::new(&topic, 2, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    assert!(block_on(cluster.admin().create_topics([&new], &AdminOptions::new())).unwrap().iter().all(Result::is_ok));
    let log = cluster.log(&topic, &format!("group={topic}"));
    wait_until(|| log.partitions() == Ok(2));
    assert_eq!(finding_of(&*log, "scorer"), None);
    let compacted =
        log.inspect().into_iter().any(|finding| finding.what == "topic" && finding.found.contains("compact"));
    assert!(compacted, "{:?}", log.inspect());
    // The scorer has read nothing, as there is nothing to read, and still counts as running.
    let _harness = ReaderHarness::start(&*log, Share::ALL);
    wait_until(|| finding_of(&*log, "scorer").is_some_and(|finding| finding.severity == Severity::Ok));
    assert!(finding_of(&*log, "lag").is_some_and(|finding| finding.severity == Severity::Ok));
}
