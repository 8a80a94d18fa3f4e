//! The embedded log: Kafka's partitions, offsets and groups in an SQLite file. For its rules see [`crate::sqlite`].

mod commit;
mod dead_letters;
mod inspect;
mod partitions;
mod producer;
mod reader;

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};

pub use partitions::{READ_AHEAD_BYTES_MAX, READ_AHEAD_MESSAGES_MAX};
pub use producer::APPEND_BYTES_MAX;

use self::partitions::{Subscription, count_partitions};
use super::{
    DeadLetter, DeadLetterReader, DeadLetterSpan, GROUP, Log, Producer, Reader, Share, Start, Topic, TopicOptions,
    Wake, topic::TopicDefaults,
};
use crate::{
    address::{Address, OpenError},
    delivery::{Health, Unavailable, Writer},
    finding::Finding,
    sqlite::{self, Database, Inspector, RowWriter, retention, unavailable},
};

/// Number of partitions of a new topic, unless the URL gives another.
pub const PARTITIONS: u32 = 4;
/// Upper bound on the partitions of a topic.
pub const PARTITIONS_MAX: u32 = 1024;

/// A topic of an embedded database, as one group reads it.
pub struct EmbeddedLog {
    database: Arc<Database>,
    topic: Arc<str>,
    topic_id: i64,
    group: Arc<str>,
    /// The minimum age of a message that is dropped.
    retention: Duration,
    /// True if opening it has created the topic.
    created: bool,
}

/// A topic of the database.
struct StoredTopic {
    id: i64,
    retention: Duration,
    created: bool,
}

impl EmbeddedLog {
    /// Opens `sqlite:PATH?topic=T&group=G&partitions=N&wal=MIB`; creates file, topic and partitions as needed. A topic
    /// that has fewer than N partitions gets more; it never loses one. It gets the retention of `defaults`, if there is
    /// one, also if it exists.
    pub(crate) fn open(address: &Address, defaults: TopicDefaults) -> Result<Self, OpenError> {
        let database = Database::at(address)?;
        let topic: Arc<str> = named(address, "topic", defaults.topic)?.into();
        let group = named(address, "group", GROUP)?.into();
        let partitions = address.parameter("partitions").map(|text| parse_partitions(address, text)).transpose()?;
        let name = Arc::clone(&topic);
        let create = move |connection: &Connection| create_topic(connection, &name, partitions, defaults.retention);
        let StoredTopic { id, retention, created } = database.write(0, create)?;
        Ok(EmbeddedLog { database, topic, topic_id: id, group, retention, created })
    }

    /// Opens an existing topic in an existing file; creates neither.
    pub(crate) fn open_existing(address: &Address, defaults: TopicDefaults) -> Result<Self, OpenError> {
        let database = Database::at_existing(address)?;
        let topic: Arc<str> = named(address, "topic", defaults.topic)?.into();
        let group = named(address, "group", GROUP)?.into();
        let connection = database.connect()?;
        let found = stored_topic(&connection, &topic).optional();
        let found = found.map_err(|error| unavailable(&error, database.path()))?;
        let StoredTopic { id, retention, .. } = found.ok_or_else(|| {
            let path = database.path().display();
            address.invalid("topic", format!("{topic} is not in {path}: name the one that is meant"))
        })?;
        Ok(EmbeddedLog { database, topic, topic_id: id, group, retention, created: false })
    }
}

impl EmbeddedLog {
    /// Removes a group's offsets of the topic. Returns whether it had any.
    pub(crate) fn remove_group(&self, group: &str) -> Result<bool, OpenError> {
        let (topic, group) = (self.topic.to_string(), group.to_owned());
        Ok(self.database.write(64, move |connection| sqlite::remove_group(connection, &topic, &group))? > 0)
    }
}

/// Returns the address of a topic beside that of requests, which an address names.
pub(super) fn beside_requests(address: &Address, requests: &str, topic: &str) -> Result<Address, OpenError> {
    if named(address.of_a_file()?, "topic", requests)? == topic {
        return Err(address.invalid("topic", format!("is {topic}, which is that of events")));
    }
    let mut beside = address.clone();
    beside.parameters.retain(|(name, _)| name != "topic");
    beside.parameters.push(("topic".to_owned(), topic.to_owned()));
    Ok(beside)
}

/// Returns the topic that a URL names.
pub(super) fn topic_of(address: &Address, default_topic: &str) -> Result<String, OpenError> {
    named(address, "topic", default_topic).map(str::to_owned)
}

/// Examines the log that a URL names as [`Log::inspect`] does; creates and changes nothing.
pub(super) fn inspect_at(address: &Address, default_topic: &str) -> Result<Vec<Finding>, OpenError> {
    let (topic, group) = (named(address, "topic", default_topic)?, named(address, "group", GROUP)?);
    Ok(inspect::inspect(&Inspector::at(address)?, topic, group))
}

