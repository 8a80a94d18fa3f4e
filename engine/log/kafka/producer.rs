//! Produces messages, with a delivery callback for each: requests, and dead letters to a topic beside theirs.
//! librdkafka's producer is replaced after a fatal error, and when it acknowledges nothing for a while: it may have
//! forgotten all brokers, for ever, when one that had just started named none (librdkafka's issue 5301).
//!
//! A dead letter is a message: its value the record's bytes (truncated as in [`crate::log::Payload`]), its key the
//! record's position `topic/partition/offset`, its headers the rest, as text: `reason`, `kind` (the name of its
//! [`crate::log::DeadLetterReason`]), `topic`, `partition`, `offset`, `found_at` (RFC 3339, UTC), `length` (of the
//! whole record, bytes), `sha256` (of the whole record, hexadecimal), and `id`, if it could be read; `topic_id`, if
//! topics have ids; and `delaycast-attempt`, if it had been replayed before. It is written at least once. Key and
//! `topic_id` together are its identity: a recreated topic has the same positions.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

use chrono::SecondsFormat;
use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
};

use super::{
    client::{ErrorCapture, forward_log, unavailable, unavailable_by_code},
    config::PUBLISH_BYTES_MAX,
    topic::{self, dead_letter_topic},
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    log::{DeadLetter, Headers, Offset, PartitionId, Position, Producer, PublishCallback, PublishError, TopicOptions},
    runtime::{Backoff, Mutex, Thread, hex},
};

/// The header with the number of times that a message was replayed; without it, never.
pub(super) const ATTEMPT_HEADER: &str = "delaycast-attempt";
/// Time for which acknowledgements are polled before the thread checks for its end.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// Time for which queued messages are flushed at the end: the deadline of any message.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for which a dropped sender waits for its thread.
const JOIN_TIMEOUT: Duration = Duration::from_secs(6);
/// The header with the id of the record's topic, if topics have ids.
pub(super) const TOPIC_ID_HEADER: &str = "topic_id";
/// Upper bound on the dead letters in flight: with 256 KiB each, well within a producer's queue.
const IN_FLIGHT_MAX: usize = 64;
/// Time within which each of them is acknowledged or has failed.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(7);

/// Time without an acknowledgement, while messages fail, after which a producer is replaced; it doubles each time,
const STUCK_AFTER: Duration = Duration::from_secs(15);
/// up to this.
const STUCK_AFTER_MAX: Duration = Duration::from_secs(240);

/// A message to send.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) payload: &'a [u8],
    pub(super) headers: Option<OwnedHeaders>,
}

/// A message in flight: its size and its callback. The lock is never contended; the binding requires `Sync`.
struct InFlight {
    bytes: usize,
    done: Mutex<PublishCallback>,
}

impl InFlight {
    fn done(self, result: Result<Position, PublishError>) {
        self.done.into_inner()(result);
    }
}

/// The context of a producer.
#[derive(Default)]
struct Context {
    /// True once a message was acknowledged.
    has_delivered: AtomicBool,
    /// The time of the first message that was not acknowledged, if none was since.
    failing_since: Mutex<Option<Instant>>,
    /// The last error of the connection: it says more than that a message was not acknowledged.
    errors: ErrorCapture,
}

impl Context {
    fn outcome(&self, result: &DeliveryResult<'_>, bytes: usize) -> Result<Position, PublishError> {
        match result {
            Ok(message) => {
                self.errors.take();
                self.has_delivered.store(true, Ordering::Release);
                *self.failing_since.lock() = None;
                let partition = PartitionId(message.partition().cast_unsigned());
                Ok(Position { partition, offset: Offset(message.offset().cast_unsigned()) })
            }
            Err((error, _)) => match error.rdkafka_error_code() {
                // The topic's bound is lower than ours; the broker does not tell it.
                Some(Code::MessageSizeTooLarge) => {
                    Err(PublishError::TooLarge { bytes, bytes_max: bytes.saturating_sub(1) })
                }
                // A timeout has no cause of its own.
                Some(code @ Code::MessageTimedOut) => {
                    self.failing_since.lock().get_or_insert_with(Instant::now);
                    Err(self.errors.last_error().unwrap_or_else(|| unavailable_by_code(NOT_ACKNOWLEDGED, code)).into())
                }
                _ => Err(unavailable(NOT_ACKNOWLEDGED, error).into()),
            },
        }
    }
}

