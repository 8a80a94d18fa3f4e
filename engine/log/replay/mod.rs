//! Dead letters for an operator: the latest, and sending them back into their topic.
//!
//! A letter goes back as it was, byte by byte, with the number of its attempts; it is answered, or dies again. What a
//! replay has sent is committed for its filter's group, so that the next one goes on after it. A process that is killed
//! in between sends some twice, which changes no answer.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    sync::{Arc, mpsc::channel},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{
    connector::{Log, OpenLog, Producer, PublishError},
    dead_letter::{DeadLetter, DeadLetterKinds, DeadLetterSpan, DeadLettersFrom},
    topic::Position,
};
use crate::{delivery::Unavailable, request::RequestId};

/// Upper bound on the attempts of a message: those that were sent back as often stay.
pub const ATTEMPTS_MAX: u32 = 3;
/// Upper bound on the messages in flight: with 256 KiB each, well within a producer's queue.
const IN_FLIGHT_MAX: usize = 64;
/// Timeout of a read of dead letters.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of an acknowledgement; longer than the producer's own deadline.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the reasons that are counted separately.
const REASONS_MAX: usize = 20;
/// Upper bound on the length of a reason that is shown.
const REASON_CHARS_MAX: usize = 100;
/// Upper bound on the time in which letters are looked for, to be shown.
const LOOK_MAX: Duration = Duration::from_secs(4);

/// A dead letter that is not sent back, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The dead letters cannot be read.
    #[error("cannot read the dead letters of {log}")]
    Read {
        /// The log.
        log: String,
        /// The cause.
        source: Unavailable,
    },
    /// A letter was not acknowledged. It may be sent.
    #[error("stopped at about {sent}; run this again to go on")]
    Send {
        /// The letters that were sent before.
        sent: u64,
        /// The cause.
        source: PublishError,
    },
    /// The offset of what was sent is not committed.
    #[error("what was sent could not be noted down: the next run sends the last ones again")]
    Commit(#[source] Unavailable),
}

/// The counts of the letters of a reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReasonCounts {
    /// Letters that were sent, or would be.
    pub sent: u64,
    /// Letters that have reached the bound on attempts.
    pub kept_tried: u64,
    /// Letters of which only the beginning was kept.
    pub kept_cut: u64,
}

/// The outcome of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    /// Nothing was sent.
    pub dry_run: bool,
    /// Letters that were sent, or would be.
    pub sent: u64,
    /// Letters that stay.
    pub kept: u64,
    /// Letters that the filter leaves out.
    #[serde(rename = "passed_over")]
    pub filtered_out: u64,
    /// The counts by kind of reason, which is a fixed set.
    pub kinds: BTreeMap<&'static str, ReasonCounts>,
    /// The counts by reason.
    pub reasons: BTreeMap<String, ReasonCounts>,
}

/// The letters of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayFilter<'a> {
    /// Those written since then, whether they were sent before or not; `None` for those that were not sent yet.
    pub since: Option<DateTime<Utc>>,
    /// Those alone whose reason has this text in it. What was sent is committed for each text by itself.
    pub reason: Option<&'a str>,
    /// Send nothing.
    pub dry_run: bool,
}

/// The latest letters of a time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LatestLetters {
    /// The letters, newest first.
    pub letters: Vec<DeadLetter>,
    /// The number of all that were found.
    pub found: u64,
    /// False if the time was up before all were read: there are newer ones.
    pub is_complete: bool,
}

/// The outcome for a single letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentBack {
    /// It was sent.
    Sent,
    /// It is not there any more.
    Unknown,
    /// It was sent back [`ATTEMPTS_MAX`] times.
    Tried,
    /// Only its beginning was kept.
    Cut,
}

/// The dead letters of a log.
pub trait DeadLetters: Send + Sync {
    /// Returns the latest letters written since a time whose reason has a text in it, `wanted` at most. Blocks, for
    /// some seconds at most.
    fn latest(&self, since: DateTime<Utc>, reason: &str, wanted: usize) -> Result<LatestLetters, Unavailable>;

    /// Sends a single letter back, of which position and time are known. A later replay may send it once more. Blocks.
    fn send_back(&self, position: Position, found_at: DateTime<Utc>) -> Result<SentBack, ReplayError>;

    /// Sends the letters of a filter back; `on_page` sees the summary from time to time, and can end the replay. Blocks
    /// until all are sent.
    fn replay(
        &self,
        filter: ReplayFilter<'_>,
        on_page: &mut dyn FnMut(&ReplaySummary) -> ControlFlow<()>,
    ) -> Result<ReplaySummary, ReplayError>;
}

/// The dead letters of a log, of a domain with these kinds of reasons.
pub struct LogDeadLetters {
    place: String,
    open: Arc<OpenLog>,
    kinds: DeadLetterKinds,
}

impl LogDeadLetters {
    /// Returns the dead letters of an open log.
    pub fn new(log: Arc<dyn Log>, kinds: DeadLetterKinds) -> Self {
        let place = log.describe();
        Self::opened_later(place, Arc::new(move || Ok(Arc::clone(&log))), kinds)
    }

    /// Returns the dead letters of a log at `place` that may not be open yet: each call opens it, until it succeeds.
    pub fn opened_later(place: String, open: Arc<OpenLog>, kinds: DeadLetterKinds) -> Self {
        LogDeadLetters { place, open, kinds }
    }

