//! Topics: describes and creates them, and detects that the topic that is read was deleted and recreated under its
//! name.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

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
    topic_id::{self, Description},
};
use crate::{
    delivery::Unavailable,
    log::{Topic, TopicId, TopicOptions},
};

/// The replication factor that stands for the brokers' default.
const DEFAULT_REPLICATION: i32 = -1;
/// Number of partitions of a new topic of dead letters: they are few, and read in one order.
const DEAD_LETTER_PARTITIONS: i32 = 1;
/// Minimum retention of dead letters, 30 days: an operator has to look at them and repair the cause.
const DEAD_LETTER_RETENTION_MIN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Upper bound on the ids of former topics that are remembered.
const FORMER_MAX: usize = 16;
/// Time after which a former topic is read again if only it is described: the cluster was switched and switched back,
/// or a lagging broker had hidden the topic. No broker lags behind for that long.
const RETURN_AFTER: Duration = Duration::from_secs(30);
/// Number of consecutive descriptions with fewer partitions that mean another topic if topics have no ids: a lagging
/// broker gives one for a moment.
const SHRUNK_MAX: u32 = 2;

/// A topic in a broker's metadata.
struct TopicMetadata {
    partitions: u32,
    /// A broker that leads one of the partitions.
    leader: Option<i32>,
}

/// Returns the number of partitions of a topic; `None` if there is no such topic. Blocks, [`CALL_TIMEOUT`] at most.
pub(super) fn count_partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<u32>, Unavailable> {
    Ok(find(consumer, topic)?.map(|found| found.partitions))
}

/// Returns the metadata of a topic; `None` if there is no such topic. Blocks, [`CALL_TIMEOUT`] at most.
fn find<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str) -> Result<Option<TopicMetadata>, Unavailable> {
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

/// Returns the id and the number of partitions of a topic; `None` if there is no such topic. Blocks, 2 ×
/// [`CALL_TIMEOUT`] and a little more at most.
pub(super) fn identify<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> Result<Option<Description>, Unavailable> {
    let Some(found) = find(consumer, topic)? else { return Ok(None) };
    let doing = format!("cannot learn the partitions of topic {topic}");
    let leader = found.leader.ok_or_else(|| unavailable_by_code(&doing, Code::LeaderNotAvailable))?;
    topic_id::describe(consumer, topic, leader)
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

/// Returns the specification of a new topic of dead letters.
pub(super) fn dead_letter_topic<'a>(name: &'a str, options: &TopicOptions) -> NewTopicSpec<'a> {
    let retention = options.retention.unwrap_or(DEAD_LETTER_RETENTION_MIN).max(DEAD_LETTER_RETENTION_MIN);
    NewTopicSpec {
        name,
        partitions: DEAD_LETTER_PARTITIONS,
        options: TopicOptions { retention: Some(retention), ..*options },
    }
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
    let retention = retention(config, topic);
    Ok(Topic {
        name: topic.to_owned(),
        created: false,
        partitions: partitions.len() as u32,
        replication: Some(replicas as u32),
        retention_s: retention.map(|retention| retention.as_secs()),
    })
}

/// Returns the retention time of a topic; `None` if it has no limit, or cannot be learned. Blocks, [`CALL_TIMEOUT`] at
/// most.
pub(super) fn retention(config: &ClientConfig, topic: &str) -> Option<Duration> {
    // -1 means no limit.
    Some(Duration::from_millis(topic_config(config, topic, "retention.ms")?.parse().ok()?))
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

/// The identity of the topic that is read.
#[derive(Default)]
pub(super) struct TopicIdentity {
    current: Option<Description>,
    former: VecDeque<TopicId>,
    /// A former topic that is described now, and the time since which no other one was.
    returned: Option<(TopicId, Instant)>,
    /// Number of consecutive descriptions with fewer partitions.
    shrunk: u32,
}

/// The result of comparing a description with the topic that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same topic, or the first that is described.
    Same,
    /// A former topic: the metadata of this broker are stale.
    Stale,
    /// Another topic, for this reason.
    Recreated(String),
}

impl TopicIdentity {
    /// Compares a broker's description with the topic that is read. A partition that ends before the position, another
    /// sign of another topic, is detected when partitions are assigned.
    pub(super) fn check(&mut self, found: Description) -> Verdict {
        self.check_at(found, Instant::now())
    }