impl Context {
    /// Returns whether messages have failed for this long, and none was acknowledged.
    fn is_stuck(&self, after: Duration) -> bool {
        self.failing_since.lock().is_some_and(|since| since.elapsed() >= after)
    }
}

const NOT_ACKNOWLEDGED: &str = "the message was not acknowledged";

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        forward_log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.errors.capture(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<InFlight>;

    fn delivery(&self, result: &DeliveryResult<'_>, message: Box<InFlight>) {
        let outcome = self.outcome(result, message.bytes);
        message.done(outcome);
    }
}

/// The state that the sender and its thread share.
struct Shared {
    config: ClientConfig,
    producer: Mutex<Arc<BaseProducer<Context>>>,
    stop: AtomicBool,
    /// [`STUCK_AFTER`].
    stuck_after: Duration,
}

impl Shared {
    fn producer(&self) -> Arc<BaseProducer<Context>> {
        Arc::clone(&self.producer.lock())
    }

    fn run(&self) {
        let (mut backoff, mut replace_at, mut stuck_after) = (Backoff::new(), Instant::now(), self.stuck_after);
        while !self.stop.load(Ordering::Acquire) {
            let producer = self.producer();
            producer.poll(POLL_TIMEOUT);
            let failure = match producer.client().fatal_error() {
                Some((_, reason)) => Some(format!("it has failed for good: {reason}")),
                None if producer.context().is_stuck(stuck_after) => {
                    stuck_after = (stuck_after * 2).min(STUCK_AFTER_MAX);
                    Some("it has acknowledged nothing for a while".to_owned())
                }
                None => None,
            };
            match failure {
                Some(reason) if Instant::now() >= replace_at => {
                    self.replace(&reason);
                    replace_at = Instant::now() + backoff.next_pause(false);
                    // Dropping the producer takes a moment: this thread is to do it, not a caller of `send`.
                    while Arc::strong_count(&producer) > 1 && !self.is_current(&producer) {
                        thread::yield_now();
                    }
                }
                None if producer.context().has_delivered.load(Ordering::Acquire) => {
                    (backoff, stuck_after) = (Backoff::new(), self.stuck_after);
                }
                _ => {}
            }
        }
        // Messages that are not delivered in time fail when the producer is dropped.
        if let Err(error) = self.producer().flush(FLUSH_TIMEOUT) {
            tracing::debug!("some messages did not land before the end: {error}");
        }
    }

    fn is_current(&self, producer: &Arc<BaseProducer<Context>>) -> bool {
        Arc::ptr_eq(&self.producer.lock(), producer)
    }

    /// Replaces the producer. Its queued messages fail when this thread, its last owner, drops it.
    fn replace(&self, reason: &str) {
        match create(&self.config) {
            Ok(new) => {
                tracing::warn!("a new producer of librdkafka takes the place of the former: {reason}");
                *self.producer.lock() = Arc::new(new);
            }
            Err(error) => tracing::warn!("librdkafka's producer cannot be replaced: {error}; {reason}"),
        }
    }
}

fn create(config: &ClientConfig) -> Result<BaseProducer<Context>, Unavailable> {
    config.create_with_context(Context::default()).map_err(|error| unavailable("cannot start a producer", &error))
}

/// Sends messages. librdkafka's queue is bounded. Dropping the sender flushes it.
pub(super) struct Sender {
    shared: Arc<Shared>,
    thread: Thread,
}

impl Sender {
    pub(super) fn start(config: ClientConfig) -> Result<Self, Unavailable> {
        Self::start_with(config, STUCK_AFTER)
    }

    fn start_with(config: ClientConfig, stuck_after: Duration) -> Result<Self, Unavailable> {
        let producer = Mutex::new(Arc::new(create(&config)?));
        let shared = Arc::new(Shared { config, producer, stop: AtomicBool::new(false), stuck_after });
        let sender = Arc::clone(&shared);
        let thread = Thread::spawn("kafka-write", move || sender.run())
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        Ok(Sender { shared, thread })
    }

