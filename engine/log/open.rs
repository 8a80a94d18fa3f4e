//! Opens and examines a log at a URL.

use std::sync::Arc;

#[cfg(feature = "kafka")]
use super::kafka::KafkaLog;
use super::{
    connector::Log,
    embedded::{self, EmbeddedLog},
    topic::TOPIC,
};
use crate::{
    address::{Address, OpenError},
    finding::Finding,
    sqlite,
};

/// Opens logs whose topic of requests is this one, unless the URL names another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOpener {
    /// The topic.
    pub default_topic: &'static str,
}

impl LogOpener {
    /// Opens the log at a URL: `sqlite:PATH?topic=T&group=G&partitions=N`, or
    /// `kafka://host:9092,host2:9092/TOPIC?group=G`.
    pub fn open(self, url: &str) -> Result<Arc<dyn Log>, OpenError> {
        let example = "sqlite:var/delaycast.db?topic=requests";
        let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
        match address.scheme.as_str() {
            "sqlite" => Ok(Arc::new(EmbeddedLog::open(address.of_a_file()?, self.default_topic)?)),
            #[cfg(feature = "kafka")]
            "kafka" => Ok(Arc::new(KafkaLog::open(&address, self.default_topic)?)),
            #[cfg(not(feature = "kafka"))]
            "kafka" => Err(OpenError::NoConnector { scheme: address.scheme }),
            _ => Err(address.unknown("log", "sqlite, kafka")),
        }
    }

    /// Opens an existing log as [`Self::open`] does, and creates neither a file nor a topic.
    pub fn open_existing(self, url: &str) -> Result<Arc<dyn Log>, OpenError> {
        match Address::parse(url) {
            Some(address) if address.scheme == "sqlite" => {
                Ok(Arc::new(EmbeddedLog::open_existing(&address, self.default_topic)?))
            }
            _ => self.open(url),
        }
    }

    /// Examines the log at a URL as [`Log::inspect`] does. It creates and changes nothing in an embedded file.
    pub fn inspect(self, url: &str) -> Result<Vec<Finding>, OpenError> {
        match Address::parse(url) {
            Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address, self.default_topic),
            _ => Ok(self.open(url)?.inspect()),
        }
    }

    /// Returns the topic that the URL of an embedded log names.
    pub fn topic_of(self, url: &str) -> Result<String, OpenError> {
        embedded::topic_of(&embedded_address(url)?, self.default_topic)
    }

    /// Removes a group of the topic of the embedded log at a URL. Returns whether it existed.
    pub fn remove_group(self, url: &str, group: &str) -> Result<bool, OpenError> {
        EmbeddedLog::open_existing(&embedded_address(url)?, self.default_topic)?.remove_group(group)
    }
}

const OPENER: LogOpener = LogOpener { default_topic: TOPIC };

/// Opens the log at a URL, as [`LogOpener::open`] does with the engine's default topic, [`TOPIC`].
pub fn open(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    OPENER.open(url)
}

/// Opens an existing log, as [`LogOpener::open_existing`] does with the engine's default topic.
pub fn open_existing(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    OPENER.open_existing(url)
}

/// Examines a log, as [`LogOpener::inspect`] does with the engine's default topic.
pub fn inspect(url: &str) -> Result<Vec<Finding>, OpenError> {
    OPENER.inspect(url)
}

/// Removes a group, as [`LogOpener::remove_group`] does with the engine's default topic.
pub fn remove_group(url: &str, group: &str) -> Result<bool, OpenError> {
    OPENER.remove_group(url, group)
}

/// Returns the consumer groups of the embedded log at a URL, of all topics. Kafka's own tools list those of Kafka.
pub fn groups(url: &str) -> Result<Vec<sqlite::Group>, OpenError> {
    Ok(sqlite::Inspector::at(&embedded_address(url)?)?.groups()?)
}

fn embedded_address(url: &str) -> Result<Address, OpenError> {
    let example = "sqlite:var/delaycast.db";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(address),
        "kafka" => {
            Err(address.invalid("groups", "are Kafka's own: use kafka-consumer-groups.sh --list, --describe, --delete"))
        }
        _ => Err(OpenError::UnknownScheme { what: "embedded log", scheme: address.scheme, known: "sqlite" }),
    }
}
