//! Committed offsets with their metadata.
//!
//! Kafka keeps a string with each committed offset, its metadata. This group's is `delaycast topic=ID at=SECONDS`: the
//! id of the topic that the offset was read in, and the Unix time of the commit. Unknown fields are ignored, so that
//! later versions can add some. Other clients commit without metadata, or with their own.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use rdkafka::{
    Offset as KafkaOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
};

use super::{client::unavailable, config::CALL_TIMEOUT};
use crate::{
    clock,
    delivery::Unavailable,
    log::{Offset, PartitionId, TopicId},
};

/// Timeout of the first try of a call that is made again.
const FIRST_TIMEOUT: Duration = Duration::from_millis(250);
/// The first word of the metadata of an offset that this program has committed.
const METADATA_PREFIX: &str = "delaycast";

/// The metadata of a committed offset; both fields are `None` if another client has committed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OffsetMetadata {
    /// The topic that the offset was read in.
    pub(super) topic: Option<TopicId>,
    /// The time of the commit, by the clock of the scorer.
    pub(super) at: Option<DateTime<Utc>>,
}

impl OffsetMetadata {
    /// Returns the metadata of a commit that is made now.
    pub(super) fn now(topic: Option<TopicId>) -> Self {
        OffsetMetadata { topic, at: Some(clock::now()) }
    }

    /// Parses the metadata of any client.
    pub(super) fn parse(metadata: &str) -> Self {
        let mut parsed = OffsetMetadata::default();
        let mut words = metadata.split_ascii_whitespace();
        if words.next() != Some(METADATA_PREFIX) {
            return parsed;
        }
        for word in words {
            match word.split_once('=') {
                Some(("topic", id)) => parsed.topic = TopicId::parse(id),
                Some(("at", seconds)) => {
                    parsed.at = seconds.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                }
                _ => {}
            }
        }
        parsed
    }

    /// Returns the string that Kafka keeps.
    pub(super) fn encode(&self) -> String {
        let topic = self.topic.map(|id| format!(" topic={id}")).unwrap_or_default();
        let at = self.at.map(|at| format!(" at={}", at.timestamp())).unwrap_or_default();
        format!("{METADATA_PREFIX}{topic}{at}")
    }

    /// Returns whether the offset is known to belong to another topic than that of this id.
    pub(super) fn is_of_another_topic(&self, id: Option<TopicId>) -> bool {
        matches!((self.topic, id), (Some(own), Some(id)) if own != id)
    }
}

/// An offset that a group has committed in a partition, and its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommittedOffset {
    pub(super) offset: Offset,
    pub(super) metadata: OffsetMetadata,
}

/// Returns the committed offsets of the client's group in these partitions. Blocks, [`CALL_TIMEOUT`] at most.
pub(super) fn committed<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topic: &str,
    group: &str,
    partitions: &[PartitionId],
) -> Result<BTreeMap<PartitionId, CommittedOffset>, Unavailable> {
    let failed = |error: KafkaError| unavailable(&format!("cannot learn the offsets of group {group}"), &error);
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(topic, partition.0.cast_signed());
    }
    let mut committed = BTreeMap::new();
    let found = with_growing_timeouts(|timeout| client.committed_offsets(list.clone(), timeout)).map_err(failed)?;
    for element in found.elements() {
        element.error().map_err(failed)?;
        if let KafkaOffset::Offset(offset) = element.offset() {
            let (offset, metadata) = (Offset(offset.cast_unsigned()), OffsetMetadata::parse(element.metadata()));
            committed.insert(PartitionId(element.partition().cast_unsigned()), CommittedOffset { offset, metadata });
        }
    }
    Ok(committed)
}

/// Makes a call that times out again, with twice the timeout, up to [`CALL_TIMEOUT`] in all.
///
/// librdkafka waits for a change of a broker's state if it does not know the group's coordinator yet. It misses the
/// change that happens between its look and its wait, and waits until the timeout (`rd_kafka_committed`, 2.12.1).
fn with_growing_timeouts<T>(mut call: impl FnMut(Duration) -> KafkaResult<T>) -> KafkaResult<T> {
    let (mut timeout, mut rest) = (FIRST_TIMEOUT, CALL_TIMEOUT);
    loop {
        // The last one gets the rest, too.
        timeout = if rest < 3 * timeout { rest } else { timeout };
        rest -= timeout;
        match call(timeout) {
            Err(error) if !rest.is_zero() && error.rdkafka_error_code() == Some(Code::OperationTimedOut) => {
                timeout *= 2
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_times_out_is_made_again_with_twice_the_timeout_within_that_of_all() {
        let failing = |code, succeeds_at: usize| {
            let mut timeouts = Vec::new();
            let result = with_growing_timeouts(|timeout| {
                timeouts.push(timeout.as_millis());
                if timeouts.len() == succeeds_at { Ok(()) } else { Err(KafkaError::OffsetFetch(code)) }
            });
            (result, timeouts)
        };
        let timed_out = Err(KafkaError::OffsetFetch(Code::OperationTimedOut));
        assert_eq!(failing(Code::OperationTimedOut, 2), (Ok(()), vec![250, 500]));
        assert_eq!(failing(Code::OperationTimedOut, 0), (timed_out, vec![250, 500, 1000, 2250]));
        let refused = Err(KafkaError::OffsetFetch(Code::GroupAuthorizationFailed));
        assert_eq!(failing(Code::GroupAuthorizationFailed, 2), (refused, vec![250]), "an answer is no timeout");
    }

    #[test]
    fn metadata_round_trip_and_those_of_other_clients_are_ignored() {
        let id = TopicId([7; 16]);
        let own = OffsetMetadata { topic: Some(id), at: DateTime::from_timestamp(1_700_000_000, 0) };
        assert_eq!(own.encode(), format!("delaycast topic={id} at=1700000000"));
        assert_eq!(OffsetMetadata::parse(&own.encode()), own);
        let later = format!("{} more=1 word", own.encode());
        assert_eq!(OffsetMetadata::parse(&later), own, "later versions may add fields");
        assert_eq!(OffsetMetadata::parse(&OffsetMetadata::default().encode()), OffsetMetadata::default());
        let others =
            ["", "topic=x", "NO_METADATA", "{\"topic\": 1}", "delaycast topic=short at=soon", "delaycast-topic=x"];
        for metadata in others.into_iter().chain([&*format!("topic={id}"), "delaycast at=99999999999999999"]) {
            assert_eq!(OffsetMetadata::parse(metadata), OffsetMetadata::default(), "{metadata:?}");
        }
        let long = OffsetMetadata { topic: Some(TopicId([255; 16])), at: Some(DateTime::<Utc>::MAX_UTC) };
        assert!(long.encode().len() < 100, "brokers keep 4096 bytes by default");
    }

    #[test]
    fn an_offset_is_of_another_topic_only_if_both_ids_are_known() {
        let (one, other) = (Some(TopicId([1; 16])), Some(TopicId([2; 16])));
        let of = |topic| OffsetMetadata { topic, at: None };
        assert!(of(one).is_of_another_topic(other));
        for (topic, id) in [(one, one), (None, one), (one, None), (None, None)] {
            assert!(!of(topic).is_of_another_topic(id), "{topic:?} {id:?}");
        }
    }
}
