//! The log in Apache Kafka, through librdkafka.
//!
//! ```text
//!  poll ◀── queue of partition 0 ◀─┐ bounded, fetched ahead
//!       ◀── queue of partition 3 ◀─┴─ librdkafka ◀──▶ brokers
//!  commit ──▶ pending offsets ──▶ Committer: a thread that commits, and retries
//!                                 (through `CoordinatorClient`, which is replaced when a call fails)
//!                                 Assigner: a thread that assigns partitions, serves events, and reports the health
//! ```
//!
//! Partitions are assigned, not subscribed to: a partition's number determines its reader. So a group has no members
//! here, only committed offsets, and two generations that overlap for a moment can rewind each other's commits. Then
//! some work is repeated and nothing is skipped: an offset is committed only when all before it is durable.
//!
//! A position belongs to a topic id: `topic_id` asks for it, `topic` compares it, the assigner revokes the partitions
//! of a recreated topic, and the metadata of each committed offset name its topic.
//!
//! These threads make the calls to librdkafka that may block, with a timeout; `poll` and `commit` never block.

mod assignment;
mod client;
mod commit;
mod config;
mod consumer;
mod dead_letters;
mod inspect;
mod offsets;
mod producer;
mod reader;
mod start;
mod topic;
mod topic_commits;
mod topic_id;

use std::{
    collections::BTreeSet,
    sync::{Arc, mpsc::sync_channel},
    time::Duration,
};

pub use config::{PUBLISH_BYTES_MAX, READ_AHEAD_BYTES_MAX, READ_AHEAD_MESSAGES_MAX};

use crate::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
    log::{
        DeadLetter, DeadLetterReader, DeadLetterSpan, Log, Producer, Reader, Share, Start, Topic, TopicOptions, Wake,
        topic::TopicDefaults,
    },
    runtime::Thread,
};

use assignment::Assigner;
use client::{CoordinatorClient, ErrorCapture, cause_of, start_client};
use commit::{CommitQueue, Committer};
use config::Settings;
use consumer::{OpenTransactions, TopicConsumer};
use dead_letters::KafkaDeadLetterReader;
use producer::{DeadLetterWriter, KafkaProducer, Sender};
use reader::{KafkaReader, ReadState};
use start::StartFrom;
use topic::{NewTopicSpec, TopicIdentity};

/// Upper bound on the events that wait for the reader to poll.
const EVENTS_MAX: usize = 1024;

/// Number of partitions of a topic that an operator creates, unless the URL gives another.
const PARTITIONS: i32 = 4;

/// A topic of a Kafka cluster, as one group reads it.
pub struct KafkaLog {
    settings: Settings,
    /// The retention time of messages, if the topic is created without one; `None` leaves it to the brokers.
    retention: Option<Duration>,
}

/// Returns the address of a topic beside that of requests, which an address names.
pub(super) fn beside_requests(address: &Address, requests: &str, topic: &str) -> Result<Address, OpenError> {
    let settings = Settings::parse(address, requests)?;
    if settings.topic == topic {
        return Err(address.invalid("the topic", format!("is {topic}, which is that of events")));
    }
    Ok(Address { location: format!("//{}/{topic}", settings.brokers), ..address.clone() })
}

impl KafkaLog {
    /// Opens `kafka://host:9092,host2:9092/TOPIC?group=G&partitions=N`; all other parameters are options of librdkafka,
    /// as `security.protocol` or `sasl.username`. Checks them, and connects to nothing yet. If N is given, a missing
    /// topic is created with N partitions, and one for its dead letters; an existing topic is not changed.
    pub(crate) fn open(address: &Address, defaults: TopicDefaults) -> Result<Self, OpenError> {
        Ok(KafkaLog { settings: Settings::parse(address, defaults.topic)?, retention: defaults.retention })
    }

    fn count_partitions(&self) -> Result<Option<u32>, Unavailable> {
        let client = start_client(&self.settings.admin_config())?;
        topic::count_partitions(&client, &self.settings.topic).map_err(|error| cause_of(&client, error))
    }

    /// Creates the topics, if the URL gives a number of partitions.
    fn create_topics_if_requested(&self) -> Result<(), Unavailable> {
        let Some(partitions) = self.settings.partitions else { return Ok(()) };
        self.create_topics_with(partitions, &TopicOptions::default()).map(drop)
    }

