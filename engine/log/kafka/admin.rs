//! Administrative calls: describes topics, and creates them.

use futures_executor::block_on;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication::Fixed},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::RDKafkaErrorCode as Code,
    metadata::MetadataPartition,
};

use super::{
    client::{ErrorCapture, unavailable, unavailable_by_code},
    config::CALL_TIMEOUT,
};
use crate::{
    delivery::Unavailable,
    log::{Topic, TopicOptions},
};

/// The replication factor that stands for the brokers' default.
const DEFAULT_REPLICATION: i32 = -1;

/// A topic in a broker's metadata.
pub(super) struct TopicMetadata {
    pub(super) partitions: u32,
    /// A broker that leads one of the partitions.
    pub(super) leader: Option<i32>,
}

/// Returns the number of partitions of a topic; `None` if there is no such topic. Blocks, [`CALL_TIMEOUT`] at most.
pub(super) fn count_partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, Unavailable> {
    Ok(find(consumer, topic)?.map(|found| found.partitions))
}

/// Returns the metadata of a topic; `None` if there is no such topic. Blocks, [`CALL_TIMEOUT`] at most.
pub(super) fn find<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<TopicMetadata>, Unavailable> {
    let doing = format!("cannot learn the partitions of topic {topic}");
    let metadata = consumer.fetch_metadata(Some(topic), CALL_TIMEOUT).map_err(|error| unavailable(&doing, &error))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(Code::from) {
        Some(Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(unavailable_by_code(&doing, code)),
        None if found.partitions().is_empty() => Err(Unavailable::transient(format!("{doing}: it has none yet"))),
        None => Ok(Some(TopicMetadata {
            partitions: u32::try_from(found.partitions().len()).unwrap_or(u32::MAX),
            leader: found.partitions().iter().map(MetadataPartition::leader).find(|leader| *leader >= 0),
        })),
    }
}

/// Returns the outage of a topic that does not exist.
pub(super) fn missing(topic: &str) -> Unavailable {
    Unavailable::needs_operator(format!(
        "there is no topic {topic}: create it, or give the URL partitions=N, and it is made with so many partitions"
    ))
}

/// The specification of a topic to create.
pub(super) struct NewTopicSpec<'a> {
    pub(super) name: &'a str,
    pub(super) partitions: i32,
    pub(super) options: TopicOptions,
}

/// Creates topics unless they exist; returns the names of those created. Blocks, a little over [`CALL_TIMEOUT`] at
/// most.
pub(super) fn create(config: &ClientConfig, topics: &[NewTopicSpec<'_>]) -> Result<Vec<String>, Unavailable> {
    let doing = "cannot make the topics";
    let retention_ms = |options: &TopicOptions| options.retention.map(|retention| retention.as_millis().to_string());
    let retentions: Vec<_> = topics.iter().map(|topic| retention_ms(&topic.options)).collect();
    let mut new = Vec::new();
    for (topic, retention_ms) in topics.iter().zip(&retentions) {
        let replicas =
            topic.options.replication.and_then(|replicas| i32::try_from(replicas).ok()).unwrap_or(DEFAULT_REPLICATION);
        let spec = NewTopic::new(topic.name, topic.partitions, Fixed(replicas));
        new.push(match retention_ms {
            Some(retention_ms) => spec.set("retention.ms", retention_ms),
            None => spec,
        });
    }
    let results =
        block_on(admin(config)?.create_topics(&new, &timeouts())).map_err(|error| unavailable(doing, &error))?;
    let mut names = Vec::new();
    for result in results {
        match result {
            Ok(topic) => {
                tracing::info!("made the topic {topic}");
                names.push(topic);
            }
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(unavailable_by_code(&format!("{doing}: {topic}"), code)),
        }
    }
    Ok(names)
}

fn admin(config: &ClientConfig) -> Result<AdminClient<ErrorCapture>, Unavailable> {
    config.create_with_context(ErrorCapture::default()).map_err(|error| unavailable("cannot start a client", &error))
}

fn timeouts() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL_TIMEOUT)).operation_timeout(Some(CALL_TIMEOUT))
}

/// Describes an existing topic. Blocks, 2 × [`CALL_TIMEOUT`] at most.
pub(super) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    config: &ClientConfig,
    topic: &str,
) -> Result<Topic, Unavailable> {
    let doing = format!("cannot learn how topic {topic} is");
    let metadata = consumer.fetch_metadata(Some(topic), CALL_TIMEOUT).map_err(|error| unavailable(&doing, &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let partitions = found.ok_or_else(|| missing(topic))?.partitions();
    let replicas = partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    let retention = topic_config(config, topic, "retention.ms");
    Ok(Topic {
        name: topic.to_owned(),
        created: false,
        partitions: partitions.len() as u32,
        replication: Some(replicas as u32),
        // -1 means no limit.
        retention_s: retention.and_then(|retention| Some(retention.parse::<u64>().ok()? / 1000)),
    })
}

/// Returns the `cleanup.policy` of a topic; `None` if it cannot be learned. Blocks, [`CALL_TIMEOUT`] at most.
pub(super) fn cleanup_policy(config: &ClientConfig, topic: &str) -> Option<String> {
    topic_config(config, topic, "cleanup.policy")
}

/// Returns a configuration value of a topic; `None` also if the user may not ask for it.
fn topic_config(config: &ClientConfig, topic: &str, name: &str) -> Option<String> {
    let resource = ResourceSpecifier::Topic(topic);
    let described = block_on(admin(config).ok()?.describe_configs([&resource], &timeouts()));
    described.ok()?.into_iter().next()?.ok()?.get(name)?.value.clone()
}
