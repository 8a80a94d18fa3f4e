//! The operations that the tests give to the web: a state that a test sets, and the dead letters of an embedded log.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, TimeDelta, Utc};
use delaycast::domain::Flights;
use engine::{
    delivery::Unavailable,
    log::{
        self, DeadLetter, DeadLetterKinds, DeadLetterReason, DeadLetters, LatestLetters, LetterLog, Log,
        LogDeadLetters, Offset, PartitionId, Payload, Position, ReplayError, ReplayFilter, ReplaySummary, SentBack,
    },
    request::RequestId,
    status::{ChannelStatus, DataflowStatus, OperatorStatus, Status, WorkerStatus},
};
use server::{AnswerCounts, Breakdown, DeadLetterCounts, NamedCount, Operations, OperationsStatus, Sample};

/// A state of the system that the test sets.
pub(crate) struct InMemoryOperations {
    pub(crate) now: Mutex<OperationsStatus>,
    pub(crate) scorers: Mutex<Option<Status>>,
}

impl Default for InMemoryOperations {
    fn default() -> Self {
        InMemoryOperations { now: Mutex::new(busy_hour()), scorers: Mutex::new(Some(held_back())) }
    }
}

impl Operations for InMemoryOperations {
    fn now(&self) -> OperationsStatus {
        self.now.lock().unwrap().clone()
    }

    fn samples(&self) -> Vec<Sample> {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let sample = |at: u32| Sample {
            at: start + TimeDelta::seconds(5 * i64::from(at)),
            per_second: 8.0 + f64::from(at % 7),
            p50_ms: (at % 90 > 4).then_some(12.0),
            p99_ms: (at % 90 > 4).then_some(30.0 + f64::from(at % 40)),
            lag: Some(u64::from(at % 50) * 30),
            in_flight: Some(300),
        };
        (0..600).map(sample).collect()
    }

    fn scorers(&self) -> Option<Status> {
        self.scorers.lock().unwrap().clone()
    }
}

/// Scorers whose store does not take answers: `LandAnswers` holds the frontier.
pub(crate) fn held_back() -> Status {
    let names = ["ReadLog", "Exchange", "Decode", "Score", "LandAnswers", "Map", "Concat", "LandDeadLetters", "Probe"];
    let operator = |(at, name): (usize, &&str)| OperatorStatus {
        index: at + 1,
        name: (*name).to_owned(),
        scheduled: 9_000,
        busy_us: 12_345 * at as u64,
        received: if at == 0 { 0 } else { 41_208 },
        waiting: if at == 4 { 312 } else { 0 },
        frontier: Some(1_700_000_000_000),
        holds_frontier: at == 4,
    };
    let channel =
        |&(source, target, records): &(usize, usize, u64)| ChannelStatus { source, target, records, messages: 9 };
    let channels = [(1, 2, 9), (2, 3, 9), (3, 4, 9), (4, 5, 9), (3, 7, 0), (5, 6, 0), (6, 7, 0), (7, 8, 0), (8, 9, 0)];
    let worker = |index| WorkerStatus {
        index,
        process: index / 2,
        stepped_ms_ago: 3,
        frontier_lag_ms: 48_120,
        parked_us: 9_000_000,
        lived_us: 10_000_000,
        in_flight: 78,
        oldest_ms: Some(48_000),
    };
    let heartbeat = DataflowStatus { name: "Heartbeat".into(), frontier: Some(7), ..DataflowStatus::default() };
    let score = DataflowStatus {
        name: "Score".into(),
        operators: names.iter().enumerate().map(operator).collect(),
        channels: channels.iter().map(channel).collect(),
        frontier: Some(1_700_000_000_000),
        frontier_for_ms: 48_000,
    };
    let (workers, dataflows) = ((0..4).map(worker).collect(), vec![heartbeat, score]);
    Status { in_flight: 312, lag: Some(1208), workers, dataflows, ..Status::default() }
}

/// The dead letters of an embedded log, and the log.
pub(crate) struct KeptLetters {
    pub(crate) log: Arc<dyn Log>,
    letters: LogDeadLetters,
    _dir: tempfile::TempDir,
}

