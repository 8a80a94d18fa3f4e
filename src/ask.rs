//! Publishes one request and waits for its answer.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use engine::{
    clock,
    delivery::Unavailable,
    log::{Log, PublishError},
    request::{Malformed, MalformedKind, RequestId},
    runtime::Backoff,
    store::{Lookup, Outcome, Store},
};
use serde_json::{Map, Value};

use crate::{
    domain::Flights,
    request::{self, Field, Request},
};

/// Timeout of the acknowledgement: longer than the producer's own deadline, after which none comes.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shortest and longest pause between two lookups: short at first, because an answer takes milliseconds.
const LOOKUP_PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// There is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The log or the store cannot be used.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log has not acknowledged the request.
    #[error("the request {id} was not acknowledged; it may still land")]
    NotPublished {
        /// The request.
        id: RequestId,
        /// The producer's error.
        #[source]
        source: PublishError,
    },
    /// The store has no outcome yet.
    #[error(
        "there is no answer to {id} after {} s{}",
        waited.as_secs(),
        outage.as_ref().map(|it| format!(": {it}")).unwrap_or_default()
    )]
    NoAnswer {
        /// The request.
        id: RequestId,
        /// The time waited.
        waited: Duration,
        /// The store's outage, if the last lookup failed.
        outage: Option<Unavailable>,
    },
}

/// Decodes a request. A missing `UUID` becomes a random one, and a missing `Timestamp` the time now.
pub fn read_request(bytes: &[u8]) -> Result<Request, Malformed> {
    let malformed = match request::decode(bytes) {
        Ok(mut request) => {
            request.asked_at.get_or_insert_with(|| clock::now().naive_utc());
            return Ok(request);
        }
        Err(malformed) => malformed,
    };
    let lacks_id = malformed.kind == MalformedKind::Field(Field::Uuid.name());
    match serde_json::from_slice::<Map<String, Value>>(bytes) {
        Ok(mut fields) if lacks_id && fields.get(Field::Uuid.name()).is_none_or(Value::is_null) => {
            fields.insert(Field::Uuid.name().to_owned(), RequestId::random().as_str().into());
            read_request(Value::Object(fields).to_string().as_bytes())
        }
        _ => Err(malformed),
    }
}

/// Publishes a request and waits for its outcome.
pub fn ask(log: &dyn Log, store: &dyn Store<Flights>, request: &Request, wait: Duration) -> Result<Outcome, AskError> {
    // Before the request is published: without a store its outcome is unknown.
    let lookup = store.lookup()?;
    let (report, published) = mpsc::sync_channel(1);
    let payload = request::encode(request).into_bytes();
    let done = Box::new(move |result| drop(report.try_send(result)));
    log.producer()?.publish(Some(request.id.as_str()), payload, done);
    let silent = || PublishError::Unavailable(Unavailable::transient("it does not answer"));
    let result = published.recv_timeout(ACKNOWLEDGEMENT_TIMEOUT).unwrap_or_else(|_| Err(silent()));
    result.map_err(|source| AskError::NotPublished { id: request.id.clone(), source })?;
    wait_for(&*lookup, &request.id, wait)
}

/// Polls the store for the outcome of a request until it is there, at most for `wait`. An outage does not end the wait.
pub fn wait_for(lookup: &dyn Lookup, id: &RequestId, wait: Duration) -> Result<Outcome, AskError> {
    let start = Instant::now();
    let mut pauses = Backoff::between(LOOKUP_PAUSES[0], LOOKUP_PAUSES[1]);
    loop {
        let outage = match lookup.find(id.as_str()) {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let left = wait.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(AskError::NoAnswer { id: id.clone(), waited: wait, outage });
        }
        thread::sleep(pauses.next_pause(false).min(left));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const FLIGHT: &str = r#""Carrier":"AA","Origin":"ATL","Dest":"SFO","FlightDate":"2016-12-25""#;

    #[test]
    fn a_missing_uuid_and_timestamp_are_added() {
        let request = read_request(format!("{{{FLIGHT}}}").as_bytes()).unwrap();
        assert_eq!(request.id.as_str().len(), 36);
        assert!(request.asked_at.is_some());
        let own =
            read_request(format!(r#"{{"UUID":"u","Timestamp":"2026-11-23T13:41:32",{FLIGHT}}}"#).as_bytes()).unwrap();
        assert_eq!((own.id.as_str(), own.asked_at.unwrap().to_string().as_str()), ("u", "2026-11-23 13:41:32"));
        for (message, reason) in [
            (r#"{"Carrier":"AA"}"#, "FlightDate: is missing"),
            (r#"{"UUID":7,"FlightDate":"2016-12-25"}"#, "UUID: must be a string, not a number"),
            ("{", "EOF"),
        ] {
            assert!(read_request(message.as_bytes()).unwrap_err().reason.contains(reason));
        }
    }

    /// Fails at first, then has no outcome, then has it.
    struct Slow(AtomicU32);

    impl Lookup for Slow {
        fn find(&self, _: &str) -> Result<Option<Outcome>, Unavailable> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..3 => Err(Unavailable::transient("down")),
                3..6 => Ok(None),
                _ => Ok(Some(Outcome::Rejected("reason".to_owned()))),
            }
        }
    }

    #[test]
    fn outages_and_late_answers_are_awaited_up_to_a_bound() {
        let id = RequestId::new("u").unwrap();
        let found = wait_for(&Slow(AtomicU32::new(0)), &id, Duration::from_secs(60)).unwrap();
        assert_eq!(found, Outcome::Rejected("reason".to_owned()));
        let error = |first| wait_for(&Slow(AtomicU32::new(first)), &id, Duration::ZERO).unwrap_err().to_string();
        assert_eq!(error(3), "there is no answer to u after 0 s");
        assert!(error(0).starts_with("there is no answer to u after 0 s: down"), "{}", error(0));
    }
}
