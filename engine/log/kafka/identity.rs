//! Tells a topic that was made anew from the one that had its name before.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::topic_id::Description;
use crate::log::TopicId;

/// Upper bound on the ids of former topics that are remembered.
const FORMER_MAX: usize = 16;
/// A former topic that alone is described for this long is the topic again: a cluster that was left and came back, or a
/// new one that a lagging broker had hidden. No broker lags behind for so long.
const BACK_AFTER: Duration = Duration::from_secs(30);
/// Number of signs of another topic in a row that are needed where there are no ids: a broker that lags behind the
/// others shows one for a moment.
const SIGNS: u32 = 2;

/// The identity of the topic that is read.
#[derive(Default)]
pub(super) struct Identity {
    current: Option<Description>,
    former: VecDeque<TopicId>,
    /// A former topic that is described now, and since when no other one was.
    back: Option<(TopicId, Instant)>,
    signs: u32,
}

/// The result of comparing a description with the topic that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the same, or the first that is seen.
    Same,
    /// It is one that was left already: this broker has not heard of the new one.
    Former,
    /// It is another, for this reason.
    Anew(String),
}

impl Identity {
    /// Judges what a broker says now. That a partition ends before where it was read, another sign of another topic, is
    /// seen where reading starts over.
    pub(super) fn judge(&mut self, found: Description) -> Verdict {
        self.judge_at(found, Instant::now())
    }

    fn judge_at(&mut self, found: Description, now: Instant) -> Verdict {
        if let Some(id) = found.id.filter(|id| self.former.contains(id)) {
            let since = self.back.filter(|(back, _)| *back == id).map_or(now, |(_, since)| since);
            self.back = Some((id, since));
            if now.duration_since(since) < BACK_AFTER {
                return Verdict::Former;
            }
            self.former.retain(|former| *former != id);
        }
        self.back = None;
        let Some(current) = &mut self.current else {
            self.current = Some(found);
            return Verdict::Same;
        };
        match (current.id, found.id) {
            (Some(own), Some(other)) if own != other => Verdict::Anew(format!("it had the id {own}, and has {other}")),
            (Some(_), _) => {
                current.partitions = current.partitions.max(found.partitions);
                Verdict::Same
            }
            (None, _) => {
                self.signs = if found.partitions < current.partitions { self.signs + 1 } else { 0 };
                if self.signs < SIGNS {
                    current.partitions = current.partitions.max(found.partitions);
                    return Verdict::Same;
                }
                Verdict::Anew("this broker gives topics no id, and it has fewer partitions than before".into())
            }
        }
    }

    /// The id of the topic that is read, if it is known.
    pub(super) fn id(&self) -> Option<TopicId> {
        self.current.and_then(|current| current.id)
    }

    /// Returns whether a topic of this name has been seen.
    pub(super) fn has_seen_one(&self) -> bool {
        self.current.is_some() || !self.former.is_empty()
    }

    /// The topic is left: the next one that is described is read.
    pub(super) fn leave(&mut self) {
        let left = self.current.take().and_then(|current| current.id);
        self.former.extend(left);
        if self.former.len() > FORMER_MAX {
            self.former.pop_front();
        }
        self.signs = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: u8, partitions: u32) -> Description {
        Description { id: (id > 0).then_some(TopicId([id; 16])), partitions }
    }

    #[test]
    fn another_id_is_another_topic_whatever_else_is_the_same() {
        let mut identity = Identity::default();
        assert_eq!(identity.judge(of(1, 4)), Verdict::Same);
        // Growth, a broker that has not heard of it, one that gives no id, and a truncated partition are no other
        // topic.
        for same in [of(1, 6), of(1, 4), of(0, 4), of(0, 4)] {
            assert_eq!(identity.judge(same), Verdict::Same, "{same:?}");
        }
        assert!(matches!(identity.judge(of(2, 6)), Verdict::Anew(why) if why.contains("has AgIC")));
        identity.leave();
        assert_eq!(identity.id(), None);
        // One that lags behind still describes the former topic.
        assert_eq!(identity.judge(of(1, 6)), Verdict::Former);
        assert_eq!(identity.judge(of(2, 6)), Verdict::Same);
        assert_eq!(identity.judge(of(1, 6)), Verdict::Former);
        assert_eq!(identity.id(), Some(TopicId([2; 16])));
    }

    #[test]
    fn a_former_topic_that_alone_is_described_for_long_is_read_again() {
        let mut identity = Identity::default();
        assert_eq!(identity.judge(of(1, 6)), Verdict::Same);
        identity.leave();
        // Not while the other one is described in between.
        let (now, later) = (Instant::now(), Instant::now() + 2 * BACK_AFTER);
        assert_eq!(identity.judge_at(of(2, 6), now), Verdict::Same);
        assert_eq!(identity.judge_at(of(1, 6), now), Verdict::Former);
        assert_eq!(identity.judge_at(of(2, 6), later), Verdict::Same);
        assert_eq!(identity.judge_at(of(1, 6), later), Verdict::Former);
        assert!(matches!(identity.judge_at(of(1, 6), later + BACK_AFTER), Verdict::Anew(_)));
        identity.leave();
        assert_eq!(identity.judge_at(of(1, 6), later + BACK_AFTER), Verdict::Same);
        assert_eq!(identity.id(), Some(TopicId([1; 16])));
    }

    #[test]
    fn without_ids_fewer_partitions_are_another_topic_if_that_lasts() {
        let mut identity = Identity::default();
        assert_eq!(identity.judge(of(0, 4)), Verdict::Same);
        assert_eq!(identity.judge(of(0, 3)), Verdict::Same);
        assert_eq!(identity.judge(of(0, 4)), Verdict::Same, "it was for a moment");
        assert_eq!(identity.judge(of(0, 3)), Verdict::Same);
        assert!(matches!(identity.judge(of(0, 3)), Verdict::Anew(_)));
        identity.leave();
        assert_eq!(identity.judge(of(0, 2)), Verdict::Same);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut identity = Identity::default();
        for id in 1..=100 {
            assert_eq!(identity.judge(of(id, 1)), Verdict::Same);
            identity.leave();
        }
        assert_eq!(identity.former.len(), FORMER_MAX);
    }
}
