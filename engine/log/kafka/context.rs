//! What librdkafka calls back with: log lines, and errors that belong to no call.

use std::sync::Arc;

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{fault::unavailable, progress::Progress, reader::Shared};
use crate::{delivery::Unavailable, runtime::Mutex};

/// Passes a log line on. An outage is told by [`crate::delivery::Health`], once in a while; librdkafka tells of each
/// try to connect, so most of its lines are for those who look for the cause.
pub(super) fn say(level: RDKafkaLogLevel, facility: &str, line: &str) {
    // An offset out of range, or an option without effect, is for the operator to know.
    if matches!(facility, "OFFSET" | "CONFWARN") && (level as i32) <= RDKafkaLogLevel::Warning as i32 {
        tracing::warn!("librdkafka: {line}");
    } else {
        tracing::debug!("librdkafka: {facility}: {line}");
    }
}

/// Returns the outage for an error that belongs to no call; `None` if it only sums up others or is heard of
/// elsewhere, as a position out of range and the end of a partition are. Its reason names the broker.
pub(super) fn complaint(error: &KafkaError, reason: &str) -> Option<Unavailable> {
    use RDKafkaErrorCode::{AllBrokersDown, AutoOffsetReset, PartitionEOF};
    if matches!(error.rdkafka_error_code(), Some(AllBrokersDown | AutoOffsetReset | PartitionEOF)) {
        return None;
    }
    let judged = unavailable("the connection fails", error);
    Some(Unavailable { reason: format!("{}: {reason}", judged.reason), ..judged })
}

/// The context of a client that only asks questions.
#[derive(Default)]
pub(super) struct Quiet(Mutex<Option<Unavailable>>);

impl Quiet {
    /// The last error that belongs to no call.
    pub(super) fn complaint(&self) -> Option<Unavailable> {
        self.0.lock().clone()
    }
}

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        say(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(complaint) = complaint(&error, reason) {
            *self.0.lock() = Some(complaint);
        }
    }
}

impl ConsumerContext for Quiet {}

/// The context of a reader.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pub(super) progress: Arc<Progress>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        say(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(complaint) = complaint(&error, reason) {
            self.shared.complain(complaint);
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.progress.update(statistics);
    }
}

impl ConsumerContext for Context {}
