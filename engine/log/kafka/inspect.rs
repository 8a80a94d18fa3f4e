//! What an operator should know of a topic.

use chrono::{DateTime, Utc};
use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    metadata::Metadata,
};

use super::{
    address::Settings, commits::REPEAT, context::Quiet, fault::unavailable, listeners, options, options::CALL,
    tag::Tag, topic_id, topics,
};
use crate::{
    clock,
    finding::Finding,
    log::{
        TopicId,
        findings::{dead_letters, lag_of},
    },
};

/// A scorer that has committed within this many repetitions is taken to run.
const REPETITIONS: u32 = 3;

pub(super) fn inspect(settings: &Settings) -> Vec<Finding> {
    let config = options::clerk(settings);
    let consumer: BaseConsumer<Quiet> = match config.create_with_context(Quiet::default()) {
        Ok(consumer) => consumer,
        Err(error) => return vec![Finding::fail("log", error.to_string(), "check the parameters of the URL")],
    };
    let metadata = match consumer.fetch_metadata(None, CALL) {
        Ok(metadata) => metadata,
        Err(error) => {
            // Why there was no answer is told by events that wait by now.
            (0..super::office::EVENTS_MAX).for_each(|_| drop(consumer.poll(std::time::Duration::ZERO)));
            let error = consumer.context().complaint().unwrap_or_else(|| unavailable("no answer", &error));
            let advice = "see whether the brokers run, and whether host, port and security of the URL are theirs";
            let log = Finding::fail("log", format!("kafka://{}: {}", settings.brokers, error.reason), advice);
            let named = listeners::named_in(&error.reason, &settings.brokers);
            return [log].into_iter().chain(named).collect();
        }
    };
    let mut findings = vec![Finding::ok("log", format!("{} brokers answer", metadata.brokers().len()))];
    let unreachable = listeners::unreachable(metadata.brokers());
    let nothing_to_ask = !unreachable.is_empty() && unreachable.len() == metadata.brokers().len();
    findings.extend(unreachable);
    if nothing_to_ask {
        return findings;
    }
    let (topic, dead_topic) = (&*settings.topic, &*settings.dead_letter_topic());
    match state(&metadata, topic) {
        None => {
            let advice = "make it: delaycast topics create --log URL";
            findings.push(Finding::fail("topic", format!("there is no topic {topic}"), advice));
            return findings;
        }
        Some((partitions, 0)) => {
            findings.push(Finding::ok("topic", format!("{topic} has {partitions} partitions, all with their copies")));
        }
        Some((partitions, lacking)) => findings.push(Finding::warn(
            "topic",
            format!("{lacking} of the {partitions} partitions of {topic} lack copies"),
            "see which brokers are down",
        )),
    }
    findings.extend(
        topics::cleanup_policy(&options::inquirer(settings), topic).and_then(|policy| compacted(topic, &policy)),
    );
    findings.extend(lag(&consumer, settings, &metadata).unwrap_or_else(|error| {
        let error = unavailable("cannot learn what is committed", &error);
        vec![Finding::fail("lag", error.reason, "see whether this user may read the group")]
    }));
    findings.push(match state(&metadata, dead_topic) {
        None => Finding::warn(
            "dead letters",
            format!("there is no topic {dead_topic} yet"),
            "it is made with the first dead letter, if this user may; else: delaycast topics create --log URL",
        ),
        Some(_) => count(&consumer, dead_topic, &metadata).map_or_else(
            |error| Finding::fail("dead letters", error.to_string(), "see whether this user may read the topic"),
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

fn lag(consumer: &BaseConsumer<Quiet>, settings: &Settings, metadata: &Metadata) -> Result<Vec<Finding>, KafkaError> {
    let (topic, group) = (&*settings.topic, &*settings.group);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions(metadata, topic) {
        list.add_partition(topic, partition);
    }
    // A broker that gives topics no id, or does not say it, is none of this finding's business.
    let id = topic_id::describe(consumer, topic).ok().flatten().and_then(|found| found.id);
    let (mut lag, mut has_committed, mut foreign, mut last) = (0, false, None, None);
    let mut behind = Vec::new();
    for element in consumer.committed_offsets(list, CALL)?.elements() {
        let (low, high) = consumer.fetch_watermarks(topic, element.partition(), CALL)?;
        let tag = Tag::parse(element.metadata());
        let next = match element.offset() {
            KafkaOffset::Offset(_) if tag.is_foreign_to(id) => {
                foreign = tag.topic;
                low
            }
            KafkaOffset::Offset(next) => {
                has_committed = true;
                last = last.max(tag.at);
                next
            }
            _ => low,
        };
        let left = high.saturating_sub(next).max(0).unsigned_abs();
        lag += left;
        if left > 0 {
            behind.push((element.partition(), next, high));
        }
    }
    let mut findings = vec![];
    findings.extend(foreign.map(|foreign| of_a_former_topic(topic, group, foreign)));
    if foreign.is_none() || has_committed {
        findings.push(lag_of(group, has_committed, lag));
    }
    findings.extend(last.map(|last| scorer(group, last, clock::now())));
    findings.extend(open_transactions(settings, &behind)?);
    Ok(findings)
}

fn of_a_former_topic(topic: &str, group: &str, id: TopicId) -> Finding {
    let found =
        format!("what group {group} has committed belongs to a former topic {topic} (id {id}), which was deleted");
    Finding::warn("lag", found, "start a scorer: it reads this topic from its earliest message, or does so already")
}

/// Returns the finding on whether a scorer of the group runs. The group has no members that a broker could name; but
/// a scorer commits again and again.
fn scorer(group: &str, last: DateTime<Utc>, now: DateTime<Utc>) -> Finding {
    let ago = (now - last).to_std().unwrap_or_default();
    let found = format!("one of group {group} committed {} s ago", ago.as_secs());
    if ago < REPEAT * REPETITIONS {
        return Finding::ok("scorer", found);
    }
    let advice = format!("start one, if none runs: one that does commits every {} s", REPEAT.as_secs());
    Finding::warn("scorer", format!("the last that {found}"), advice)
}

/// The partitions in which a group has come to a transaction that is open.
fn open_transactions(settings: &Settings, behind: &[(i32, i64, i64)]) -> Result<Vec<Finding>, KafkaError> {
    if behind.is_empty() {
        return Ok(vec![]);
    }
    let mut config = options::clerk(settings);
    let consumer: BaseConsumer<Quiet> =
        config.set("isolation.level", "read_committed").create_with_context(Quiet::default())?;
    let mut held_back = Vec::new();
    for &(partition, next, high) in behind {
        let (_, stable) = consumer.fetch_watermarks(&settings.topic, partition, CALL)?;
        if stable < high && next >= stable {
            held_back.push(format!("{partition} (offset {stable}, {} records)", high - stable));
        }
    }
    if held_back.is_empty() {
        return Ok(vec![]);
    }
    let found =
        format!("a producer's transaction is open, and readers wait for it in partition {}", held_back.join(", "));
    let advice =
        "it ends when its producer commits or aborts, or at its time-out; kafka-transactions.sh finds and aborts one";
    Ok(vec![Finding::warn("transactions", found, advice)])
}

/// A topic that keeps only the last message of each key loses requests.
fn compacted(topic: &str, policy: &str) -> Option<Finding> {
    if !policy.split(',').any(|policy| policy.trim() == "compact") {
        return None;
    }
    let found =
        format!("{topic} is compacted (cleanup.policy is {policy}): a request vanishes when another has its key");
    let advice = format!(
        "kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config cleanup.policy=delete"
    );
    Some(Finding::warn("topic", found, advice))
}

fn count(consumer: &BaseConsumer<Quiet>, topic: &str, metadata: &Metadata) -> Result<u64, KafkaError> {
    let mut count = 0;
    for partition in 0..partitions(metadata, topic) {
        let (low, high) = consumer.fetch_watermarks(topic, partition, CALL)?;
        count += high.saturating_sub(low).max(0).unsigned_abs();
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn a_compacted_topic_is_named() {
        for policy in ["compact", "compact,delete", "delete, compact"] {
            assert!(compacted("t", policy).is_some_and(|finding| finding.severity == Severity::Warn), "{policy}");
        }
        assert_eq!(compacted("t", "delete"), None);
    }

    #[test]
    fn a_scorer_that_has_committed_lately_runs() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let severity = |seconds| scorer("g", now - chrono::TimeDelta::seconds(seconds), now).severity;
        // The clocks of two machines differ.
        assert_eq!([-5, 0, 60].map(severity), [Severity::Ok; 3]);
        assert_eq!(severity(3600), Severity::Warn);
    }
}