    fn create_topics_with(&self, partitions: i32, options: &TopicOptions) -> Result<Vec<String>, Unavailable> {
        let (messages, dead) = (&self.settings.topic, self.settings.dead_letter_topic());
        let options = TopicOptions { retention: options.retention.or(self.retention), ..*options };
        let new = [NewTopicSpec { name: messages, partitions, options }, topic::dead_letter_topic(&dead, &options)];
        topic::create(&self.settings.admin_config(), &new)
    }

    /// Starts a sender. A failure to create the topics is only logged: a sender retries, and a topic may be created
    /// later.
    fn sender(&self) -> Result<Sender, Unavailable> {
        if let Err(error) = self.create_topics_if_requested() {
            tracing::warn!("{error}");
        }
        Sender::start(self.settings.producer_config())
    }
}

impl Log for KafkaLog {
    fn describe(&self) -> String {
        format!("topic {} at kafka://{}", self.settings.topic, self.settings.brokers)
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        if let Some(count) = self.count_partitions()? {
            return Ok(count);
        }
        self.create_topics_if_requested()?;
        self.count_partitions()?.ok_or_else(|| topic::missing(&self.settings.topic))
    }

    fn reader(
        &self,
        share: Share,
        start: Start,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Box<dyn Reader>, Unavailable> {
        let Settings { topic, group, .. } = &self.settings;
        let config = self.settings.consumer_config();
        let (state, commits) = (Arc::new(ReadState::default()), Arc::new(CommitQueue::default()));
        let coordinator = Arc::new(CoordinatorClient::new(self.settings.coordinator_config()));
        let errors = ErrorCapture::default();
        // Connects to nothing: the assigner handles outages.
        let consumer = TopicConsumer::start(&config, topic, &errors)?;
        let committer =
            Committer { coordinator: Arc::clone(&coordinator), topic: topic.clone(), queue: Arc::clone(&commits) };
        let (send, events) = sync_channel(EVENTS_MAX);
        let mut assigner = Assigner {
            config,
            consumer,
            errors,
            coordinator,
            topic: topic.clone(),
            group: group.clone(),
            share,
            start,
            state: Arc::clone(&state),
            commits: Arc::clone(&commits),
            events: send,
            wake,
            health,
            identity: TopicIdentity::default(),
            start_from: StartFrom::default(),
            assigned: BTreeSet::new(),
            revoking: None,
            open_transactions: OpenTransactions::default(),
            serving_since: None,
            closing: None,
        };
        let started = Thread::spawn("kafka-read", move || assigner.run())
            .and_then(|assigner| Ok([assigner, Thread::spawn("kafka-commit", move || committer.run())?]));
        let threads = started.map_err(|error| {
            state.stop();
            Unavailable::transient(format!("cannot start a thread: {error}"))
        })?;
        Ok(Box::new(KafkaReader { state, commits, events: Some(events), partitions: Vec::new(), turn: 0, threads }))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Ok(Arc::new(KafkaProducer { sender: self.sender()?, topic: self.settings.topic.clone() }))
    }

    fn create_topics(&self, options: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        // If no broker serves, this gives the reason: an administrative call gives none.
        self.count_partitions()?;
        let created = self.create_topics_with(self.settings.partitions.unwrap_or(PARTITIONS), options)?;
        let config = self.settings.admin_config();
        let client = start_client(&config)?;
        let describe = |name: &str| {
            let topic = topic::describe(&client, &config, name)?;
            Ok(Topic { created: created.contains(&topic.name), ..topic })
        };
        Ok(vec![describe(&self.settings.topic)?, describe(&self.settings.dead_letter_topic())?])
    }

    fn inspect(&self) -> Vec<Finding> {
        inspect::inspect(&self.settings, self.retention)
    }

    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        Ok(Box::new(KafkaDeadLetterReader::start(&self.settings, span)?))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        let (requests, topic) = (self.settings.topic.clone(), self.settings.dead_letter_topic());
        let (sender, admin_config) = (self.sender()?, self.settings.admin_config());
        Ok(Box::new(DeadLetterWriter { sender, requests, topic, admin_config, is_topic_settled: false }))
    }
}

#[cfg(test)]
mod tests;
