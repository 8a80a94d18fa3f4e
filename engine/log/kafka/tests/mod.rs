//! The conformance suite of logs on Kafka.
//!
//! Each test runs against librdkafka's mock cluster, in this process, and again against a real one if `KAFKA_URL` names
//! it, as in `kafka://127.0.0.1:9092`. Some tests need features that only one of the two has.

mod events;
mod output;
mod recreated_topic;
mod transactions;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures_executor::block_on;
use rdkafka::{
    ClientConfig, Message as _, Offset as KafkaOffset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    message::{BorrowedHeaders, Headers},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::*;
use crate::{
    log::{
        self, DEAD_LETTER_BYTES_MAX, Message, Offset, Offsets, PartitionId, PublishError,
        promises::{self, ReaderHarness, TIMEOUT, dead_letter, publish},
    },
    testing::Toy,
};

pub(super) type Mock = MockCluster<'static, DefaultProducerContext>;

/// A cluster for tests.
pub(super) enum Cluster {
    Mock(Box<Mock>),
    Real(String),
}

impl Cluster {
    pub(super) fn mock() -> Self {
        Cluster::Mock(Box::new(MockCluster::new(1).unwrap()))
    }

    pub(super) fn real() -> Option<Self> {
        let Ok(url) = std::env::var("KAFKA_URL") else {
            assert!(std::env::var_os("DELAYCAST_REQUIRE_SERVICES").is_none(), "KAFKA_URL names no Kafka");
            println!("not run against a real Kafka: KAFKA_URL does not name one");
            return None;
        };
        Some(Cluster::Real(url.trim_start_matches("kafka://").trim_end_matches('/').to_owned()))
    }

    /// Runs a test on the mock cluster, and on the real one if there is one.
    pub(super) fn each(test: impl Fn(&Cluster)) {
        test(&Cluster::mock());
        Cluster::real().iter().for_each(test);
    }

    pub(super) fn brokers(&self) -> String {
        match self {
            Cluster::Mock(mock) => mock.bootstrap_servers(),
            Cluster::Real(brokers) => brokers.clone(),
        }
    }

    pub(super) fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", self.brokers()).create().unwrap()
    }

    /// Creates a topic of a unique name.
    pub(super) fn topic(&self, partitions: i32) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let topic = format!("test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        match self {
            Cluster::Mock(mock) => mock.create_topic(&topic, partitions, 1).unwrap(),
            Cluster::Real(_) => {
                let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
                let made = block_on(self.admin().create_topics([&new], &AdminOptions::new())).unwrap();
                assert!(made.iter().all(Result::is_ok), "{made:?}");
            }
        }
        let log = self.log(&topic, "");
        let start = Instant::now();
        while log.partitions() != Ok(partitions.cast_unsigned()) {
            assert!(start.elapsed() < TIMEOUT, "{:?}", log.partitions());
            std::thread::sleep(Duration::from_millis(10));
        }
        topic
    }

    pub(super) fn log(&self, topic: &str, parameters: &str) -> Arc<dyn Log> {
        log::open::<Toy>(&format!("kafka://{}/{topic}?{parameters}", self.brokers())).unwrap()
    }

    fn new_log(&self, partitions: i32) -> Arc<dyn Log> {
        self.log(&self.topic(partitions), "")
    }
}

#[test]
fn promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset() {
    Cluster::each(|cluster| {
        promises::promise_1_each_partition_in_order_without_a_gap_from_the_committed_offset(&*cluster.new_log(4));
    });
}

#[test]
fn promise_1_shares_are_disjoint_and_complete() {
    Cluster::each(|cluster| promises::promise_1_shares_are_disjoint_and_complete(&*cluster.new_log(4)));
}

/// The mock cluster cannot add partitions.
#[test]
fn promise_1_new_partitions_are_picked_up() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(2);
    let grow = || {
        let more = NewPartitions::new(&topic, 5);
        block_on(cluster.admin().create_partitions([&more], &AdminOptions::new())).unwrap();
        let start = Instant::now();
        while cluster.log(&topic, "").partitions() != Ok(5) {
            assert!(start.elapsed() < TIMEOUT);
        }
    };
    let fast_refresh = "topic.metadata.refresh.interval.ms=200";
    promises::promise_1_new_partitions_are_picked_up(&*cluster.log(&topic, fast_refresh), grow);
}

#[test]
fn promise_1_an_offset_out_of_range_resets_to_the_earliest() {
    Cluster::each(|cluster| {
        let log = cluster.new_log(1);
        let producer = log.producer().unwrap();
        for n in 0..5 {
            publish(&*producer, None, format!("{n}")).unwrap();
        }
        ReaderHarness::start(&*log, Share::ALL).commit(&Offsets::from([(PartitionId(0), Offset(1000))]));
        let messages = ReaderHarness::start(&*log, Share::ALL).read(5);
        assert_eq!(messages[0].position.offset, Offset(0));
    });
}

