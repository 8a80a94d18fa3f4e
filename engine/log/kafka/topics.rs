//! Reads the partitions and settings of topics, and makes topics.

use futures_executor::block_on;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication::Fixed},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::RDKafkaErrorCode as Code,
    metadata::MetadataPartition,
};

use super::{
    context::Quiet,
    fault::{of_code, unavailable},
    options::CALL,
};
use crate::{
    delivery::Unavailable,
    log::{Topic, TopicOptions},
};

/// As many replicas as the brokers are set to make.
const COPIES: i32 = -1;

/// A topic as the metadata show it.
pub(super) struct Found {
    pub(super) partitions: u32,
    /// A broker that leads one of them.
    pub(super) leader: Option<i32>,
}

/// Returns the number of partitions of a topic; `None` if there is no such topic. Blocks, [`CALL`] at most.
pub(super) fn count_partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, Unavailable> {
    Ok(find(consumer, topic)?.map(|found| found.partitions))
}

/// Asks a broker; `None` if there is no such topic. Blocks, [`CALL`] at most.
pub(super) fn find<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> Result<Option<Found>, Unavailable> {
    let doing = format!("cannot learn the partitions of topic {topic}");
    let metadata = consumer.fetch_metadata(Some(topic), CALL).map_err(|error| unavailable(&doing, &error))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(Code::from) {
        Some(Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(of_code(&doing, code)),
        None if found.partitions().is_empty() => Err(Unavailable::transient(format!("{doing}: it has none yet"))),
        None => Ok(Some(Found {
            partitions: u32::try_from(found.partitions().len()).unwrap_or(u32::MAX),
            leader: found.partitions().iter().map(MetadataPartition::leader).find(|leader| *leader >= 0),
        })),
    }
}

/// The outage of a topic that is not there.
pub(super) fn missing(topic: &str) -> Unavailable {
    Unavailable::needs_operator(format!(
        "there is no topic {topic}: create it, or give the URL partitions=N, and it is made with so many partitions"
    ))
}

/// A topic to be made.
pub(super) struct New<'a> {
    pub(super) name: &'a str,
    pub(super) partitions: i32,
    pub(super) options: TopicOptions,
}

/// Makes topics, unless they are there; names those that it has made. Blocks, a little over
/// [`CALL`] at most.
pub(super) fn make(config: &ClientConfig, topics: &[New<'_>]) -> Result<Vec<String>, Unavailable> {
    let doing = "cannot make the topics";
    let retention_ms = |options: &TopicOptions| options.retention.map(|retention| retention.as_millis().to_string());
    let retentions: Vec<_> = topics.iter().map(|topic| retention_ms(&topic.options)).collect();
    let mut new = Vec::new();
    for (topic, retention_ms) in topics.iter().zip(&retentions) {
        let copies = topic.options.replication.and_then(|copies| i32::try_from(copies).ok()).unwrap_or(COPIES);
        let wanted = NewTopic::new(topic.name, topic.partitions, Fixed(copies));
        new.push(match retention_ms {
            Some(retention_ms) => wanted.set("retention.ms", retention_ms),
            None => wanted,
        });
    }
    let made = block_on(admin(config)?.create_topics(&new, &limits())).map_err(|error| unavailable(doing, &error))?;
    let mut names = Vec::new();
    for outcome in made {
        match outcome {
            Ok(topic) => {
                tracing::info!("made the topic {topic}");
                names.push(topic);
            }
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(of_code(&format!("{doing}: {topic}"), code)),
        }
    }
    Ok(names)
}

fn admin(config: &ClientConfig) -> Result<AdminClient<Quiet>, Unavailable> {
    config.create_with_context(Quiet::default()).map_err(|error| unavailable("cannot start a client", &error))
}

fn limits() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL))
}

/// How a topic is that is there. Blocks, 2 × [`CALL`] at most.
pub(super) fn describe<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    config: &ClientConfig,
    topic: &str,
) -> Result<Topic, Unavailable> {
    let doing = format!("cannot learn how topic {topic} is");
    let metadata = consumer.fetch_metadata(Some(topic), CALL).map_err(|error| unavailable(&doing, &error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let partitions = found.ok_or_else(|| missing(topic))?.partitions();
    let replicas = partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    let retention = configured(config, topic, "retention.ms");
    Ok(Topic {
        name: topic.to_owned(),
        created: false,
        partitions: partitions.len() as u32,
        replication: Some(replicas as u32),
        // -1: for ever.
        retention_s: retention.and_then(|retention| Some(retention.parse::<u64>().ok()? / 1000)),
    })
}

/// Returns the `cleanup.policy` of a topic; `None` if it cannot be learned. Blocks, [`CALL`] at most.
pub(super) fn cleanup_policy(config: &ClientConfig, topic: &str) -> Option<String> {
    configured(config, topic, "cleanup.policy")
}

/// A parameter of a topic; a user that may not ask for it does not learn it.
fn configured(config: &ClientConfig, topic: &str, name: &str) -> Option<String> {
    let resource = ResourceSpecifier::Topic(topic);
    let described = block_on(admin(config).ok()?.describe_configs([&resource], &limits()));
    described.ok()?.into_iter().next()?.ok()?.get(name)?.value.clone()
}
