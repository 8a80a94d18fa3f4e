//! Opens and examines a log at a URL.

use std::sync::Arc;

#[cfg(feature = "kafka")]
use super::kafka::KafkaLog;
use super::{
    connector::Log,
    embedded::{self, EmbeddedLog},
};
use crate::{
    address::{Address, OpenError},
    domain::Domain,
    finding::Finding,
    sqlite,
};

/// Opens the log of a domain at a URL: `sqlite:PATH?topic=T&group=G&partitions=N`, or
/// `kafka://host:9092,host2:9092/TOPIC?group=G`. A URL without a topic means [`Domain::TOPIC`].
pub fn open<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    let example = "sqlite:var/delaycast.db?topic=requests";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "log", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(Arc::new(EmbeddedLog::open(address.of_a_file()?, D::TOPIC)?)),
        #[cfg(feature = "kafka")]
        "kafka" => Ok(Arc::new(KafkaLog::open(&address, D::TOPIC)?)),
        #[cfg(not(feature = "kafka"))]
        "kafka" => Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => Err(address.unknown("log", "sqlite, kafka")),
    }
}

/// Opens an existing log as [`open`] does, and creates neither a file nor a topic.
pub fn open_existing<D: Domain>(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => Ok(Arc::new(EmbeddedLog::open_existing(&address, D::TOPIC)?)),
        _ => open::<D>(url),
    }
}

/// Examines the log at a URL as [`Log::inspect`] does. It creates and changes nothing in an embedded file.
pub fn inspect<D: Domain>(url: &str) -> Result<Vec<Finding>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address, D::TOPIC),
        _ => Ok(open::<D>(url)?.inspect()),
    }
}

/// Returns the topic that the URL of an embedded log means.
pub fn topic_of<D: Domain>(url: &str) -> Result<String, OpenError> {
    embedded::topic_of(&embedded_address(url)?, D::TOPIC)
}

/// Removes a group of the topic of the embedded log at a URL. Returns whether it existed.
pub fn remove_group<D: Domain>(url: &str, group: &str) -> Result<bool, OpenError> {
    EmbeddedLog::open_existing(&embedded_address(url)?, D::TOPIC)?.remove_group(group)
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
