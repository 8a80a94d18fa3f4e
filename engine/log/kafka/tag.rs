//! The metadata of a committed offset: the topic that it belongs to, and the time of the commit.
//!
//! Kafka keeps a string with each committed offset, its metadata. This group's is `delaycast topic=ID at=SECONDS`:
//! the id of the topic that the offset was read in, and the Unix time of the commit. A name that is not known is
//! passed over, so that later versions can add to it. Other clients commit without metadata, or with their own.

use chrono::{DateTime, Utc};

use crate::{clock, log::TopicId};

/// The first word of the metadata.
const MARK: &str = "delaycast";

/// The metadata of a committed offset; both fields are `None` if another client has committed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// The topic that the offset was read in.
    pub(super) topic: Option<TopicId>,
    /// When it was committed, by the clock of the scorer.
    pub(super) at: Option<DateTime<Utc>>,
}

impl Tag {
    /// The metadata of a commit that is made now.
    pub(super) fn now(topic: Option<TopicId>) -> Self {
        Tag { topic, at: Some(clock::now()) }
    }

    /// Reads the metadata of any client.
    pub(super) fn parse(metadata: &str) -> Self {
        let mut tag = Tag::default();
        let mut words = metadata.split_ascii_whitespace();
        if words.next() != Some(MARK) {
            return tag;
        }
        for word in words {
            match word.split_once('=') {
                Some(("topic", id)) => tag.topic = TopicId::parse(id),
                Some(("at", seconds)) => {
                    tag.at = seconds.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                }
                _ => {}
            }
        }
        tag
    }

    /// The metadata as Kafka keeps it.
    pub(super) fn metadata(&self) -> String {
        let topic = self.topic.map(|id| format!(" topic={id}")).unwrap_or_default();
        let at = self.at.map(|at| format!(" at={}", at.timestamp())).unwrap_or_default();
        format!("{MARK}{topic}{at}")
    }

    /// Returns whether the offset is known to belong to another topic than the one of this id.
    pub(super) fn is_foreign_to(&self, id: Option<TopicId>) -> bool {
        matches!((self.topic, id), (Some(own), Some(id)) if own != id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_no_other_clients_is_misread() {
        let id = TopicId([7; 16]);
        let tag = Tag { topic: Some(id), at: DateTime::from_timestamp(1_700_000_000, 0) };
        assert_eq!(tag.metadata(), format!("delaycast topic={id} at=1700000000"));
        assert_eq!(Tag::parse(&tag.metadata()), tag);
        assert_eq!(Tag::parse(&format!("{} more=1 word", tag.metadata())), tag, "later versions may add to it");
        assert_eq!(Tag::parse(&Tag::default().metadata()), Tag::default());
        let others =
            ["", "topic=x", "NO_METADATA", "{\"topic\": 1}", "delaycast topic=short at=soon", "delaycast-topic=x"];
        for metadata in others.into_iter().chain([&*format!("topic={id}"), "delaycast at=99999999999999999"]) {
            assert_eq!(Tag::parse(metadata), Tag::default(), "{metadata:?}");
        }
        let long = Tag { topic: Some(TopicId([255; 16])), at: Some(DateTime::<Utc>::MAX_UTC) };
        assert!(long.metadata().len() < 100, "brokers keep 4096 bytes by default");
    }

    #[test]
    fn only_a_topic_that_is_known_to_be_another_is_foreign() {
        let (one, other) = (Some(TopicId([1; 16])), Some(TopicId([2; 16])));
        let of = |topic| Tag { topic, at: None };
        assert!(of(one).is_foreign_to(other));
        for (topic, id) in [(one, one), (None, one), (one, None), (None, None)] {
            assert!(!of(topic).is_foreign_to(id), "{topic:?} {id:?}");
        }
    }
}
