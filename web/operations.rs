//! The state of the system as plain data: `/ops.json` is its JSON, `/ops` shows it.

use chrono::{DateTime, Utc};
use engine::status::Wait;
use serde::Serialize;

/// A source of the system's state.
pub trait Operations: Send + Sync {
    /// Returns the present state. Never blocks.
    fn now(&self) -> OperationsStatus;
}

/// The state of the system at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OperationsStatus {
    /// The moment; `None` before the first count.
    pub at: Option<DateTime<Utc>>,
    /// Length of the window that is counted, in seconds.
    pub window_s: u64,
    /// Lag of the counts behind the store; `None` while the window is being read for the first time.
    pub behind_s: Option<u64>,
    /// Messages read and not yet durable as answer or dead letter; `None` without a scorer in this process.
    pub in_flight: Option<u64>,
    /// Messages of the log that are not yet committed; `None` without a scorer in this process.
    pub lag: Option<u64>,
    /// The dependencies that do not serve.
    pub waiting: Vec<Wait>,
    /// The answers.
    pub answers: AnswerCounts,
    /// The dead letters.
    pub dead_letters: DeadLetterCounts,
}

/// Answers in the window.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AnswerCounts {
    /// All.
    pub total: u64,
    /// Rate per second over the last 10 full seconds.
    pub per_second_10_s: f64,
    /// Rate per second over the last 60 full seconds.
    pub per_second_60_s: f64,
    /// By class, in the order of the classes.
    pub by_class: Vec<NamedCount>,
    /// By model version, latest first.
    pub by_model: Vec<NamedCount>,
    /// By the hour of scoring, latest first.
    pub by_hour: Vec<NamedCount>,
    /// By airline, largest first.
    pub by_airline: Vec<NamedCount>,
    /// By airport of departure, largest first.
    pub by_origin: Vec<NamedCount>,
}

/// Dead letters in the window.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DeadLetterCounts {
    /// All.
    pub total: u64,
    /// By reason, largest first.
    pub by_reason: Vec<NamedCount>,
    /// By the hour of their detection, latest first.
    pub by_hour: Vec<NamedCount>,
}

/// The count of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedCount {
    /// The name.
    pub name: String,
    /// The count.
    pub count: u64,
}