#[test]
fn promise_2_the_callback_runs_for_new_messages() {
    Cluster::each(|cluster| promises::promise_2_the_callback_runs_for_new_messages(&*cluster.new_log(4)));
}

#[test]
fn promise_3_only_commit_commits_and_lag_shows_it() {
    Cluster::each(|cluster| promises::promise_3_only_commit_commits_and_lag_shows_it(&*cluster.new_log(4)));
}

#[test]
fn promise_3_each_group_has_its_own_offsets_and_a_commit_can_rewind() {
    Cluster::each(|cluster| {
        let topic = cluster.topic(1);
        let (one, other) = (cluster.log(&topic, "group=one"), cluster.log(&topic, "group=other"));
        let producer = one.producer().unwrap();
        for n in 0..10 {
            publish(&*producer, None, format!("{n}")).unwrap();
        }
        let to = |offset| Offsets::from([(PartitionId(0), Offset(offset))]);
        ReaderHarness::start(&*one, Share::ALL).commit(&to(8));
        assert_eq!(ReaderHarness::start(&*other, Share::ALL).read(10).len(), 10);
        // An overlapping generation rewinds: work is repeated, and nothing is skipped. It has read something, as every
        // reader that commits: what the group had committed is known to it.
        let mut overlapping = ReaderHarness::start(&*one, Share::ALL);
        assert_eq!(overlapping.read(1)[0].position.offset, Offset(8));
        overlapping.commit(&to(3));
        assert_eq!(ReaderHarness::start(&*one, Share::ALL).read(7)[0].position.offset, Offset(3));
    });
}

#[test]
fn promises_3_and_4_outages_are_retried() {
    let cluster = Cluster::mock();
    let log = cluster.new_log(4);
    let Cluster::Mock(mock) = &cluster else { panic!() };
    promises::promises_3_and_4_outages_are_retried(
        &*log,
        || mock.broker_down(1).unwrap(),
        || mock.broker_up(1).unwrap(),
    );
}

