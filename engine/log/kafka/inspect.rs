//! Examines a Kafka log for operators: brokers, topics, lag, scorers, transactions.
//!
//! A client connects to an address of its URL, is told the addresses of the brokers (`advertised.listeners`), and uses
//! those for everything else. A broker in a container often advertises a name that only other containers resolve.

use std::{
    net::{TcpStream, ToSocketAddrs},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    metadata::{Metadata, MetadataBroker},
};

use super::{
    client::{ErrorCapture, cause_of, unavailable},
    config::{CALL_TIMEOUT, Settings},
    offsets::OffsetMetadata,
    topic,
    topic_commits::RENEW_INTERVAL,
};
use crate::{
    clock,
    finding::Finding,
    log::{
        TopicId,
        connector::{dead_letters, lag_of},
    },
};

/// Number of renewal intervals within which a running scorer has committed.
const RENEWALS_MAX: u32 = 3;
/// Upper bound on the brokers that are connected to; the others are advertised alike.
const BROKERS_MAX: usize = 16;
/// Timeout of the connections to brokers, which are tried concurrently.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Examines the log, whose messages are needed for `retention`, if that is given.
pub(super) fn inspect(settings: &Settings, retention: Option<Duration>) -> Vec<Finding> {
    let config = settings.coordinator_config();
    let consumer: BaseConsumer<ErrorCapture> = match config.create_with_context(ErrorCapture::default()) {
        Ok(consumer) => consumer,
        Err(error) => return vec![Finding::fail("log", error.to_string(), "check the parameters of the URL")],
    };
    let metadata = match consumer.fetch_metadata(None, CALL_TIMEOUT) {
        Ok(metadata) => metadata,
        Err(error) => {
            let error = cause_of(&consumer, unavailable("no answer", &error));
            let advice = "see whether the brokers run, and whether host, port and security of the URL are theirs";
            let log = Finding::fail("log", format!("kafka://{}: {}", settings.brokers, error.reason), advice);
            let named = broker_in(&error.reason, &settings.brokers);
            return [log].into_iter().chain(named).collect();
        }
    };
    let mut findings = vec![Finding::ok("log", format!("{} brokers answer", metadata.brokers().len()))];
    let unreachable = unreachable_brokers(metadata.brokers());
    let is_none_reachable = !unreachable.is_empty() && unreachable.len() == metadata.brokers().len();
    findings.extend(unreachable);
    if is_none_reachable {
        return findings;
    }
    let (topic, dead_topic) = (&*settings.topic, &*settings.dead_letter_topic());
    match replication_of(&metadata, topic) {
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
    findings
        .extend(topic::cleanup_policy(&settings.admin_config(), topic).and_then(|policy| compacted(topic, &policy)));
    findings.extend(retention.and_then(|wanted| {
        let kept = topic::retention(&settings.admin_config(), topic)?;
        kept_too_briefly(topic, kept, wanted)
    }));
    findings.extend(lag(&consumer, settings, &metadata).unwrap_or_else(|error| {
        let error = unavailable("cannot learn what is committed", &error);
        vec![Finding::fail("lag", error.reason, "see whether this user may read the group")]
    }));
    findings.push(match replication_of(&metadata, dead_topic) {
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

/// Returns the number of partitions of a topic, and of those that are under-replicated; `None` if it does not exist.
fn replication_of(metadata: &Metadata, topic: &str) -> Option<(usize, usize)> {
    let topic = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none())?;
    let lacking = topic.partitions().iter().filter(|partition| partition.isr().len() < partition.replicas().len());
    Some((topic.partitions().len(), lacking.count()))
}

fn partitions(metadata: &Metadata, topic: &str) -> i32 {
    i32::try_from(replication_of(metadata, topic).map_or(0, |(partitions, _)| partitions)).unwrap_or(i32::MAX)
}

fn lag(
    consumer: &BaseConsumer<ErrorCapture>,
    settings: &Settings,
    metadata: &Metadata,
) -> Result<Vec<Finding>, KafkaError> {
    let (topic, group) = (&*settings.topic, &*settings.group);
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions(metadata, topic) {
        list.add_partition(topic, partition);
    }
    // Without an id the check for a former topic is omitted.
    let id = topic::identify(consumer, topic).ok().flatten().and_then(|found| found.id);
    let (mut lag, mut has_committed, mut former, mut last) = (0, false, None, None);
    let mut behind = Vec::new();
    for element in consumer.committed_offsets(list, CALL_TIMEOUT)?.elements() {
        let (low, high) = consumer.fetch_watermarks(topic, element.partition(), CALL_TIMEOUT)?;
        let committed = OffsetMetadata::parse(element.metadata());
        let next = match element.offset() {
            KafkaOffset::Offset(_) if committed.is_of_another_topic(id) => {
                former = committed.topic;
                low
            }
            KafkaOffset::Offset(next) => {
                has_committed = true;
                last = last.max(committed.at);
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
    findings.extend(former.map(|former| of_former_topic(topic, group, former)));
    if former.is_none() || has_committed {
        findings.push(lag_of(group, has_committed, lag));
    }
    findings.extend(last.map(|last| scorer(group, last, clock::now())));
    findings.extend(open_transactions(settings, &behind)?);
    Ok(findings)
}

fn of_former_topic(topic: &str, group: &str, id: TopicId) -> Finding {
    let found =
        format!("what group {group} has committed belongs to a former topic {topic} (id {id}), which was deleted");
    Finding::warn("lag", found, "start a scorer: it reads this topic from its earliest message, or does so already")
}

/// Returns the finding on a running scorer of the group. The group has no members that a broker could name, but a
/// scorer commits periodically.
fn scorer(group: &str, last: DateTime<Utc>, now: DateTime<Utc>) -> Finding {
    let ago = (now - last).to_std().unwrap_or_default();
    let found = format!("one of group {group} committed {} s ago", ago.as_secs());
    if ago < RENEW_INTERVAL * RENEWALS_MAX {
        return Finding::ok("scorer", found);
    }
    let advice = format!("start one, if none runs: one that does commits every {} s", RENEW_INTERVAL.as_secs());
    Finding::warn("scorer", format!("the last that {found}"), advice)
}

/// Returns the finding on partitions in which an open transaction blocks the group.
fn open_transactions(settings: &Settings, behind: &[(i32, i64, i64)]) -> Result<Vec<Finding>, KafkaError> {
    if behind.is_empty() {
        return Ok(vec![]);
    }
    let mut config = settings.coordinator_config();
    let consumer: BaseConsumer<ErrorCapture> =
        config.set("isolation.level", "read_committed").create_with_context(ErrorCapture::default())?;
    let mut blocked = Vec::new();
    for &(partition, next, high) in behind {
        let (_, stable) = consumer.fetch_watermarks(&settings.topic, partition, CALL_TIMEOUT)?;
        if stable < high && next >= stable {
            blocked.push(format!("{partition} (offset {stable}, {} records)", high - stable));
        }
    }
    if blocked.is_empty() {
        return Ok(vec![]);
    }
    let found =
        format!("a producer's transaction is open, and readers wait for it in partition {}", blocked.join(", "));
    let advice =
        "it ends when its producer commits or aborts, or at its time-out; kafka-transactions.sh finds and aborts one";
    Ok(vec![Finding::warn("transactions", found, advice)])
}

/// Returns the finding on a compacted topic, which loses requests: it retains only the last message of each key.
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

/// Returns the finding on a topic that keeps messages for less time than they are needed.
fn kept_too_briefly(topic: &str, kept: Duration, wanted: Duration) -> Option<Finding> {
    if kept >= wanted {
        return None;
    }
    let hours = |time: Duration| time.as_secs() / 3600;
    let found = format!("{topic} keeps messages for {} h, and they are needed for {} h", hours(kept), hours(wanted));
    let advice = format!(
        "kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config retention.ms={}",
        wanted.as_millis()
    );
    Some(Finding::warn("topic", found, advice))
}

fn count(consumer: &BaseConsumer<ErrorCapture>, topic: &str, metadata: &Metadata) -> Result<u64, KafkaError> {
    let mut count = 0;
    for partition in 0..partitions(metadata, topic) {
        let (low, high) = consumer.fetch_watermarks(topic, partition, CALL_TIMEOUT)?;
        count += high.saturating_sub(low).max(0).unsigned_abs();
    }
    Ok(count)
}

/// Returns a finding on each broker that is not reachable at its advertised address. Blocks, [`CONNECT_TIMEOUT`] at
/// most.
fn unreachable_brokers(brokers: &[MetadataBroker]) -> Vec<Finding> {
    let attempts: Vec<_> = brokers
        .iter()
        .take(BROKERS_MAX)
        .map(|broker| (broker.id(), format!("{}:{}", broker.host(), broker.port())))
        .map(|(id, address)| (id, connect_in_background(&address), address))
        .collect();
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let finding = |(id, outcome, address): (i32, Receiver<Result<(), String>>, String)| {
        let timed_out = || Err(format!("does not answer within {} s", CONNECT_TIMEOUT.as_secs()));
        let outcome = outcome.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        outcome.unwrap_or_else(|_| timed_out()).err().map(|why| unreachable(id, &address, &why))
    };
    attempts.into_iter().filter_map(finding).collect()
}

/// Connects on another thread, as resolving a name has no timeout.
fn connect_in_background(address: &str) -> Receiver<Result<(), String>> {
    let (report, outcome) = channel();
    let address = address.to_owned();
    let connect = move || {
        // After the deadline the receiver is gone.
        let _ = report.send(connect(&address));
    };
    // Without a thread there is no report, which counts as no answer.
    let _ = thread::Builder::new().name("kafka-reach".into()).spawn(connect);
    outcome
}

fn connect(address: &str) -> Result<(), String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("cannot be resolved here ({error})"))?;
    let mut last = "has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(_) => return Ok(()),
            Err(error) => last = format!("is not reached from here ({error})"),
        }
    }
    Err(last)
}

/// Returns the finding on the broker in an error of librdkafka, as in `kafka:9092/1: Failed to resolve`, if its address
/// is advertised and not one of the URL.
fn broker_in(reason: &str, brokers_of_url: &str) -> Option<Finding> {
    reason.split_whitespace().find_map(|word| {
        let (address, id) = word.strip_suffix(':')?.rsplit_once('/')?;
        let (id, is_address) = (id.parse().ok()?, address.contains(':'));
        let is_advertised = is_address && brokers_of_url.split(',').all(|known| known != address);
        is_advertised.then(|| unreachable(id, address, "is not reached from here"))
    })
}

fn unreachable(id: i32, address: &str, why: &str) -> Finding {
    let found = format!("broker {id} names itself {address}, and that {why}");
    let advice = "set advertised.listeners of the broker to a host and port that are reached from here (clients go \
                  where the brokers say, whatever host the URL has), or make that name known here";
    Finding::fail("brokers", found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn a_compacted_topic_is_a_warning() {
        for policy in ["compact", "compact,delete", "delete, compact"] {
            assert!(compacted("t", policy).is_some_and(|finding| finding.severity == Severity::Warn), "{policy}");
        }
        assert_eq!(compacted("t", "delete"), None);
    }

    #[test]
    fn a_topic_that_keeps_events_too_briefly_is_a_warning() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let finding = kept_too_briefly("t", hours(168), hours(432)).unwrap();
        assert!(finding.found.contains("for 168 h, and they are needed for 432 h"), "{finding:?}");
        assert!(finding.advice.unwrap().ends_with("retention.ms=1555200000"));
        assert_eq!(kept_too_briefly("t", hours(432), hours(432)), None);
    }

    #[test]
    fn a_scorer_that_has_committed_recently_runs() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let severity = |seconds| scorer("g", now - chrono::TimeDelta::seconds(seconds), now).severity;
        // The clocks of two machines may differ.
        assert_eq!([-5, 0, 60].map(severity), [Severity::Ok; 3]);
        assert_eq!(severity(3600), Severity::Warn);
    }

    #[test]
    fn a_broker_is_reachable_or_named_with_its_advertised_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert_eq!(connect(&address), Ok(()));
        drop(listener);
        assert!(connect(&address).unwrap_err().contains("not reached from here"));
        let unknown = connect_in_background("kafka.invalid:9092").recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(unknown.as_ref().unwrap_err().contains("cannot be resolved here"), "{unknown:?}");
        let failed = "the connection fails: Resolve (…): kafka:9092/1: Failed to resolve 'kafka:9092': Name or service";
        let named = broker_in(failed, "127.0.0.1:9092").unwrap();
        assert!(named.found.contains("broker 1 names itself kafka:9092"), "{named:?}");
        for (reason, brokers) in
            [(failed, "a:1,kafka:9092"), ("a:1/bootstrap: Connect failed", "b:1"), ("x/1: y", "a:1")]
        {
            assert_eq!(broker_in(reason, brokers), None, "{reason}");
        }
        let finding = unreachable(1, "kafka:9092", "cannot be resolved here");
        assert!(finding.found.contains("names itself kafka:9092"), "{finding:?}");
        assert!(finding.advice.unwrap().contains("advertised.listeners"));
    }
}
