//! The log in Apache Kafka, through librdkafka.
//!
//! ```text
//!  poll ◀── queue of partition 0 ◀─┐ bounded, fetched ahead
//!       ◀── queue of partition 3 ◀─┴─ librdkafka ◀──▶ brokers
//!  commit ──▶ wanted offsets ──▶ committer: a thread that commits, and tries again
//!                                (through `office`: a client of its own, replaced when a call fails)
//!                                keeper: a thread that looks for new partitions, serves events, and tells the health
//! ```
//!
//! Partitions are assigned, not subscribed to: which reader owns which follows from their numbers alone. So a group has
//! no members here, only committed offsets, and two generations that overlap for a moment can rewind each other's
//! commits. That costs work done again, and skips nothing: an offset is committed only when what precedes it is durable.
//!
//! A position belongs to a topic id: `topic_id` asks for it, `identity` judges it, the keeper has the reader leave a
//! topic that is another one, and the metadata of each committed offset (`tag`) names the topic that it belongs to.
//!
//! A call to librdkafka that may block is made on these threads, with a timeout; `poll` and `commit` never block.

mod address;
mod assign;
mod commits;
mod committer;
mod context;
mod dead_letter_reader;
mod dead_letters;
mod fault;
mod identity;
mod inspect;
mod keeper;
mod listeners;
mod office;
mod options;
mod progress;
mod reader;
mod sender;
mod start;
mod tag;
mod topic_id;
mod topics;

use std::{sync::Arc, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    message::{Header, OwnedHeaders},
};

pub use options::{PUBLISH_BYTES_MAX, READ_AHEAD_BYTES_MAX, READ_AHEAD_MESSAGES_MAX};

use super::{
    DeadLetter, DeadLetterReader, DeadLetterSpan, Log, Producer, PublishCallback, Reader, Share, Topic, TopicOptions,
    Wake,
};
use crate::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
};

use address::Settings;
use context::Quiet;
use dead_letters::ATTEMPT;
use sender::{Outgoing, Sender};

/// A topic that an operator makes has this many partitions, unless the URL says otherwise.
const PARTITIONS: i32 = 4;

/// A topic of a Kafka cluster, as one group reads it.
pub struct KafkaLog {
    settings: Settings,
}

impl KafkaLog {
    /// Opens `kafka://host:9092,host2:9092/TOPIC?group=G&partitions=N`; all other parameters are options for librdkafka,
    /// as `security.protocol` or `sasl.username`. It checks them, and connects to nothing yet. Where N is given, a topic
    /// that is not there is made with so many partitions, and one for its dead letters; one that is there stays as it is.
    pub(crate) fn open(address: &Address) -> Result<Self, OpenError> {
        Ok(KafkaLog { settings: Settings::parse(address)? })
    }

    fn count_partitions(&self) -> Result<Option<u32>, Unavailable> {
        let consumer = self.inquirer()?;
        topics::count_partitions(&consumer, &self.settings.topic).map_err(|error| {
            // Why there was no answer is told by events that wait by now.
            (0..office::EVENTS_MAX).for_each(|_| drop(consumer.poll(Duration::ZERO)));
            consumer.context().complaint().unwrap_or(error)
        })
    }

    /// Makes the topics, if the URL asks for it.
    fn create_topics_if_requested(&self) -> Result<(), Unavailable> {
        let Some(partitions) = self.settings.partitions else { return Ok(()) };
        self.create_topics_with(partitions, &TopicOptions::default()).map(drop)
    }

    fn create_topics_with(&self, partitions: i32, options: &TopicOptions) -> Result<Vec<String>, Unavailable> {
        let (requests, dead) = (&self.settings.topic, self.settings.dead_letter_topic());
        let new =
            [topics::New { name: requests, partitions, options: *options }, dead_letters::new_topic(&dead, options)];
        topics::make(&options::inquirer(&self.settings), &new)
    }

    fn inquirer(&self) -> Result<BaseConsumer<Quiet>, Unavailable> {
        options::inquirer(&self.settings)
            .create_with_context(Quiet::default())
            .map_err(|error| fault::unavailable("cannot start a client", &error))
    }

    /// The same before a message is sent. Who sends bears an outage, and a topic may be made later.
    fn sender(&self) -> Result<Sender, Unavailable> {
        if let Err(error) = self.create_topics_if_requested() {
            tracing::warn!("{error}");
        }
        Sender::start(options::producer(&self.settings))
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
        self.count_partitions()?.ok_or_else(|| topics::missing(&self.settings.topic))
    }

    fn reader(&self, share: Share, wake: Wake, health: Arc<Health>) -> Result<Box<dyn Reader>, Unavailable> {
        Ok(Box::new(reader::KafkaReader::start(&self.settings, share, wake, health)?))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Ok(Arc::new(KafkaProducer { sender: self.sender()?, topic: self.settings.topic.clone() }))
    }

    fn create_topics(&self, options: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        let created = self.create_topics_with(self.settings.partitions.unwrap_or(PARTITIONS), options)?;
        let (consumer, config) = (self.inquirer()?, options::inquirer(&self.settings));
        let describe = |name: &str| {
            let topic = topics::describe(&consumer, &config, name)?;
            Ok(Topic { created: created.contains(&topic.name), ..topic })
        };
        Ok(vec![describe(&self.settings.topic)?, describe(&self.settings.dead_letter_topic())?])
    }

    fn inspect(&self) -> Vec<Finding> {
        inspect::inspect(&self.settings)
    }

    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        Ok(Box::new(dead_letter_reader::KafkaDeadLetterReader::start(&self.settings, span)?))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        let (requests, topic) = (self.settings.topic.clone(), self.settings.dead_letter_topic());
        let (sender, brokers) = (self.sender()?, options::inquirer(&self.settings));
        Ok(Box::new(dead_letters::DeadLetterWriter { sender, requests, topic, brokers, topic_is_settled: false }))
    }
}

/// Appends requests to the topic.
struct KafkaProducer {
    sender: Sender,
    topic: String,
}

impl Producer for KafkaProducer {
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: PublishCallback) {
        let header = || OwnedHeaders::new().insert(Header { key: ATTEMPT, value: Some(&attempt.to_string()) });
        let headers = (attempt > 0).then(header);
        self.sender.send(Outgoing { topic: &self.topic, key, payload: &payload, headers }, done);
    }
}

#[cfg(test)]
mod anew_tests;
#[cfg(test)]
mod lag_tests;
#[cfg(test)]
mod tests;