    /// Sends a message; returns at once. `done` is called once, when the message is acknowledged or has failed.
    pub(super) fn send(&self, message: Outgoing<'_>, done: PublishCallback) {
        let Outgoing { topic, key, payload, headers } = message;
        let bytes = payload.len();
        if bytes > PUBLISH_BYTES_MAX {
            return done(Err(PublishError::TooLarge { bytes, bytes_max: PUBLISH_BYTES_MAX }));
        }
        let in_flight = Box::new(InFlight { bytes, done: Mutex::new(done) });
        let mut record = BaseRecord::with_opaque_to(topic, in_flight).payload(payload);
        record.key = key;
        record.headers = headers;
        let producer = self.shared.producer();
        if let Err((error, record)) = producer.send::<str, [u8]>(record) {
            let failure = match error.rdkafka_error_code() {
                Some(Code::MessageSizeTooLarge) => PublishError::TooLarge { bytes, bytes_max: PUBLISH_BYTES_MAX },
                Some(Code::Fatal) => {
                    let (code, reason) = producer.client().fatal_error().unwrap_or((Code::Fatal, String::new()));
                    let outage = unavailable_by_code("the message cannot be sent", code);
                    Unavailable { reason: format!("{}: {reason}", outage.reason), ..outage }.into()
                }
                Some(Code::QueueFull) => Unavailable::transient("too many messages wait to be sent").into(),
                _ => unavailable("the message cannot be sent", &error).into(),
            };
            record.delivery_opaque.done(Err(failure));
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.join(JOIN_TIMEOUT);
    }
}

/// The producer of requests.
pub(super) struct KafkaProducer {
    pub(super) sender: Sender,
    pub(super) topic: String,
}

impl Producer for KafkaProducer {
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: PublishCallback) {
        let header = || OwnedHeaders::new().insert(Header { key: ATTEMPT_HEADER, value: Some(&attempt.to_string()) });
        let headers = (attempt > 0).then(header);
        self.sender.send(Outgoing { topic: &self.topic, key, payload: &payload, headers }, done);
    }

    fn publish_with(&self, key: Option<&str>, payload: Vec<u8>, headers: Headers, done: PublishCallback) {
        let with = |all: OwnedHeaders, (name, value): &(&str, String)| {
            all.insert(Header { key: name, value: Some(value.as_str()) })
        };
        let headers = (!headers.is_empty()).then(|| headers.iter().fold(OwnedHeaders::new(), with));
        self.sender.send(Outgoing { topic: &self.topic, key, payload: &payload, headers }, done);
    }
}

/// The writer of the dead letters of one topic.
pub(super) struct DeadLetterWriter {
    pub(super) sender: Sender,
    pub(super) requests: String,
    pub(super) topic: String,
    /// The configuration of the client that creates the topic.
    pub(super) admin_config: ClientConfig,
    /// True if the topic exists, or if an operator has to create it.
    pub(super) is_topic_settled: bool,
}

impl DeadLetterWriter {
    /// Creates the topic if it is missing: many brokers do not create topics by themselves. A user that may not create
    /// it may still write to it, so a failure is only logged.
    fn create_topic(&mut self) {
        if self.is_topic_settled {
            return;
        }
        let created = topic::create(&self.admin_config, &[dead_letter_topic(&self.topic, &TopicOptions::default())]);
        self.is_topic_settled = created.as_ref().is_ok() || created.as_ref().is_err_and(|error| error.needs_operator);
        if let Err(error) = created {
            tracing::warn!("{error}");
        }
    }

    fn send_all(&self, letters: &[DeadLetter], first: usize, refusals: &mut Vec<Refusal>) -> Result<(), Unavailable> {
        let (report, reports) = sync_channel(letters.len());
        for (index, letter) in letters.iter().enumerate() {
            let report = report.clone();
            let key = key(&self.requests, letter);
            let headers = headers(&self.requests, letter).iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
                headers.insert(Header { key: name, value: Some(value.as_str()) })
            });
            let (payload, headers) = (letter.payload.bytes(), Some(headers));
            let outgoing = Outgoing { topic: &self.topic, key: Some(&key), payload, headers };
            // The channel has room for each result, and after an error its receiver is gone.
            self.sender.send(outgoing, Box::new(move |result| drop(report.try_send((index, result)))));
        }
        for _ in letters {
            match reports.recv_timeout(DELIVERY_TIMEOUT) {
                Ok((_, Ok(_))) => {}
                Ok((index, Err(error @ PublishError::TooLarge { .. }))) => {
                    refusals.push(Refusal { row: first + index, reason: error.to_string() });
                }
                Ok((_, Err(PublishError::Unavailable(error)))) => {
                    return Err(Unavailable { reason: format!("topic {}: {}", self.topic, error.reason), ..error });
                }
                Err(_) => return Err(Unavailable::transient(format!("topic {}: no answer", self.topic))),
            }
        }
        Ok(())
    }
}

