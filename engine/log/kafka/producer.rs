//! Produces messages, with a delivery callback for each; librdkafka's producer is replaced after a fatal error.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

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
};
use crate::{
    delivery::Unavailable,
    log::{Offset, PartitionId, Position, Producer, PublishCallback, PublishError},
    runtime::{Backoff, Mutex, Thread},
};

/// The header with the number of times that a message was replayed; without it, never.
pub(super) const ATTEMPT_HEADER: &str = "delaycast-attempt";
/// Time for which acknowledgements are polled before the thread checks for its end.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// Time for which queued messages are flushed at the end: the deadline of any message.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for which a dropped sender waits for its thread.
const JOIN_TIMEOUT: Duration = Duration::from_secs(6);

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
    /// The last error of the connection: it says more than that a message was not acknowledged.
    errors: ErrorCapture,
}

impl Context {
    fn outcome(&self, result: &DeliveryResult<'_>, bytes: usize) -> Result<Position, PublishError> {
        match result {
            Ok(message) => {
                self.errors.take();
                self.has_delivered.store(true, Ordering::Release);
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
                    Err(self.errors.last_error().unwrap_or_else(|| unavailable_by_code(NOT_ACKNOWLEDGED, code)).into())
                }
                _ => Err(unavailable(NOT_ACKNOWLEDGED, error).into()),
            },
        }
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
}

impl Shared {
    fn producer(&self) -> Arc<BaseProducer<Context>> {
        Arc::clone(&self.producer.lock())
    }

    fn run(&self) {
        let (mut backoff, mut replace_at) = (Backoff::new(), Instant::now());
        while !self.stop.load(Ordering::Acquire) {
            let producer = self.producer();
            producer.poll(POLL_TIMEOUT);
            match producer.client().fatal_error() {
                Some((_, reason)) if Instant::now() >= replace_at => {
                    self.replace(&reason);
                    replace_at = Instant::now() + backoff.next_pause(false);
                    // Dropping the producer takes a moment: this thread is to do it, not a caller of `send`.
                    while Arc::strong_count(&producer) > 1 && !self.is_current(&producer) {
                        thread::yield_now();
                    }
                }
                None if producer.context().has_delivered.load(Ordering::Acquire) => backoff = Backoff::new(),
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
                tracing::warn!("librdkafka's producer has failed for good, and a new one takes its place: {reason}");
                *self.producer.lock() = Arc::new(new);
            }
            Err(error) => tracing::warn!("librdkafka's producer has failed for good, and cannot be replaced: {error}"),
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
        let producer = Mutex::new(Arc::new(create(&config)?));
        let shared = Arc::new(Shared { config, producer, stop: AtomicBool::new(false) });
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
}