#[test]
fn promise_4_an_unreachable_log_is_retried_and_reported() {
    let nowhere = log::open::<Toy>("kafka://127.0.0.1:1/requests").unwrap();
    let error = nowhere.partitions().unwrap_err();
    assert!(!error.needs_operator && error.reason.contains("127.0.0.1:1"), "{error}");
    let harness = ReaderHarness::start(&*nowhere, Share::ALL);
    let start = Instant::now();
    let outage = loop {
        if let Some(outage) = harness.health.outage() {
            break outage;
        }
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(!outage.needs_operator && outage.reason.contains("127.0.0.1:1"), "{outage:?}");
    let failed = publish(&*nowhere.producer().unwrap(), None, "m").unwrap_err();
    assert!(matches!(&failed, PublishError::Unavailable(error) if error.reason.contains("127.0.0.1:1")), "{failed:?}");
    assert!(start.elapsed() < TIMEOUT);
}

#[test]
fn promise_5_buffers_are_bounded() {
    Cluster::each(|cluster| {
        promises::promise_5_buffers_are_bounded(&*cluster.new_log(2), READ_AHEAD_MESSAGES_MAX);
    });
}

#[test]
fn messages_of_a_key_share_a_partition() {
    Cluster::each(|cluster| promises::messages_of_a_key_share_a_partition(&*cluster.new_log(4)));
}

#[test]
fn a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused() {
    Cluster::each(|cluster| {
        let log = cluster.new_log(4);
        promises::a_message_of_the_largest_size_is_published_and_a_larger_one_is_refused(&*log, PUBLISH_BYTES_MAX);
    });
}

/// The mock cluster has no offsets for timestamps.
#[test]
fn promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset() {
    let Some(cluster) = Cluster::real() else { return };
    promises::promise_6_dead_letters_are_read_from_a_timestamp_or_a_committed_offset(&*cluster.new_log(2));
}

#[test]
fn promise_7_a_replayed_message_carries_its_attempts() {
    Cluster::each(|cluster| promises::promise_7_a_replayed_message_carries_its_attempts(&*cluster.new_log(1)));
}

#[test]
fn dead_letters_are_written_to_their_topic_with_all_fields() {
    Cluster::each(|cluster| {
        let topic = cluster.topic(2);
        let log = cluster.log(&topic, "");
        let letters: Vec<_> = (0..100).map(|n| dead_letter(n, vec![n as u8; n as usize])).collect();
        let mut long = dead_letter(100, vec![7; 2 * DEAD_LETTER_BYTES_MAX]);
        long.id = None;
        let letters = [letters, vec![long]].concat();
        let mut writer = log.dead_letters().unwrap();
        let start = Instant::now();
        // The topic is created for the first letter, which may take a moment.
        while let Err(error) = writer.write(&letters[..1]) {
            assert!(start.elapsed() < TIMEOUT, "{error}");
        }
        assert_eq!(writer.write(&letters), Ok(vec![]));
        let mut kept = BTreeMap::new();
        let consumer = consumer_from_beginning(cluster, &format!("{topic}.dlq"));
        while kept.len() < letters.len() {
            assert!(start.elapsed() < TIMEOUT, "{} kept", kept.len());
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            let headers = headers_of(message.headers().unwrap());
            let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            assert_eq!(key, format!("{topic}/1/{}", headers["offset"]));
            kept.insert(
                headers["offset"].parse::<u64>().unwrap(),
                (message.payload().unwrap_or_default().to_vec(), headers),
            );
        }
        for letter in &letters {
            let (payload, headers) = &kept[&letter.position.offset.0];
            assert_eq!(payload, letter.payload.bytes());
            assert_eq!(headers.get("id").map(String::as_str), letter.id.as_ref().map(|id| id.as_str()));
            assert_eq!(headers["length"], letter.payload.len().to_string());
        }
    });
}

fn consumer_from_beginning(cluster: &Cluster, topic: &str) -> BaseConsumer {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", cluster.brokers()).set("group.id", "test").create().unwrap();
    let partitions = consumer.fetch_metadata(Some(topic), TIMEOUT).unwrap().topics()[0].partitions().len();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition as i32, KafkaOffset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    consumer
}

fn headers_of(headers: &BorrowedHeaders) -> BTreeMap<String, String> {
    let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
    headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
}

/// Old producers send no key and no headers; a tombstone has no payload.
#[test]
fn a_message_without_a_payload_counts_as_empty() {
    Cluster::each(|cluster| {
        let topic = cluster.topic(1);
        let producer: rdkafka::producer::BaseProducer =
            ClientConfig::new().set("bootstrap.servers", cluster.brokers()).create().unwrap();
        producer.send(rdkafka::producer::BaseRecord::<[u8], [u8]>::to(&topic)).map_err(|(error, _)| error).unwrap();
        rdkafka::producer::Producer::flush(&producer, TIMEOUT).unwrap();
        let messages: Vec<Message> = ReaderHarness::start(&*cluster.log(&topic, ""), Share::ALL).read(1);
        assert!(messages[0].payload.is_empty());
    });
}

/// The mock cluster creates any topic that is asked for.
#[test]
fn a_missing_topic_is_created_if_the_url_gives_its_partitions() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = format!("{}-more", cluster.topic(1));
    let error = cluster.log(&topic, "").partitions().unwrap_err();
    assert!(error.needs_operator && error.reason.contains(&format!("there is no topic {topic}")), "{error}");
    let harness = ReaderHarness::start(&*cluster.log(&topic, ""), Share::ALL);
    wait_until(|| harness.health.outage().is_some_and(|outage| outage.needs_operator));
    assert_eq!(cluster.log(&topic, "partitions=3").partitions(), Ok(3));
    assert_eq!(cluster.log(&format!("{topic}.dlq"), "").partitions(), Ok(1));
    assert_eq!(cluster.log(&topic, "partitions=5").partitions(), Ok(3), "it is not changed");
}

pub(super) fn wait_until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An idempotent producer that is refused an id has a fatal error.
#[test]
fn a_producer_with_a_fatal_error_is_replaced() {
    let cluster = Cluster::mock();
    let log = cluster.new_log(1);
    let Cluster::Mock(mock) = &cluster else { panic!() };
    mock.request_errors(
        RDKafkaApiKey::InitProducerId,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
    );
    let producer = log.producer().unwrap();
    assert!(matches!(publish(&*producer, None, "m"), Err(PublishError::Unavailable(_))));
    wait_until(|| publish(&*producer, None, "m").is_ok());
}

/// Only members may commit to a group that has members.
#[test]
fn a_group_with_members_of_another_application_is_reported() {
    let Some(cluster) = Cluster::real() else { return };
    let (topic, other_topic) = (cluster.topic(1), cluster.topic(1));
    let log = cluster.log(&topic, &format!("group={topic}"));
    let producer = log.producer().unwrap();
    publish(&*producer, None, "first").unwrap();
    let other: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", cluster.brokers()).set("group.id", &topic).create().unwrap();
    other.subscribe(&[&other_topic]).unwrap();
    wait_until(|| {
        other.poll(Duration::from_millis(10));
        other.assignment().unwrap().count() > 0
    });
    let mut harness = ReaderHarness::start(&*log, Share::ALL);
    let messages = harness.read(1);
    harness.reader.commit(&promises::offsets_after(&messages));
    wait_until(|| harness.health.outage().is_some_and(|outage| outage.needs_operator));
    let outage = harness.health.outage().unwrap();
    assert!(outage.reason.contains("another application reads with this group"), "{outage:?}");
    // Reading goes on; committing goes on once the other application has left.
    publish(&*producer, None, "second").unwrap();
    assert_eq!(harness.read(1)[0].payload.bytes(), b"second");
    drop(other);
    harness.reader.close(Instant::now() + TIMEOUT).unwrap();
}
