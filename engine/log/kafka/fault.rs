//! What Kafka's errors mean: whether they pass, or only a person can mend them.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::delivery::Unavailable;

/// The outage that an error stands for; `doing` says what was tried, as in "cannot commit offsets".
pub(super) fn unavailable(doing: &str, error: &KafkaError) -> Unavailable {
    match error.rdkafka_error_code() {
        Some(code) => of_code(doing, code),
        // Without a code it is about the configuration, which does not change by itself.
        None => Unavailable::needs_operator(format!("{doing}: {error}")),
    }
}

/// The outage that an error's code stands for.
pub(super) fn of_code(doing: &str, code: Code) -> Unavailable {
    let (needs_operator, advice) = judge(code);
    Unavailable { reason: format!("{doing}: {code}{advice}"), needs_operator }
}

/// Whether only a person can mend it, and what that person would do.
fn judge(code: Code) -> (bool, &'static str) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_they_pass() {
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
}
