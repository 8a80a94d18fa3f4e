//! Clients of librdkafka: their errors, their log lines, and the client that talks to a group's coordinator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use crate::{
    delivery::Unavailable,
    runtime::{Mutex, MutexGuard},
};

/// Number of events that are polled after a failed call: they carry its cause.
pub(super) const EVENTS_MAX: usize = 32;
/// The start of librdkafka's error when the token endpoint has given no token.
const NO_TOKEN: &str = "Failed to acquire SASL OAUTHBEARER token";
/// Upper bound on the replaced clients that are being closed, which takes a while. At the bound a client is not
/// replaced.
const CLOSING_MAX: usize = 4;

/// Returns the outage of an error; `doing` is the failed call, as in "cannot commit offsets".
pub(super) fn unavailable(doing: &str, error: &KafkaError) -> Unavailable {
    match error.rdkafka_error_code() {
        Some(code) => unavailable_by_code(doing, code),
        // An error without a code is one of the configuration, which does not change by itself.
        None => Unavailable::needs_operator(format!("{doing}: {error}")),
    }
}

/// Returns the outage of an error's code.
pub(super) fn unavailable_by_code(doing: &str, code: Code) -> Unavailable {
    let (needs_operator, advice) = classify(code);
    Unavailable { reason: format!("{doing}: {code}{advice}"), needs_operator }
}

/// Returns whether an error needs an operator, and the advice to give.
fn classify(code: Code) -> (bool, &'static str) {
    match code {
        Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism => {
            (true, "; check the sasl parameters of the URL")
        }
        Code::SSL => (true, "; check the security parameters of the URL"),
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed | Code::GroupAuthorizationFailed => {
            (true, "; grant this user read and write on topic and group")
        }
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::InvalidTopic => {
            (true, "; create the topic, or check its name")
        }
        // Only members may commit to a group that has members.
        Code::UnknownMemberId | Code::IllegalGeneration => {
            (true, "; another application reads with this group: give one of the two another group")
        }
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::NotImplemented => {
            (true, "; this broker is too old, or uses what this build lacks")
        }
        Code::Resolve => (false, "; the URL or the brokers' advertised.listeners names a host that is not known here"),
        _ => (false, ""),
    }
}

/// Forwards a log line of librdkafka. Most lines are of level debug: librdkafka logs each attempt to connect, and
/// [`crate::delivery::Health`] reports outages already.
pub(super) fn forward_log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    // Operators should know of an offset out of range, and of an option without effect.
    if matches!(facility, "OFFSET" | "CONFWARN") && (level as i32) <= RDKafkaLogLevel::Warning as i32 {
        tracing::warn!("librdkafka: {line}");
    } else {
        tracing::debug!("librdkafka: {facility}: {line}");
    }
}

/// A client's context that captures its last error. Such errors belong to no call, and name the broker.
#[derive(Clone, Default)]
pub(super) struct ErrorCapture(Arc<Mutex<Option<Unavailable>>>);

impl ErrorCapture {
    fn error(&self) -> MutexGuard<'_, Option<Unavailable>> {
        self.0.lock()
    }

    /// Returns the last error.
    pub(super) fn last_error(&self) -> Option<Unavailable> {
        self.error().clone()
    }

    /// Returns the last error and forgets it.
    pub(super) fn take(&self) -> Option<Unavailable> {
        self.error().take()
    }

    /// Returns whether an error is captured.
    pub(super) fn has_error(&self) -> bool {
        self.error().is_some()
    }

    /// Captures an error, unless it sums up others, or is reported elsewhere as the end of a partition and a position
    /// out of range are.
    pub(super) fn capture(&self, error: &KafkaError, reason: &str) {
        use Code::{AllBrokersDown, AutoOffsetReset, PartitionEOF};
        if matches!(error.rdkafka_error_code(), Some(AllBrokersDown | AutoOffsetReset | PartitionEOF)) {
            return;
        }
        // The broker has refused nothing, though the code says so.
        let outage = if reason.starts_with(NO_TOKEN) {
            Unavailable::transient("no token to log in with; see whether the token endpoint of the URL serves")
        } else {
            unavailable("the connection fails", error)
        };
        *self.error() = Some(Unavailable { reason: format!("{}: {reason}", outage.reason), ..outage });
    }
}

impl ClientContext for ErrorCapture {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        forward_log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.capture(&error, reason);
    }
}

impl ConsumerContext for ErrorCapture {}

