//! Reading from the earliest message (promise 10), also where topics are recreated and messages are deleted, and the
//! topics of events.

use futures_executor::block_on;
use rdkafka::admin::AdminOptions;

use super::{
    recreated_topic::{commit_as, committed, fill, recreate},
    *,
};
use crate::log::promises::{offsets_after, read_with_answers};

fn earliest(log: &dyn Log) -> ReaderHarness {
    ReaderHarness::start_at(log, Share::ALL, Start::Earliest)
}

fn to(offset: u64) -> Offsets {
    Offsets::from([(PartitionId(0), Offset(offset))])
}

#[test]
fn promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed() {
    Cluster::each(|cluster| {
        let log = cluster.new_log(4);
        promises::promise_10_the_earliest_reader_yields_all_messages_and_tells_those_that_were_committed(&*log);
    });
}

#[test]
fn promise_10_commits_of_the_earliest_reader_lower_no_committed_offset() {
    Cluster::each(|cluster| {
        promises::promise_10_commits_of_the_earliest_reader_lower_no_committed_offset(&*cluster.new_log(4));
    });
}

#[test]
fn promise_11_a_reader_knows_when_it_has_read_everything() {
    Cluster::each(|cluster| promises::promise_11_a_reader_knows_when_it_has_read_everything(&*cluster.new_log(4)));
}

#[test]
fn promise_10_offsets_of_a_former_topic_do_not_count() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    fill(&*log, "old", 20);
    let mut harness = earliest(&*log);
    harness.read(20);
    harness.commit(&to(15));
    let (offset, metadata) = committed(&cluster, &topic, &topic);
    assert_eq!(offset, 15);
    recreate(&cluster, &topic, 1);
    fill(&*log, "new", 30);
    // Kafka deletes the offsets of a deleted topic; a commit in flight may come afterwards.
    commit_as(&cluster, &topic, &topic, offset, &metadata);
    let mut harness = earliest(&*log);
    assert!(read_with_answers(&mut harness, 30).iter().all(|(_, answer)| !answer));
    harness.commit(&to(4));
    assert_eq!(committed(&cluster, &topic, &topic).0, 4, "an offset of the former topic is no floor");
}

#[test]
fn promise_10_messages_of_a_topic_that_is_left_are_still_told_apart() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    fill(&*log, "old", 10);
    ReaderHarness::start(&*log, Share::ALL).commit(&to(6));
    let mut harness = earliest(&*log);
    let old = harness.read(10);
    recreate(&cluster, &topic, 1);
    fill(&*log, "new", 10);
    wait_until(|| {
        harness.reader.poll(100, &mut Vec::new());
        harness.health.outage().is_some_and(|outage| outage.reason.contains("is being finished"))
    });
    assert_eq!(harness.reader.committed(), to(6), "messages of the old topic are still to be handled");
    harness.reader.commit(&offsets_after(&old));
    assert!(read_with_answers(&mut harness, 10).iter().all(|(_, answer)| !answer));
}

#[test]
fn promise_10_reading_starts_at_the_earliest_message_that_is_kept() {
    let Some(cluster) = Cluster::real() else { return };
    let topic = cluster.topic(1);
    let log = cluster.log(&topic, &format!("group={topic}"));
    fill(&*log, "m", 20);
    for (low, next, below) in [(5, 12, 7), (9, 12, 3), (12, 12, 0), (15, 12, 0)] {
        commit_as(&cluster, &topic, &topic, next, "");
        let mut kept = TopicPartitionList::new();
        kept.add_partition_offset(&topic, 0, KafkaOffset::Offset(low)).unwrap();
        block_on(cluster.admin().delete_records(&kept, &AdminOptions::new())).unwrap();
        let read = read_with_answers(&mut earliest(&*log), 20 - low as usize);
        assert_eq!(read[0].0.position.offset, Offset(low.cast_unsigned()));
        assert_eq!(read.iter().filter(|(_, answer)| *answer).count(), below, "{low} {next}");
    }
}

/// The mock cluster creates any topic that is asked for.
#[test]
fn the_topics_of_events_are_created_with_their_retention() {
    let Some(cluster) = Cluster::real() else { return };
    let events = format!("{}-events", cluster.topic(1));
    let url = format!("kafka://{}/{events}?partitions=3", cluster.brokers());
    let log = log::open_events::<Toy>(&url).unwrap();
    let topics = |log: &dyn Log, retention| {
        let topics = log.create_topics(&TopicOptions { replication: None, retention }).unwrap();
        let days = |seconds: u64| seconds / 86400;
        topics.into_iter().map(|it| (it.name, it.created, it.partitions, it.retention_s.map(days))).collect::<Vec<_>>()
    };
    let dead = format!("{events}.dlq");
    let expected = |created, days| vec![(events.clone(), created, 3, Some(days)), (dead.clone(), created, 1, Some(30))];
    assert_eq!(topics(&*log, None), expected(true, 18));
    assert_eq!(topics(&*log, Some(Duration::from_secs(86400))), expected(false, 18), "it is not changed");
    let warns = |log: &dyn Log| log.inspect().iter().any(|it| it.found.contains("they are needed for 432 h"));
    assert!(!warns(&*log));

    // What an operator asks for counts, and a retention that is too short is found.
    let short = cluster.topic(1) + "-short";
    let log = log::open_events::<Toy>(&format!("kafka://{}/{short}", cluster.brokers())).unwrap();
    let created = topics(&*log, Some(Duration::from_secs(86400)));
    assert_eq!(created[0], (short.clone(), true, 4, Some(1)));
    assert!(warns(&*log), "{:?}", log.inspect());
    assert!(!warns(&*cluster.log(&short, "")), "any other log");
    // A producer creates them as well, if the URL gives their partitions.
    let sent = format!("{events}-sent");
    let url = format!("kafka://{}/{sent}?partitions=2", cluster.brokers());
    let log = log::open_events::<Toy>(&url).unwrap();
    let producer = log.producer().unwrap();
    wait_until(|| publish(&*producer, None, "event").is_ok());
    assert_eq!(topics(&*log, None)[0], (sent, false, 2, Some(18)));
}
