//! Looks answers up in an output topic: the latest of them are kept in memory.
//!
//! A thread reads the topic from the earliest message on. The first message of a request is its outcome, as in a store.
//! Once the outcomes take [`LATEST_BYTES_MAX`], the oldest are forgotten.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    delivery::{Health, Unavailable},
    log::{Log, Message, Reader, Share, Start},
    runtime::{JOIN_TIMEOUT, Mutex, Stop, Thread},
    store::{Lookup, Outcome},
};

/// Upper bound on the bytes of the outcomes that are kept, ids included.
pub const LATEST_BYTES_MAX: usize = 128 << 20;
/// Messages of a poll.
const POLL_MAX: usize = 2048;
/// Interval between two looks at whether to stop.
const STOP_INTERVAL: Duration = Duration::from_millis(100);
/// Timeout of the reader's end. It commits nothing.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The field that a rejection has and no answer.
const REJECTED_AT: &str = "RejectedAt";

/// The latest outcomes of a topic. The thread that reads them ends when it is dropped.
pub(super) struct Latest {
    outcomes: Arc<Mutex<Outcomes>>,
    health: Arc<Health>,
    stop: Stop,
    thread: Thread,
}

impl Latest {
    /// Begins to read a topic, and keeps at most so many bytes.
    pub(super) fn of(log: Arc<dyn Log>, bytes_max: usize) -> Result<Self, Unavailable> {
        let outcomes = Arc::new(Mutex::new(Outcomes { bytes_max, ..Outcomes::default() }));
        let (health, stop) = (Arc::new(Health::new(log.describe())), Stop::default());
        let thread = {
            let (outcomes, health, stop) = (Arc::clone(&outcomes), Arc::clone(&health), stop.clone());
            let read = move || read(&*log, &outcomes, &health, &stop);
            Thread::spawn("answers-topic", read).map_err(Unavailable::transient)?
        };
        Ok(Latest { outcomes, health, stop, thread })
    }
}

impl Drop for Latest {
    fn drop(&mut self) {
        self.stop.request();
        self.thread.join(JOIN_TIMEOUT);
    }
}

impl Lookup for Latest {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        let found = self.outcomes.lock().by_id.get(id).cloned();
        match (found, self.health.outage()) {
            (Some(message), _) => outcome_of(&message).map(Some),
            (None, None) => Ok(None),
            (None, Some(outage)) => Err(Unavailable { reason: outage.reason, needs_operator: outage.needs_operator }),
        }
    }
}

/// Reads until a stop is requested. The reader itself waits while the log is unavailable.
fn read(log: &dyn Log, outcomes: &Mutex<Outcomes>, health: &Arc<Health>, stop: &Stop) {
    let (wake, woken) = mpsc::sync_channel(1);
    let open = || {
        let wake = wake.clone();
        // A full channel has a wake already.
        log.reader(Share::ALL, Start::Earliest, Arc::new(move || _ = wake.try_send(())), Arc::clone(health))
    };
    let Some(mut reader) = health.retry(stop, open) else { return };
    let mut messages = Vec::with_capacity(POLL_MAX);
    while !stop.is_requested() {
        // A timeout is no end: the reader wakes when there is something.
        let _ = woken.recv_timeout(STOP_INTERVAL);
        take(&mut *reader, &mut messages, outcomes, stop);
    }
    // Nothing is committed, so nothing is lost by a timeout.
    let _ = reader.close(Instant::now() + CLOSE_TIMEOUT);
}

fn take(reader: &mut dyn Reader, messages: &mut Vec<Message>, outcomes: &Mutex<Outcomes>, stop: &Stop) {
    let mut more = true;
    while more && !stop.is_requested() {
        more = reader.poll(POLL_MAX, messages);
        let mut outcomes = outcomes.lock();
        for message in messages.drain(..) {
            outcomes.take(message.payload.bytes());
        }
    }
}

/// The part of a message by which it is found.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow, rename = "UUID")]
    id: Cow<'a, str>,
}

#[derive(Default)]
struct Outcomes {
    by_id: HashMap<Arc<str>, Arc<[u8]>>,
    oldest_first: VecDeque<Arc<str>>,
    bytes: usize,
    bytes_max: usize,
}

impl Outcomes {
    /// Keeps a message, unless its request has one. What is no outcome is left out: others may write to the topic.
    fn take(&mut self, message: &[u8]) {
        let Ok(Id { id }) = serde_json::from_slice(message) else { return };
        let id: Arc<str> = Arc::from(id);
        let Entry::Vacant(place) = self.by_id.entry(Arc::clone(&id)) else { return };
        self.bytes += id.len() + message.len();
        place.insert(Arc::from(message));
        self.oldest_first.push_back(id);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.oldest_first.pop_front() else { return };
            let forgotten = self.by_id.remove(&oldest).map_or(0, |message| message.len());
            self.bytes -= oldest.len() + forgotten;
        }
    }
}

fn outcome_of(message: &[u8]) -> Result<Outcome, Unavailable> {
    let mut document: Map<String, Value> = serde_json::from_slice(message).map_err(|error| {
        Unavailable::needs_operator(format!("a message of the output topic is no document: {error}"))
    })?;
    if !document.contains_key(REJECTED_AT) {
        return Ok(Outcome::Answered(document));
    }
    match document.remove("Reason") {
        Some(Value::String(reason)) => Ok(Outcome::Rejected(reason)),
        _ => Ok(Outcome::Rejected(String::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_outcomes_are_forgotten_at_the_bound_and_other_messages_left_out() {
        let message = |id: &str| format!(r#"{{"UUID":"{id}","N":"0123456789"}}"#).into_bytes();
        let size = message("a").len() + 1;
        let mut outcomes = Outcomes { bytes_max: 3 * size, ..Outcomes::default() };
        for id in ["a", "b", "b", "c", "d"] {
            outcomes.take(&message(id));
            outcomes.take(br#"{"Other": 1}"#);
            outcomes.take(b"\xff no JSON");
        }
        let kept = |id: &str| outcomes.by_id.contains_key(id);
        assert_eq!(["a", "b", "c", "d"].map(kept), [false, true, true, true]);
        assert_eq!((outcomes.bytes, outcomes.oldest_first.len()), (3 * size, 3));
        outcomes.take(&[message("e"), vec![b' '; 4 * size]].concat());
        assert_eq!((outcomes.bytes, outcomes.by_id.len()), (0, 0), "larger than all room");
    }
}
