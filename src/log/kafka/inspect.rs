//! What an operator should know of a topic.

use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    metadata::Metadata,
};

use super::{address::Settings, context::Quiet, fault::unavailable, options, options::CALL};
use crate::{
    finding::Finding,
    log::findings::{dead_letters, lag_of},
};

pub(super) fn inspect(settings: &Settings) -> Vec<Finding> {
    let config = options::consumer(settings);
    let consumer: BaseConsumer<Quiet> = match config.create_with_context(Quiet::default()) {
        Ok(consumer) => consumer,
        Err(error) => return vec![Finding::broken("log", error.to_string(), "check the parameters of the URL")],
    };
    let metadata = match consumer.fetch_metadata(None, CALL) {
        Ok(metadata) => metadata,
        Err(error) => {
            // Why there was no answer is told by events that wait by now.
            (0..super::office::EVENTS_MAX).for_each(|_| drop(consumer.poll(std::time::Duration::ZERO)));
            let error = consumer.context().complaint().unwrap_or_else(|| unavailable("no answer", &error));
            let advice = "see whether the brokers run, and whether host, port and security of the URL are theirs";
            return vec![Finding::broken("log", format!("kafka://{}: {}", settings.brokers, error.reason), advice)];
        }
    };
    let mut findings = vec![Finding::well("log", format!("{} brokers answer", metadata.brokers().len()))];
    let (topic, dead_topic) = (&*settings.topic, &*settings.dead_letter_topic());
    match state(&metadata, topic) {
        None => {
            let advice = "make it: delaycast topics create --log URL";
            findings.push(Finding::broken("topic", format!("there is no topic {topic}"), advice));
            return findings;
        }
        Some((partitions, 0)) => {
            findings
                .push(Finding::well("topic", format!("{topic} has {partitions} partitions, all with their copies")));
        }
        Some((partitions, lacking)) => findings.push(Finding::notice(
            "topic",
            format!("{lacking} of the {partitions} partitions of {topic} lack copies"),
            "see which brokers are down",
        )),
    }
    findings.push(lag(&consumer, settings, &metadata).unwrap_or_else(|error| {
        let error = unavailable("cannot learn what is committed", &error);
        Finding::broken("lag", error.reason, "see whether this user may read the group")
    }));
    findings.push(match state(&metadata, dead_topic) {
        None => Finding::notice(
            "dead letters",
            format!("there is no topic {dead_topic} yet"),
            "it is made with the first dead letter, if this user may; else: delaycast topics create --log URL",
        ),
        Some(_) => count(&consumer, dead_topic, &metadata).map_or_else(
            |error| Finding::broken("dead letters", error.to_string(), "see whether this user may read the topic"),
            dead_letters,
        ),
    });
    findings
}

/// How many partitions a topic has, and how many of them lack copies; `None` if it is not there.
fn state(metadata: &Metadata, topic: &str) -> Option<(usize, usize)> {
    let topic = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none())?;
    let lacking = topic.partitions().iter().filter(|partition| partition.isr().len() < partition.replicas().len());
    Some((topic.partitions().len(), lacking.count()))
}

fn partitions(metadata: &Metadata, topic: &str) -> i32 {
    i32::try_from(state(metadata, topic).map_or(0, |(partitions, _)| partitions)).unwrap_or(i32::MAX)
}

fn lag(consumer: &BaseConsumer<Quiet>, settings: &Settings, metadata: &Metadata) -> Result<Finding, KafkaError> {
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions(metadata, &settings.topic) {
        list.add_partition(&settings.topic, partition);
    }
    let (mut lag, mut has_committed) = (0, false);
    for element in consumer.committed_offsets(list, CALL)?.elements() {
        let (low, high) = consumer.fetch_watermarks(&settings.topic, element.partition(), CALL)?;
        let next = match element.offset() {
            KafkaOffset::Offset(next) => {
                has_committed = true;
                next
            }
            _ => low,
        };
        lag += high.saturating_sub(next).max(0).unsigned_abs();
    }
    Ok(lag_of(&settings.group, has_committed, lag))
}

fn count(consumer: &BaseConsumer<Quiet>, topic: &str, metadata: &Metadata) -> Result<u64, KafkaError> {
    let mut count = 0;
    for partition in 0..partitions(metadata, topic) {
        let (low, high) = consumer.fetch_watermarks(topic, partition, CALL)?;
        count += high.saturating_sub(low).max(0).unsigned_abs();
    }
    Ok(count)
}
