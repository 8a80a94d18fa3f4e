//! The identity of a topic, which its offsets belong to: detects that a topic was deleted and recreated under its name,
//! and marks committed offsets with the id of their topic.
//!
//! Kafka keeps a string with each committed offset, its metadata. This group's is `delaycast topic=ID at=SECONDS`: the
//! id of the topic that the offset was read in, and the Unix time of the commit. Unknown fields are ignored, so that
//! later versions can add some. Other clients commit without metadata, or with their own.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use super::topic_id::Description;
use crate::{clock, log::TopicId};

/// Upper bound on the ids of former topics that are remembered.
const FORMER_MAX: usize = 16;
/// Time after which a former topic is read again if only it is described: the cluster was switched and switched back,
/// or a lagging broker had hidden the topic. No broker lags behind for that long.
const RETURN_AFTER: Duration = Duration::from_secs(30);
/// Number of consecutive descriptions with fewer partitions that mean another topic if topics have no ids: a lagging
/// broker gives one for a moment.
const SHRUNK_MAX: u32 = 2;
/// The first word of the metadata of an offset that this program has committed.
const METADATA_PREFIX: &str = "delaycast";

/// The identity of the topic that is read.
#[derive(Default)]
pub(super) struct TopicIdentity {
    current: Option<Description>,
    former: VecDeque<TopicId>,
    /// A former topic that is described now, and the time since which no other one was.
    returned: Option<(TopicId, Instant)>,
    /// Number of consecutive descriptions with fewer partitions.
    shrunk: u32,
}

/// The result of comparing a description with the topic that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same topic, or the first that is described.
    Same,
    /// A former topic: the metadata of this broker are stale.
    Stale,
    /// Another topic, for this reason.
    Recreated(String),
}

impl TopicIdentity {
    /// Compares a broker's description with the topic that is read. A partition that ends before the position, another
    /// sign of another topic, is detected when partitions are assigned.
    pub(super) fn check(&mut self, found: Description) -> Verdict {
        self.check_at(found, Instant::now())
    }

    fn check_at(&mut self, found: Description, now: Instant) -> Verdict {
        if let Some(id) = found.id.filter(|id| self.former.contains(id)) {
            let since = self.returned.filter(|(returned, _)| *returned == id).map_or(now, |(_, since)| since);
            self.returned = Some((id, since));
            if now.duration_since(since) < RETURN_AFTER {
                return Verdict::Stale;
            }
            self.former.retain(|former| *former != id);
        }
        self.returned = None;
        let Some(current) = &mut self.current else {
            self.current = Some(found);
            return Verdict::Same;
        };
        match (current.id, found.id) {
            (Some(own), Some(other)) if own != other => {
                Verdict::Recreated(format!("it had the id {own}, and has {other}"))
            }
            (Some(_), _) => {
                current.partitions = current.partitions.max(found.partitions);
                Verdict::Same
            }
            (None, _) => {
                self.shrunk = if found.partitions < current.partitions { self.shrunk + 1 } else { 0 };
                if self.shrunk < SHRUNK_MAX {
                    current.partitions = current.partitions.max(found.partitions);
                    return Verdict::Same;
                }
                Verdict::Recreated("this broker gives topics no id, and it has fewer partitions than before".into())
            }
        }
    }

    /// Returns the id of the topic that is read, if it is known.
    pub(super) fn id(&self) -> Option<TopicId> {
        self.current.and_then(|current| current.id)
    }

    /// Returns whether a topic of this name was ever described.
    pub(super) fn was_described(&self) -> bool {
        self.current.is_some() || !self.former.is_empty()
    }

    /// Leaves the topic: the next one that is described is read.
    pub(super) fn leave(&mut self) {
        let left = self.current.take().and_then(|current| current.id);
        self.former.extend(left);
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
        self.shrunk = 0;
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: u8, partitions: u32) -> Description {
        Description { id: (id > 0).then_some(TopicId([id; 16])), partitions }
    }

    #[test]
    fn another_id_means_another_topic() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(1, 4)), Verdict::Same);
        // New partitions, stale metadata and a broker without ids do not mean another topic.
        for same in [of(1, 6), of(1, 4), of(0, 4), of(0, 4)] {
            assert_eq!(identity.check(same), Verdict::Same, "{same:?}");
        }
        assert!(matches!(identity.check(of(2, 6)), Verdict::Recreated(why) if why.contains("has AgIC")));
        identity.leave();
        assert_eq!(identity.id(), None);
        // A lagging broker still describes the former topic.
        assert_eq!(identity.check(of(1, 6)), Verdict::Stale);
        assert_eq!(identity.check(of(2, 6)), Verdict::Same);
        assert_eq!(identity.check(of(1, 6)), Verdict::Stale);
        assert_eq!(identity.id(), Some(TopicId([2; 16])));
    }

    #[test]
    fn a_former_topic_is_read_again_if_only_it_is_described_for_long() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(1, 6)), Verdict::Same);
        identity.leave();
        // Not if the other one is described in between.
        let (now, later) = (Instant::now(), Instant::now() + 2 * RETURN_AFTER);
        assert_eq!(identity.check_at(of(2, 6), now), Verdict::Same);
        assert_eq!(identity.check_at(of(1, 6), now), Verdict::Stale);
        assert_eq!(identity.check_at(of(2, 6), later), Verdict::Same);
        assert_eq!(identity.check_at(of(1, 6), later), Verdict::Stale);
        assert!(matches!(identity.check_at(of(1, 6), later + RETURN_AFTER), Verdict::Recreated(_)));
        identity.leave();
        assert_eq!(identity.check_at(of(1, 6), later + RETURN_AFTER), Verdict::Same);
        assert_eq!(identity.id(), Some(TopicId([1; 16])));
    }

    #[test]
    fn without_ids_a_lasting_loss_of_partitions_means_another_topic() {
        let mut identity = TopicIdentity::default();
        assert_eq!(identity.check(of(0, 4)), Verdict::Same);
        assert_eq!(identity.check(of(0, 3)), Verdict::Same);
        assert_eq!(identity.check(of(0, 4)), Verdict::Same, "fewer only for a moment");
        assert_eq!(identity.check(of(0, 3)), Verdict::Same);
        assert!(matches!(identity.check(of(0, 3)), Verdict::Recreated(_)));
        identity.leave();
        assert_eq!(identity.check(of(0, 2)), Verdict::Same);
    }

    #[test]
    fn the_number_of_former_topics_is_bounded() {
        let mut identity = TopicIdentity::default();
        for id in 1..=100 {
            assert_eq!(identity.check(of(id, 1)), Verdict::Same);
            identity.leave();
        }
        assert_eq!(identity.former.len(), FORMER_MAX);
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