    /// Calls `each` with the letters written since a time, in their order, until it returns false, all are read, or the
    /// time is up. Returns whether the time sufficed.
    fn look(&self, since: DateTime<Utc>, mut each: impl FnMut(DeadLetter) -> bool) -> Result<bool, Unavailable> {
        let deadline = Instant::now() + LOOK_MAX;
        let span = DeadLetterSpan { from: DeadLettersFrom::Moment(since), follow: false };
        let mut letters = (self.open)()?.read_dead_letters(span)?;
        while !letters.is_done() {
            for letter in letters.next(IN_FLIGHT_MAX, READ_TIMEOUT)? {
                if !each(letter) {
                    return Ok(true);
                }
            }
            if Instant::now() >= deadline {
                return Ok(letters.is_done());
            }
        }
        Ok(true)
    }

    fn cannot_read(&self, source: Unavailable) -> ReplayError {
        ReplayError::Read { log: self.place.clone(), source }
    }
}

impl DeadLetters for LogDeadLetters {
    fn latest(&self, since: DateTime<Utc>, reason: &str, wanted: usize) -> Result<LatestLetters, Unavailable> {
        let (mut latest, mut found) = (VecDeque::new(), 0);
        let is_complete = self.look(since, |letter| {
            if letter.reason.contains(reason) {
                found += 1;
                latest.push_front(letter);
                latest.truncate(wanted);
            }
            true
        })?;
        Ok(LatestLetters { letters: latest.into(), found, is_complete })
    }

    fn send_back(&self, position: Position, found_at: DateTime<Utc>) -> Result<SentBack, ReplayError> {
        let mut found = None;
        // A log may order letters by another clock than that of the process that has found them.
        let since = found_at - TimeDelta::seconds(1);
        let is_it = |letter: &DeadLetter| {
            letter.position == position && letter.found_at.timestamp_millis() == found_at.timestamp_millis()
        };
        let look = self.look(since, |letter| {
            if is_it(&letter) {
                found = Some(letter);
            }
            found.is_none()
        });
        look.map_err(|source| self.cannot_read(source))?;
        let Some(letter) = found else { return Ok(SentBack::Unknown) };
        if !letter.payload.is_complete() {
            return Ok(SentBack::Cut);
        }
        if letter.attempt >= ATTEMPTS_MAX {
            return Ok(SentBack::Tried);
        }
        let failed = |source| ReplayError::Send { sent: 0, source };
        let producer = (self.open)().and_then(|log| log.producer()).map_err(|error| failed(error.into()))?;
        send(&producer, vec![letter]).map_err(failed)?;
        Ok(SentBack::Sent)
    }

    fn replay(
        &self,
        ReplayFilter { since, reason, dry_run }: ReplayFilter<'_>,
        on_page: &mut dyn FnMut(&ReplaySummary) -> ControlFlow<()>,
    ) -> Result<ReplaySummary, ReplayError> {
        // Each filter has its own committed offset: letters that it leaves out are not done.
        let group = reason.map_or_else(|| "replay".to_owned(), |reason| format!("replay.{}", short(reason)));
        let from = since.map_or(DeadLettersFrom::Group(&group), DeadLettersFrom::Moment);
        let cannot_read = |source| self.cannot_read(source);
        let log = (self.open)().map_err(cannot_read)?;
        let mut letters = log.read_dead_letters(DeadLetterSpan { from, follow: false }).map_err(cannot_read)?;
        let producer = if dry_run { None } else { Some(log.producer().map_err(cannot_read)?) };
        let mut summary = ReplaySummary { dry_run, ..ReplaySummary::default() };
        while !letters.is_done() {
            let page = letters.next(IN_FLIGHT_MAX, READ_TIMEOUT).map_err(cannot_read)?;
            let sent = summary.sent;
            let chosen = page.into_iter().filter(|letter| summary.choose(letter, reason, self.kinds)).collect();
            if let Some(producer) = &producer {
                send(producer, chosen).map_err(|source| ReplayError::Send { sent, source })?;
                letters.commit().map_err(ReplayError::Commit)?;
            }
            if on_page(&summary).is_break() {
                break;
            }
        }
        Ok(summary)
    }
}

impl ReplaySummary {
    /// Returns whether the letter is to be sent.
    fn choose(&mut self, letter: &DeadLetter, reason: Option<&str>, kinds: DeadLetterKinds) -> bool {
        if reason.is_some_and(|reason| !letter.reason.contains(reason)) {
            self.filtered_out += 1;
            return false;
        }
        let mut name = short(&letter.reason);
        if self.reasons.len() >= REASONS_MAX && !self.reasons.contains_key(&name) {
            name = "other reasons".to_owned();
        }
        let send = letter.attempt < ATTEMPTS_MAX && letter.payload.is_complete();
        for counts in
            [self.reasons.entry(name).or_default(), self.kinds.entry(kinds.name_of(&letter.kind)).or_default()]
        {
            match letter.payload.is_complete() {
                _ if send => counts.sent += 1,
                true => counts.kept_tried += 1,
                false => counts.kept_cut += 1,
            }
        }
        *(if send { &mut self.sent } else { &mut self.kept }) += 1;
        send
    }
}

fn short(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

/// Sends letters back and waits for all acknowledgements.
fn send(producer: &Arc<dyn Producer>, letters: Vec<DeadLetter>) -> Result<(), PublishError> {
    let (report, acknowledged) = channel();
    let count = letters.len();
    for DeadLetter { id, payload, attempt, .. } in letters {
        let report = report.clone();
        // After an error the receiver is gone.
        let done = Box::new(move |result| drop(report.send(result)));
        producer.republish(id.as_ref().map(RequestId::as_str), payload.bytes().to_vec(), attempt + 1, done);
    }
    for _ in 0..count {
        let late = |_| Unavailable::transient("no acknowledgement in time");
        acknowledged.recv_timeout(ACKNOWLEDGEMENT_TIMEOUT).map_err(late)??;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
