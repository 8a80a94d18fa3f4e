//! What the system does, as plain data: `/ops.json` is this, `/ops` shows it.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Knows what the system does.
pub trait Operations: Send + Sync {
    /// What it does now. Returns at once.
    fn now(&self) -> Now;
}

/// What the system does, at a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Now {
    /// The moment; none before the first count.
    pub at: Option<DateTime<Utc>>,
    /// Counts are of the last so many seconds.
    pub window_s: u64,
    /// So far behind the store the counts are; none while the window is being read for the first time.
    pub behind_s: Option<u64>,
    /// Messages read and not yet durable as answer or dead letter; none if no scorer is in this process.
    pub in_flight: Option<u64>,
    /// Messages of the log that are not yet committed; none if no scorer is in this process.
    pub lag: Option<u64>,
    /// What is waited for.
    pub waiting: Vec<Wait>,
    /// The answers.
    pub answers: Answers,
    /// The dead letters.
    pub dead_letters: DeadLetters,
}

/// Something that is waited for.
#[derive(Debug, Clone, Serialize)]
pub struct Wait {
    /// What. Its own words are for its operator, and in the log.
    pub what: String,
    /// For so many seconds.
    pub for_s: u64,
}

/// Answers in the window.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Answers {
    /// All.
    pub total: u64,
    /// A second, over the last 10 full ones.
    pub per_second_10_s: f64,
    /// A second, over the last 60 full ones.
    pub per_second_60_s: f64,
    /// By class, in their order.
    pub by_class: Vec<Count>,
    /// By model version, latest first.
    pub by_model: Vec<Count>,
    /// By the hour of scoring, latest first.
    pub by_hour: Vec<Count>,
    /// By airline, most first.
    pub by_airline: Vec<Count>,
    /// By airport of departure, most first.
    pub by_origin: Vec<Count>,
}

/// Dead letters in the window.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DeadLetters {
    /// All.
    pub total: u64,
    /// By kind of reason, most first.
    pub by_reason: Vec<Count>,
    /// By the hour in which they were found, latest first.
    pub by_hour: Vec<Count>,
}

/// How many of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The name.
    pub name: String,
    /// How many.
    pub count: u64,
}
