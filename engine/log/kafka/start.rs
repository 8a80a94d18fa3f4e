//! Where reading a partition starts.

use std::collections::BTreeMap;

use super::tag::Tag;
use crate::log::{Offset, PartitionId, TopicId};

/// A partition as a broker describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The earliest offset that is kept.
    pub(super) low: u64,
    /// The offset that the next message will get.
    pub(super) high: u64,
}

/// An offset that a group has committed in a partition, and its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) offset: Offset,
    pub(super) tag: Tag,
}

/// The basis on which the start of reading is decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Basis {
    /// The offsets that the group has committed.
    #[default]
    Group,
    /// The topic was made anew while it was read: nothing that is committed is its own.
    Anew,
    /// It is the same topic, read so far already.
    Positions(Positions),
}

/// The next offset to read of each partition; `None` where the position was out of range.
pub(super) type Positions = BTreeMap<PartitionId, Option<Offset>>;

impl Basis {
    /// Returns the offset that counts as committed in a partition.
    pub(super) fn committed(&self, partition: PartitionId, by_group: Option<Committed>) -> Option<Committed> {
        let own = |offset: &Offset| Committed { offset: *offset, tag: Tag::default() };
        match self {
            Basis::Group => by_group,
            Basis::Anew => None,
            Basis::Positions(positions) => match positions.get(&partition) {
                Some(position) => position.as_ref().map(own),
                None => by_group,
            },
        }
    }
}

/// A remark on a start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// It is as it should be.
    Nothing,
    /// The group has committed nothing, and the partition has all messages that it ever had.
    First,
    /// Messages are read again or have been missed, for this reason.
    Warning(String),
    /// The committed offset belongs to a former topic of this name, with this id.
    Foreign(TopicId),
}

/// The group's committed offset, if that is in range and belongs to the topic of this id; else the earliest.
pub(super) fn start(committed: Option<Committed>, id: Option<TopicId>, Extent { low, high }: Extent) -> (u64, Remark) {
    let Some(Committed { offset: Offset(offset), tag }) = committed else {
        let missed = format!("no offset is committed: reading from the earliest, {low}");
        return (low, if low == 0 && high > 0 { Remark::First } else { warned_if(low < high, missed) });
    };
    match tag.topic {
        Some(other) if tag.is_foreign_to(id) => (low, Remark::Foreign(other)),
        _ if (low..=high).contains(&offset) => (offset, Remark::Nothing),
        _ => {
            let out = format!("the committed offset {offset} is out of range ({low} to {high}): reading from {low}");
            (low, Remark::Warning(out))
        }
    }
}

fn warned_if(it_is_so: bool, warning: String) -> Remark {
    if it_is_so { Remark::Warning(warning) } else { Remark::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Option<TopicId> = Some(TopicId([1; 16]));

    fn at(offset: u64, topic: Option<TopicId>) -> Option<Committed> {
        Some(Committed { offset: Offset(offset), tag: Tag { topic, at: None } })
    }

    #[test]
    fn reading_starts_at_the_committed_offset_or_at_the_earliest_with_a_warning() {
        let extent = Extent { low: 10, high: 20 };
        // An offset without an id was committed by another tool, or by an operator.
        for (offset, topic, id) in [(10, None, ID), (15, ID, ID), (20, ID, None)] {
            assert_eq!(start(at(offset, topic), id, extent), (offset, Remark::Nothing));
        }
        for committed in [at(0, None), at(9, ID), at(21, ID), None] {
            let (offset, remark) = start(committed, ID, extent);
            assert_eq!(offset, 10);
            assert!(matches!(remark, Remark::Warning(warning) if warning.contains("reading from")));
        }
        assert_eq!(start(None, ID, Extent { low: 7, high: 7 }), (7, Remark::Nothing), "nothing is skipped or repeated");
        assert_eq!(start(None, ID, Extent { low: 0, high: 7 }), (0, Remark::First), "the first scorer");
    }

    #[test]
    fn an_offset_of_a_former_topic_is_not_used_though_it_is_in_range() {
        let former = TopicId([2; 16]);
        for offset in [0, 15, 25] {
            let started = start(at(offset, Some(former)), ID, Extent { low: 0, high: 20 });
            assert_eq!(started, (0, Remark::Foreign(former)));
        }
    }

    #[test]
    fn what_was_read_counts_for_more_than_what_is_committed_and_for_a_new_topic_neither_does() {
        let (p0, p1, p2) = (PartitionId(0), PartitionId(1), PartitionId(2));
        let positions = Basis::Positions(Positions::from([(p0, Some(Offset(7))), (p2, None)]));
        assert_eq!(positions.committed(p2, at(3, ID)), None, "it was out of range, and so may the group's offset be");
        assert_eq!(Basis::Group.committed(p0, at(3, ID)), at(3, ID));
        assert_eq!(positions.committed(p0, at(3, ID)), at(7, None));
        assert_eq!(positions.committed(p1, at(3, ID)), at(3, ID));
        assert_eq!(Basis::Anew.committed(p0, at(3, ID)), None);
    }
}