impl Writer<DeadLetter> for DeadLetterWriter {
    fn write(&mut self, letters: &[DeadLetter]) -> Result<Vec<Refusal>, Unavailable> {
        self.create_topic();
        let mut refusals = Vec::new();
        for (chunk, some) in letters.chunks(IN_FLIGHT_MAX).enumerate() {
            self.send_all(some, chunk * IN_FLIGHT_MAX, &mut refusals)?;
        }
        Ok(refusals)
    }
}

fn key(requests: &str, letter: &DeadLetter) -> String {
    format!("{requests}/{}/{}", letter.position.partition.0, letter.position.offset.0)
}

fn headers(requests: &str, letter: &DeadLetter) -> Vec<(&'static str, String)> {
    let DeadLetter { position, id, reason, kind, payload, found_at, attempt, topic_id } = letter;
    let mut headers = vec![
        ("reason", reason.clone()),
        ("kind", kind.name().to_owned()),
        ("topic", requests.to_owned()),
        ("partition", position.partition.0.to_string()),
        ("offset", position.offset.0.to_string()),
        ("found_at", found_at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ("length", payload.len().to_string()),
        ("sha256", hex::encode(payload.sha256())),
    ];
    headers.extend(id.as_ref().map(|id| ("id", id.as_str().to_owned())));
    headers.extend(topic_id.map(|id| (TOPIC_ID_HEADER, id.to_string())));
    headers.extend((*attempt > 0).then(|| (ATTEMPT_HEADER, attempt.to_string())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{DEAD_LETTER_BYTES_MAX, TopicId, promises::dead_letter};

    #[test]
    fn a_producer_that_delivers_nothing_is_replaced() {
        let mut config = ClientConfig::new();
        // Nobody listens there.
        config.set("bootstrap.servers", "127.0.0.1:9").set("message.timeout.ms", "200");
        let sender = Sender::start_with(config, Duration::from_millis(300)).unwrap();
        let first = sender.shared.producer();
        let (report, reports) = sync_channel(1000);
        let start = Instant::now();
        while sender.shared.is_current(&first) {
            assert!(start.elapsed() < Duration::from_secs(60), "it is not replaced");
            let report = report.clone();
            let message = Outgoing { topic: "requests", key: None, payload: b"{}", headers: None };
            let done = move |result: Result<Position, PublishError>| {
                // The channel has room for each result.
                let _ = report.try_send(result.is_err());
            };
            sender.send(message, Box::new(done));
            thread::sleep(Duration::from_millis(50));
        }
        // Its thread drops it when it is the last to have it, and all messages fail.
        drop((first, report, sender));
        let failed: Vec<bool> = reports.iter().collect();
        assert!(!failed.is_empty() && failed.into_iter().all(|failed| failed));
    }

    #[test]
    fn headers_carry_all_fields_but_the_payload() {
        let letter = dead_letter(7, b"abc".to_vec());
        // printf abc | sha256sum
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = [
            ("reason", "Colour: is missing"),
            ("kind", "Colour"),
            ("topic", "requests"),
            ("partition", "1"),
            ("offset", "7"),
            ("found_at", "2023-11-14T22:13:20.123Z"),
            ("length", "3"),
            ("sha256", sha256),
            ("id", "id 7"),
        ];
        assert_eq!(headers("requests", &letter), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(key("requests", &letter), "requests/1/7");
        let of_a_topic = DeadLetter { topic_id: Some(TopicId([0; 16])), ..letter };
        assert_eq!(key("requests", &of_a_topic), "requests/1/7", "other programs read it");
        assert!(headers("requests", &of_a_topic).contains(&("topic_id", "AAAAAAAAAAAAAAAAAAAAAA".to_owned())));

        let mut anonymous = dead_letter(7, vec![0; DEAD_LETTER_BYTES_MAX + 5]);
        anonymous.id = None;
        let headers = headers("requests", &anonymous);
        assert!(headers.iter().all(|(name, _)| *name != "id"));
        assert!(headers.contains(&("length", (DEAD_LETTER_BYTES_MAX + 5).to_string())));
    }
}
