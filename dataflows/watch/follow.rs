//! The sources that are followed, and the thread that follows one, for a small share of the time.

use std::{
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use engine::{
    delivery::{Health, Unavailable},
    domain::Domain,
    log::{DeadLetter, DeadLetterSpan, DeadLettersFrom, LetterLog, Log, OpenLog},
    runtime::{Backoff, Stop},
    store::{Landed, Page, Store},
};

use super::time::{Time, Timestamp};

/// Upper bound on the rows of a page.
const ROWS_MAX: usize = 10_000;
/// Upper bound on the dead letters of a page: each may have 256 KiB.
const LETTERS_MAX: usize = 64;
/// A page of dead letters of at least this length is followed by another: every log ends a page at 8 MiB or later.
const LETTER_BYTES_MAX: usize = 8 << 20;
/// Timeout of a read of dead letters.
const LETTERS_TIMEOUT: Duration = Duration::from_millis(50);
/// The inverse of the share of the time in which a source is read.
const INVERSE_SHARE: u32 = 20;
/// Least pause before the next read, after the end of the source.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The rows of a page.
pub(super) enum Rows<D: Domain> {
    Answers(Vec<Landed<D>>),
    DeadLetters(LetterLog, Vec<DeadLetter>),
}

/// A message from a follower.
pub(super) enum Update<D: Domain> {
    /// Rows, and the last time at which the end of the source was reached: they landed after it.
    Rows(Rows<D>, Option<Timestamp>),
    /// The end of the source is reached: all rows that landed before this time are read.
    CaughtUp(Timestamp),
}

/// Reads the next page; returns its rows, and true if there are more.
type ReadPage<D> = Box<dyn FnMut() -> Result<(Rows<D>, bool), Unavailable> + Send>;
/// Opens a source.
pub(super) type OpenSource<D> = Box<dyn Fn() -> Result<ReadPage<D>, Unavailable> + Send>;

/// A log of events, which may not be open yet.
#[derive(Clone)]
pub struct EventSource {
    /// Its place, in words.
    pub place: String,
    /// Opens it.
    pub open: Arc<OpenLog>,
}

/// The sources that are followed.
pub struct Sources<D: Domain> {
    /// The store of answers.
    pub store: Arc<dyn Store<D>>,
    /// The log, which has the dead letters.
    pub log: Arc<dyn Log>,
    /// The log of events, if its dead letters are counted.
    pub events: Option<EventSource>,
}

impl<D: Domain> Sources<D> {
    /// Returns for each source its name, its description, and the function that opens it.
    pub(super) fn open(&self, since: DateTime<Utc>) -> Vec<(&'static str, String, OpenSource<D>)> {
        let store = Arc::clone(&self.store);
        let answers = move || -> Result<ReadPage<D>, _> {
            let mut tail = store.tail(since)?;
            Ok(Box::new(move || {
                let Page { rows, more } = tail.next(ROWS_MAX)?;
                Ok((Rows::Answers(rows), more))
            }))
        };
        let log = Arc::clone(&self.log);
        let dead_letters = dead_letters_of(LetterLog::Requests, Arc::new(move || Ok(Arc::clone(&log))), since);
        let mut sources: Vec<(_, _, OpenSource<D>)> = vec![
            ("the store of answers", self.store.describe(), Box::new(answers)),
            ("the dead letters", self.log.describe(), dead_letters),
        ];
        if let Some(EventSource { place, open }) = &self.events {
            let letters = dead_letters_of(LetterLog::Events, Arc::clone(open), since);
            sources.push(("the dead letters of events", place.clone(), letters));
        }
        sources
    }
}

/// Returns the function that opens the dead letters of a log, from a time on.
fn dead_letters_of<D: Domain>(log: LetterLog, open: Arc<OpenLog>, since: DateTime<Utc>) -> OpenSource<D> {
    Box::new(move || {
        let span = DeadLetterSpan { from: DeadLettersFrom::Moment(since), follow: true };
        let mut reader = open()?.read_dead_letters(span)?;
        Ok(Box::new(move || {
            let letters = reader.next(LETTERS_MAX, LETTERS_TIMEOUT)?;
            // Large dead letters end a page early.
            let bytes: usize = letters.iter().map(|letter| letter.payload.bytes().len()).sum();
            let more = letters.len() == LETTERS_MAX || bytes >= LETTER_BYTES_MAX;
            Ok((Rows::DeadLetters(log, letters), more))
        }))
    })
}

/// Follows a source and sends updates with its number, until a stop or until the receiver is dropped. The channel
/// bounds the pages that are read ahead.
pub(super) fn follow<D: Domain>(
    number: usize,
    open: &OpenSource<D>,
    health: &Health,
    time: &Time,
    updates: &SyncSender<(usize, Update<D>)>,
    stop: &Stop,
) {
    let (mut next, mut backoff, mut caught_up_at) = (None, Backoff::new(), None);
    while !stop.is_requested() {
        let (started, read_at) = (Instant::now(), time.now());
        let page = match &mut next {
            None => open().map(|opened| {
                next = Some(opened);
                None
            }),
            Some(next) => next().map(Some),
        };
        let took = started.elapsed();
        let (sent, pause) = match page {
            Ok(None) => continue,
            Ok(Some((rows, more))) => {
                health.serving();
                backoff = Backoff::new();
                let mut sent = updates.send((number, Update::Rows(rows, caught_up_at)));
                if !more {
                    caught_up_at = Some(read_at);
                    sent = sent.and_then(|()| updates.send((number, Update::CaughtUp(read_at))));
                }
                (sent, pause(took, !more))
            }
            Err(error) => {
                health.waiting(&error);
                (Ok(()), backoff.next_pause(error.needs_operator).max(pause(took, true)))
            }
        };
        if sent.is_err() {
            return;
        }
        stop.sleep(pause);
    }
}

/// Returns the pause after a read that has taken `took`.
fn pause(took: Duration, caught_up: bool) -> Duration {
    let rest = took * (INVERSE_SHARE - 1);
    if caught_up { rest.max(POLL_INTERVAL) } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_5_a_source_is_read_for_a_small_share_of_the_time() {
        let ms = Duration::from_millis;
        assert_eq!(pause(ms(10), false), ms(190));
        assert_eq!(pause(ms(10), true), POLL_INTERVAL);
        assert_eq!(pause(ms(500), true), ms(9500));
    }
}