    fn check_at(&mut self, found: Description, now: Instant) -> Verdict {
        if let Some(id) = found.id.filter(|id| self.former.contains(id)) {
            let since = self.returned.filter(|(returned, _)| *returned == id).map_or(now, |(_, since)| since);
            self.returned = Some((id, since));
            if now.duration_since(since) < RETURN_AFTER {
                return Verdict::Stale;
            }
            self.former.retain(|former| *former != id);
        }
        self.returned = None;
        let Some(current) = &mut self.current else {
            self.current = Some(found);
            return Verdict::Same;
        };
        match (current.id, found.id) {
            (Some(own), Some(other)) if own != other => {
                Verdict::Recreated(format!("it had the id {own}, and has {other}"))
            }
            (Some(_), _) => {
                current.partitions = current.partitions.max(found.partitions);
                Verdict::Same
            }
            (None, _) => {
                self.shrunk = if found.partitions < current.partitions { self.shrunk + 1 } else { 0 };
                if self.shrunk < SHRUNK_MAX {
                    current.partitions = current.partitions.max(found.partitions);
                    return Verdict::Same;
                }
                Verdict::Recreated("this broker gives topics no id, and it has fewer partitions than before".into())
            }
        }
    }

    /// Returns the id of the topic that is read, if it is known.
    pub(super) fn id(&self) -> Option<TopicId> {
        self.current.and_then(|current| current.id)
    }

    /// Returns whether a topic of this name was ever described.
    pub(super) fn was_described(&self) -> bool {
        self.current.is_some() || !self.former.is_empty()
    }

    /// Leaves the topic: the next one that is described is read.
    pub(super) fn leave(&mut self) {
        let left = self.current.take().and_then(|current| current.id);
        self.former.extend(left);
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
        self.shrunk = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: u8, partitions: u32) -> Description {
        Description { id: (id > 0).then_some(TopicId([id; 16])), partitions }
    }

    #[test]
    fn another_id_means_another_topic() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(1, 4)), Verdict::Same);
        // New partitions, stale metadata and a broker without ids do not mean another topic.
        for same in [of(1, 6), of(1, 4), of(0, 4), of(0, 4)] {
            assert_eq!(identity.check(same), Verdict::Same, "{same:?}");
        }
        assert!(matches!(identity.check(of(2, 6)), Verdict::Recreated(why) if why.contains("has AgIC")));
        identity.leave();
        assert_eq!(identity.id(), None);
        // A lagging broker still describes the former topic.
        assert_eq!(identity.check(of(1, 6)), Verdict::Stale);
        assert_eq!(identity.check(of(2, 6)), Verdict::Same);
        assert_eq!(identity.check(of(1, 6)), Verdict::Stale);
        assert_eq!(identity.id(), Some(TopicId([2; 16])));
    }

    #[test]
    fn a_former_topic_is_read_again_if_only_it_is_described_for_long() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(1, 6)), Verdict::Same);
        identity.leave();
        // Not if the other one is described in between.
        let (now, later) = (Instant::now(), Instant::now() + 2 * RETURN_AFTER);
        assert_eq!(identity.check_at(of(2, 6), now), Verdict::Same);
        assert_eq!(identity.check_at(of(1, 6), now), Verdict::Stale);
        assert_eq!(identity.check_at(of(2, 6), later), Verdict::Same);
        assert_eq!(identity.check_at(of(1, 6), later), Verdict::Stale);
        assert!(matches!(identity.check_at(of(1, 6), later + RETURN_AFTER), Verdict::Recreated(_)));
        identity.leave();
        assert_eq!(identity.check_at(of(1, 6), later + RETURN_AFTER), Verdict::Same);
        assert_eq!(identity.id(), Some(TopicId([1; 16])));
    }

    #[test]
    fn without_ids_a_lasting_loss_of_partitions_means_another_topic() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(0, 4)), Verdict::Same);
        assert_eq!(identity.check(of(0, 3)), Verdict::Same);
        assert_eq!(identity.check(of(0, 4)), Verdict::Same, "fewer only for a moment");
        assert_eq!(identity.check(of(0, 3)), Verdict::Same);
        assert!(matches!(identity.check(of(0, 3)), Verdict::Recreated(_)));
        identity.leave();
        assert_eq!(identity.check(of(0, 2)), Verdict::Same);
    }

    #[test]
    fn the_number_of_former_topics_is_bounded() {
        let mut identity = TopicIdentity::default();
        for id in 1..=100 {
            assert_eq!(identity.check(of(id, 1)), Verdict::Same);
            identity.leave();
        }
        assert_eq!(identity.former.len(), FORMER_MAX);
    }
}
