//! The replay of dead letters that an operator has begun, and its progress.

use chrono::{DateTime, Utc};
use engine::{
    clock,
    log::{LetterLog, ReplaySummary},
    runtime::Mutex,
};

/// The replay that runs, or the last one.
#[derive(Default)]
pub(crate) struct Replays(Mutex<Option<ReplayProgress>>);

/// The progress of a replay.
#[derive(Debug, Clone)]
pub(crate) struct ReplayProgress {
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) log: LetterLog,
    pub(crate) reason: Option<String>,
    pub(crate) summary: ReplaySummary,
    pub(crate) end: ReplayEnd,
}

/// The end of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReplayEnd {
    /// It runs.
    Running,
    /// All letters are sent.
    Done,
    /// It has stopped with this error; the next one goes on.
    Failed(String),
}

impl Replays {
    pub(crate) fn get(&self) -> Option<ReplayProgress> {
        self.0.lock().clone()
    }

    /// Begins a replay, unless one runs.
    pub(crate) fn begin(&self, log: LetterLog, reason: Option<String>) -> bool {
        let mut current = self.0.lock();
        if current.as_ref().is_some_and(|replay| replay.end == ReplayEnd::Running) {
            return false;
        }
        let (started_at, summary) = (clock::now(), ReplaySummary::default());
        *current = Some(ReplayProgress { started_at, log, reason, summary, end: ReplayEnd::Running });
        true
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut ReplayProgress)) {
        if let Some(replay) = &mut *self.0.lock() {
            change(replay);
        }
    }
}
