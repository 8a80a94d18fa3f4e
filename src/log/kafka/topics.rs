//! How many partitions a topic has, and making topics.

use futures_executor::block_on;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::RDKafkaErrorCode as Code,
};

use super::{
    context::Quiet,
    fault::{of_code, unavailable},
    options::CALL,
};
use crate::delivery::Unavailable;

/// As many replicas as the brokers are set to make.
const REPLICAS: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// Asks a broker; `None` if there is no such topic. Blocks, [`CALL`] at most.
pub(super) fn count_partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, Unavailable> {
    let doing = format!("cannot learn the partitions of topic {topic}");
    let metadata = consumer.fetch_metadata(Some(topic), CALL).map_err(|error| unavailable(&doing, &error))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(Code::from) {
        Some(Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => Err(of_code(&doing, code)),
        None if found.partitions().is_empty() => Err(Unavailable::transient(format!("{doing}: it has none yet"))),
        None => Ok(u32::try_from(found.partitions().len()).ok()),
    }
}

/// The outage of a topic that is not there.
pub(super) fn missing(topic: &str) -> Unavailable {
    Unavailable::needs_operator(format!(
        "there is no topic {topic}: create it, or give the URL partitions=N, and it is made with so many partitions"
    ))
}

/// Makes topics, given with their partitions, unless they are there. Blocks, a little over [`CALL`] at most.
pub(super) fn make(config: &ClientConfig, topics: &[(&str, i32)]) -> Result<(), Unavailable> {
    let doing = "cannot make the topics";
    let admin: AdminClient<Quiet> =
        config.create_with_context(Quiet::default()).map_err(|error| unavailable("cannot start a client", &error))?;
    let new: Vec<_> = topics.iter().map(|&(name, partitions)| NewTopic::new(name, partitions, REPLICAS)).collect();
    let options = AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL));
    let made = block_on(admin.create_topics(&new, &options)).map_err(|error| unavailable(doing, &error))?;
    for outcome in made {
        match outcome {
            Ok(topic) => tracing::info!("made the topic {topic}"),
            Err((_, Code::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(of_code(&format!("{doing}: {topic}"), code)),
        }
    }
    Ok(())
}