/// Starts a client that makes calls and reads no messages. Connects to nothing yet.
pub(super) fn start_client(config: &ClientConfig) -> Result<BaseConsumer<ErrorCapture>, Unavailable> {
    config.create_with_context(ErrorCapture::default()).map_err(|error| unavailable("cannot start a client", &error))
}

/// Returns the error that the client has captured, which says more than that a call got no answer; else `error`.
pub(super) fn cause_of(client: &BaseConsumer<ErrorCapture>, error: Unavailable) -> Unavailable {
    (0..EVENTS_MAX).for_each(|_| drop(client.poll(Duration::ZERO)));
    client.context().last_error().unwrap_or(error)
}

/// A client for calls to the group's coordinator, apart from the consumer, and replaced when a call fails.
///
/// librdkafka's connection to a group's coordinator is sometimes not made again after the broker was down: calls then
/// wait in its queue until they time out, for ever (seen with librdkafka 2.12 and a broker that was restarted). A new
/// client makes a new connection, and the consumer is not disturbed.
pub(super) struct CoordinatorClient {
    config: ClientConfig,
    client: Mutex<Option<Arc<BaseConsumer<ErrorCapture>>>>,
    closing: Arc<AtomicUsize>,
}

impl CoordinatorClient {
    pub(super) fn new(config: ClientConfig) -> Self {
        CoordinatorClient { config, client: Mutex::new(None), closing: Arc::default() }
    }

    /// Makes a call, which may block and must have a timeout.
    pub(super) fn call<T>(
        &self,
        call: impl FnOnce(&BaseConsumer<ErrorCapture>) -> Result<T, Unavailable>,
    ) -> Result<T, Unavailable> {
        let client = self.client()?;
        call(&client).map_err(|error| {
            if error.needs_operator {
                return error;
            }
            let cause = cause_of(&client, error);
            self.replace(client);
            cause
        })
    }

    fn client(&self) -> Result<Arc<BaseConsumer<ErrorCapture>>, Unavailable> {
        let mut client = self.client.lock();
        if let Some(client) = &*client {
            return Ok(Arc::clone(client));
        }
        let new = Arc::new(start_client(&self.config)?);
        *client = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Drops the current client, so that the next call starts a new one. The old one is closed on its own thread.
    fn replace(&self, old: Arc<BaseConsumer<ErrorCapture>>) {
        let mut current = self.client.lock();
        let is_current = current.as_ref().is_some_and(|current| Arc::ptr_eq(current, &old));
        if !is_current || self.closing.load(Ordering::Acquire) >= CLOSING_MAX {
            return;
        }
        self.closing.fetch_add(1, Ordering::AcqRel);
        let (retired, closing) = (current.take(), Arc::clone(&self.closing));
        drop(current);
        let close = move || {
            drop((retired, old));
            closing.fetch_sub(1, Ordering::AcqRel);
        };
        // Without a thread it is dropped here.
        let _ = thread::Builder::new().name("kafka-close".into()).spawn(close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_transient_or_need_an_operator() {
        let of = |code| unavailable("cannot read", &KafkaError::MetadataFetch(code));
        for code in [Code::Authentication, Code::TopicAuthorizationFailed, Code::UnknownTopicOrPartition] {
            let error = of(code);
            assert!(error.needs_operator, "{code}");
            assert!(error.reason.starts_with("cannot read: ") && error.reason.contains("; "), "{error}");
        }
        for code in
            [Code::BrokerTransportFailure, Code::OperationTimedOut, Code::NotEnoughReplicas, Code::AllBrokersDown]
        {
            assert!(!of(code).needs_operator, "{code}");
        }
        assert!(unavailable("cannot connect", &KafkaError::ClientCreation("no such mechanism".into())).needs_operator);
    }

    #[test]
    fn a_missing_token_is_no_refusal() {
        let errors = ErrorCapture::default();
        let captured = |reason: &str| {
            errors.capture(&KafkaError::Global(Code::Authentication), reason);
            errors.take().unwrap()
        };
        let missing = captured("Failed to acquire SASL OAUTHBEARER token: Failed to connect to localhost:14293");
        assert!(!missing.needs_operator && missing.reason.contains("see whether the token endpoint"), "{missing}");
        assert!(missing.reason.ends_with("localhost:14293"), "{missing}");
        let refused = captured("a:9092/1: SASL authentication error: {\"status\":\"invalid_token\"}");
        assert!(refused.needs_operator && refused.reason.contains("check the sasl parameters"), "{refused}");
    }
}