fn named<'a>(address: &'a Address, parameter: &str, default: &'a str) -> Result<&'a str, OpenError> {
    match address.parameter(parameter).unwrap_or(default) {
        name if name.is_empty() || name.len() > 249 => Err(address.invalid(parameter, "must have 1 to 249 bytes")),
        name => Ok(name),
    }
}

fn parse_partitions(address: &Address, text: &str) -> Result<u32, OpenError> {
    let count = text.parse().ok().filter(|count| (1..=PARTITIONS_MAX).contains(count));
    count.ok_or_else(|| address.invalid("partitions", format!("must be a number from 1 to {PARTITIONS_MAX}")))
}

/// Returns the topic of a name; it was not created just now.
fn stored_topic(connection: &Connection, name: &str) -> rusqlite::Result<StoredTopic> {
    connection.query_row("SELECT id, retention_ms FROM topics WHERE name = ?1", [name], |row| {
        let retention_ms = row.get::<_, Option<i64>>(1)?.map(|ms| Duration::from_millis(ms.max(0).unsigned_abs()));
        let retention = retention_ms.unwrap_or(retention::LOG_AGE_MAX);
        Ok(StoredTopic { id: row.get(0)?, retention, created: false })
    })
}

/// Creates the topic and its partitions unless they exist, and gives it the retention.
fn create_topic(
    connection: &Connection,
    name: &str,
    partitions: Option<u32>,
    retention: Option<Duration>,
) -> rusqlite::Result<StoredTopic> {
    connection.execute("INSERT INTO topics (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
    if let Some(retention) = retention {
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let update = "UPDATE topics SET retention_ms = ?2 WHERE name = ?1 AND retention_ms IS NOT ?2";
        connection.execute(update, params![name, retention_ms])?;
    }
    let topic = stored_topic(connection, name)?;
    let count = count_partitions(connection, topic.id)?;
    let wanted = partitions.unwrap_or(if count == 0 { PARTITIONS } else { count });
    for partition in count..wanted {
        connection
            .execute("INSERT INTO partitions (topic, partition) VALUES (?1, ?2)", params![topic.id, partition])?;
    }
    Ok(StoredTopic { created: count == 0, ..topic })
}

impl Log for EmbeddedLog {
    fn describe(&self) -> String {
        format!("topic {} in {}", self.topic, self.database.path().display())
    }

    fn partitions(&self) -> Result<u32, Unavailable> {
        let connection = self.database.connect()?;
        count_partitions(&connection, self.topic_id).map_err(|error| unavailable(&error, self.database.path()))
    }

    fn reader(
        &self,
        share: Share,
        start: Start,
        wake: Wake,
        health: Arc<Health>,
    ) -> Result<Box<dyn Reader>, Unavailable> {
        let subscription = Subscription { topic: self.topic_id, group: Arc::clone(&self.group), share, start };
        Ok(Box::new(reader::EmbeddedReader::start(&self.database, subscription, wake, health)?))
    }

    fn producer(&self) -> Result<Arc<dyn Producer>, Unavailable> {
        Ok(Arc::new(producer::EmbeddedProducer::new(&self.database, self.topic_id)))
    }

    fn dead_letters(&self) -> Result<Box<dyn Writer<DeadLetter>>, Unavailable> {
        let topic = self.topic_id;
        Ok(Box::new(RowWriter::new(&self.database, move |letter: &DeadLetter| {
            dead_letters::DeadLetterRow::new(topic, letter)
        })))
    }

    /// Returns the topics: opening the log has created them, and has given them their retention.
    fn create_topics(&self, _: &TopicOptions) -> Result<Vec<Topic>, Unavailable> {
        let topic = |name: String, partitions, kept: Duration| Topic {
            name,
            created: self.created,
            partitions,
            replication: None,
            retention_s: Some(kept.as_secs()),
        };
        Ok(vec![
            topic(self.topic.to_string(), self.partitions()?, self.retention),
            topic(format!("{}.dlq", self.topic), 1, retention::DEAD_AGE_MAX),
        ])
    }

    fn inspect(&self) -> Vec<Finding> {
        match Inspector::open(self.database.path()) {
            Ok(inspector) => inspect::inspect(&inspector, &self.topic, &self.group),
            Err(error) => vec![Finding::fail("log", error.to_string(), "see the file that is named")],
        }
    }

    fn read_dead_letters(&self, span: DeadLetterSpan<'_>) -> Result<Box<dyn DeadLetterReader>, Unavailable> {
        let (database, topic) = (&self.database, self.topic_id);
        Ok(Box::new(dead_letters::EmbeddedDeadLetterReader::start(database, topic, &self.topic, &self.group, span)?))
    }
}

#[cfg(test)]
mod tests;
