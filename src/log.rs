//! The log of requests for flights: that of the engine, with the flights' topic where a URL names none.

use std::sync::Arc;

pub use engine::log::*;

use crate::finding::Finding;

/// The topic of requests, unless the URL names another.
pub const TOPIC: &str = "flight_delay_classification_request";

const OPENER: LogOpener = LogOpener { default_topic: TOPIC };

/// Opens the log at a URL: see [`LogOpener::open`].
pub fn open(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    OPENER.open(url)
}

/// Opens an existing log: see [`LogOpener::open_existing`].
pub fn open_existing(url: &str) -> Result<Arc<dyn Log>, OpenError> {
    OPENER.open_existing(url)
}

/// Examines the log at a URL: see [`LogOpener::inspect`].
pub fn inspect(url: &str) -> Result<Vec<Finding>, OpenError> {
    OPENER.inspect(url)
}

/// Returns the topic that the URL of an embedded log names.
pub fn topic_of(url: &str) -> Result<String, OpenError> {
    OPENER.topic_of(url)
}

/// Removes a group of the topic of the embedded log at a URL. Returns whether it existed.
pub fn remove_group(url: &str, group: &str) -> Result<bool, OpenError> {
    OPENER.remove_group(url, group)
}
