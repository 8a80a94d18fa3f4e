//! Sends messages and tells what became of each; a producer that fails for good is replaced.

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
    message::{DeliveryResult, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
};

use super::{
    context::{complaint, say},
    fault::{of_code, unavailable},
    options::PUBLISH_BYTES_MAX,
};
use crate::{
    delivery::Unavailable,
    log::{Offset, PartitionId, Position, PublishCallback, PublishError},
    runtime::{Backoff, Mutex, Thread},
};

/// The thread waits for acknowledgements this long, then sees whether it should stop.
const EVENTS: Duration = Duration::from_millis(100);
/// What waits when a sender is dropped has this long to land: as long as any message has.
const FLUSH: Duration = Duration::from_secs(5);
/// A dropped sender waits for its thread this long.
const FAREWELL: Duration = Duration::from_secs(6);

/// A message to send.
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) payload: &'a [u8],
    pub(super) headers: Option<OwnedHeaders>,
}

/// A message on its way: its size, and whom to tell. The lock is never waited for; the binding wants to share this.
struct Pending {
    bytes: usize,
    done: Mutex<PublishCallback>,
}

impl Pending {
    fn done(self, result: Result<Position, PublishError>) {
        self.done.into_inner()(result);
    }
}

/// The context of a producer.
#[derive(Default)]
struct Context {
    /// It has had a message acknowledged.
    served: AtomicBool,
    /// The last error that belongs to no message: it says more than that a message was not acknowledged.
    complaint: Mutex<Option<Unavailable>>,
}

impl Context {
    fn outcome(&self, result: &DeliveryResult<'_>, bytes: usize) -> Result<Position, PublishError> {
        let mut complaint = self.complaint.lock();
        match result {
            Ok(message) => {
                *complaint = None;
                self.served.store(true, Ordering::Release);
                let partition = PartitionId(message.partition().cast_unsigned());
                Ok(Position { partition, offset: Offset(message.offset().cast_unsigned()) })
            }
            Err((error, _)) => match error.rdkafka_error_code() {
                // The topic's own bound is lower than ours; what it is, the broker does not say.
                Some(Code::MessageSizeTooLarge) => {
                    Err(PublishError::TooLarge { bytes, bytes_max: bytes.saturating_sub(1) })
                }
                // It tells nothing but that there was no answer.
                Some(code @ Code::MessageTimedOut) => {
                    Err(complaint.clone().unwrap_or_else(|| of_code(DOING, code)).into())
                }
                _ => Err(unavailable(DOING, error).into()),
            },
        }
    }
}

const DOING: &str = "the message was not acknowledged";

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        say(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if let Some(complaint) = complaint(&error, reason) {
            *self.complaint.lock() = Some(complaint);
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Box<Pending>) {
        let outcome = self.outcome(result, pending.bytes);
        pending.done(outcome);
    }
}

/// What the thread and the near end share.
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
            producer.poll(EVENTS);
            match producer.client().fatal_error() {
                Some((_, reason)) if Instant::now() >= replace_at => {
                    self.replace(&reason);
                    replace_at = Instant::now() + backoff.next_pause(false);
                    // Dropping it takes a moment, which nobody who is sending with it right now should spend.
                    while Arc::strong_count(&producer) > 1 && !self.is_current(&producer) {
                        thread::yield_now();
                    }
                }
                None if producer.context().served.load(Ordering::Acquire) => backoff = Backoff::new(),
                _ => {}
            }
        }
        // What does not land in time fails when the producer is dropped, and is told so.
        if let Err(error) = self.producer().flush(FLUSH) {
            tracing::debug!("some messages did not land before the end: {error}");
        }
    }

    fn is_current(&self, producer: &Arc<BaseProducer<Context>>) -> bool {
        Arc::ptr_eq(&self.producer.lock(), producer)
    }

    /// What waits in the old producer fails when this thread, its last owner, drops it.
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

/// Sends messages. What waits is bounded by librdkafka's queue. Dropping it lets what waits land, or fail.
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

    /// Sends a message; returns at once. `done` is called once: when it is acknowledged, or has failed.
    pub(super) fn send(&self, message: Outgoing<'_>, done: PublishCallback) {
        let Outgoing { topic, key, payload, headers } = message;
        let bytes = payload.len();
        if bytes > PUBLISH_BYTES_MAX {
            return done(Err(PublishError::TooLarge { bytes, bytes_max: PUBLISH_BYTES_MAX }));
        }
        let pending = Box::new(Pending { bytes, done: Mutex::new(done) });
        let mut record = BaseRecord::with_opaque_to(topic, pending).payload(payload);
        record.key = key;
        record.headers = headers;
        let producer = self.shared.producer();
        if let Err((error, record)) = producer.send::<str, [u8]>(record) {
            let failure = match error.rdkafka_error_code() {
                Some(Code::MessageSizeTooLarge) => PublishError::TooLarge { bytes, bytes_max: PUBLISH_BYTES_MAX },
                Some(Code::Fatal) => {
                    let (code, reason) = producer.client().fatal_error().unwrap_or((Code::Fatal, String::new()));
                    let judged = of_code("the message cannot be sent", code);
                    Unavailable { reason: format!("{}: {reason}", judged.reason), ..judged }.into()
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
        self.thread.join(FAREWELL);
    }
}
