//! One request, from its publication to its answer.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};

use crate::{
    clock,
    delivery::Unavailable,
    domain::Flights,
    log::{Log, PublishError},
    request::{self, Malformed, MalformedKind, Request, RequestId},
    runtime::Backoff,
    store::{Lookup, Outcome, Store},
};

/// An acknowledgement that takes longer than the producer's own deadline never comes.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses between two looks at the store: short at first, because an answer takes milliseconds.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

/// Why there is no outcome.
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
        /// Why.
        #[source]
        source: PublishError,
    },
    /// The store has no outcome yet.
    #[error("there is no answer to {id} after {} s{}", waited.as_secs(), outage.as_ref().map(|it| format!(": {it}")).unwrap_or_default())]
    NoAnswer {
        /// The request.
        id: RequestId,
        /// Time that was waited.
        waited: Duration,
        /// The store's outage, if it did not answer in the end.
        outage: Option<Unavailable>,
    },
}

/// Reads a request that may leave out its `UUID`, and then gets a random one, and its `Timestamp`, which then is now.
pub fn read_request(bytes: &[u8]) -> Result<Request, Malformed> {
    let malformed = match request::decode(bytes) {
        Ok(mut request) => {
            request.asked_at.get_or_insert_with(|| clock::now().naive_utc());
            return Ok(request);
        }
        Err(malformed) => malformed,
    };
    let lacks_id = malformed.kind == MalformedKind::Field("UUID");
    match serde_json::from_slice::<Map<String, Value>>(bytes) {
        Ok(mut fields) if lacks_id && fields.get("UUID").is_none_or(Value::is_null) => {
            fields.insert("UUID".to_owned(), RequestId::random().as_str().into());
            read_request(Value::Object(fields).to_string().as_bytes())
        }
        _ => Err(malformed),
    }
}

/// Publishes a request and waits for its outcome.
pub fn ask(log: &dyn Log, store: &dyn Store<Flights>, request: &Request, wait: Duration) -> Result<Outcome, AskError> {
    // Before anything is published: without a store the outcome cannot be told.
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

/// Looks for the outcome of a request until it is there, or for so long. An outage of the store is waited out.
pub fn wait_for(lookup: &dyn Lookup, id: &RequestId, wait: Duration) -> Result<Outcome, AskError> {
    let start = Instant::now();
    let mut pauses = Backoff::between(LOOK_AGAIN[0], LOOK_AGAIN[1]);
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
    fn a_request_gets_what_it_leaves_out() {
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

    /// Fails first, then knows nothing, then has the outcome.
    struct Slow(AtomicU32);

    impl Lookup for Slow {
        fn find(&self, _: &str) -> Result<Option<Outcome>, Unavailable> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..3 => Err(Unavailable::transient("down")),
                3..6 => Ok(None),
                _ => Ok(Some(Outcome::Rejected("told".to_owned()))),
            }
        }
    }

    #[test]
    fn an_outage_and_a_late_answer_are_waited_for_up_to_a_bound() {
        let id = RequestId::new("u").unwrap();
        let found = wait_for(&Slow(AtomicU32::new(0)), &id, Duration::from_secs(60)).unwrap();
        assert_eq!(found, Outcome::Rejected("told".to_owned()));
        let told = |first| wait_for(&Slow(AtomicU32::new(first)), &id, Duration::ZERO).unwrap_err().to_string();
        assert_eq!(told(3), "there is no answer to u after 0 s");
        assert!(told(0).starts_with("there is no answer to u after 0 s: down"), "{}", told(0));
    }
}