impl KeptLetters {
    pub(crate) fn new(of: LetterLog) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/log.db", dir.path().display());
        let log = match of {
            LetterLog::Requests => log::open::<Flights>(&url).unwrap(),
            LetterLog::Events => log::open_events::<Flights>(&url).unwrap(),
        };
        let letters = LogDeadLetters::new(Arc::clone(&log), DeadLetterKinds::of_log::<Flights>(of));
        KeptLetters { letters, log, _dir: dir }
    }

    /// Keeps a letter that was found now.
    pub(crate) fn keep(&self, offset: u64, reason: &str, message: &[u8], attempt: u32) {
        let letter = DeadLetter {
            position: Position { partition: PartitionId(2), offset: Offset(offset) },
            id: RequestId::new(format!("id-{offset}")).ok(),
            reason: reason.to_owned(),
            kind: DeadLetterReason::field("Carrier"),
            payload: Payload::new(message.to_vec()),
            found_at: Utc::now(),
            attempt,
            topic_id: None,
        };
        assert_eq!(self.log.dead_letters().unwrap().write(&[letter]).unwrap(), []);
    }
}

impl DeadLetters for KeptLetters {
    fn latest(&self, since: DateTime<Utc>, reason: &str, wanted: usize) -> Result<LatestLetters, Unavailable> {
        self.letters.latest(since, reason, wanted)
    }

    fn send_back(&self, position: Position, found_at: DateTime<Utc>) -> Result<SentBack, ReplayError> {
        self.letters.send_back(position, found_at)
    }

    fn replay(
        &self,
        filter: ReplayFilter<'_>,
        on_page: &mut dyn FnMut(&ReplaySummary) -> ControlFlow<()>,
    ) -> Result<ReplaySummary, ReplayError> {
        self.letters.replay(filter, on_page)
    }
}

/// The counts of a busy hour; one model has markup in its name.
fn busy_hour() -> OperationsStatus {
    let counts = |names: &[(&str, u64)]| -> Vec<NamedCount> {
        names.iter().map(|(name, count)| NamedCount { name: (*name).to_owned(), count: *count }).collect()
    };
    let airports: Vec<(String, u64)> =
        (0..26).map(|n| (format!("{}TL", char::from(b'A' + n)), 2000 - 70 * u64::from(n))).collect();
    let airports: Vec<(&str, u64)> = airports.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let by = |dimension, names: &[(&str, u64)]| Breakdown { dimension, counts: counts(names) };
    OperationsStatus {
        at: DateTime::from_timestamp(1_700_000_000, 0),
        window_s: 3600,
        behind_s: Some(1),
        in_flight: Some(312),
        lag: Some(1208),
        waiting: vec![],
        answers: AnswerCounts {
            total: 29_250,
            per_second_10_s: 8.3,
            per_second_60_s: 7.95,
            breakdowns: vec![
                by(
                    "class",
                    &[
                        ("more than 15 minutes early", 9000),
                        ("up to 15 minutes early", 12_000),
                        ("on time to 30 minutes late", 5250),
                        ("30 minutes late or more", 3000),
                    ],
                ),
                by("model", &[("20261124T101530123Z-1a2b3c4d", 29_000), ("<b>odd</b>", 250)]),
                by("hour", &[("2026-11-24T11:00:00Z", 20_000), ("2026-11-24T10:00:00Z", 9250)]),
                by("airline", &[("UA", 14_000), ("B6", 10_000), ("DL", 5250)]),
                by("origin", &airports),
            ],
        },
        dead_letters: DeadLetterCounts {
            total: 3,
            by_reason: counts(&[("Origin", 2), ("not JSON", 1)]),
            by_hour: counts(&[("2026-11-24T11:00:00Z", 3)]),
        },
        dead_letters_of_events: Some(DeadLetterCounts {
            total: 2,
            by_reason: counts(&[("Event", 2)]),
            by_hour: counts(&[("2026-11-24T11:00:00Z", 2)]),
        }),
    }
}
