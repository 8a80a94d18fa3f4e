//! The offsets at which partitions are read, and those that count as committed by then.
//!
//! A reader starts with its partitions when it is opened, when partitions are added, and after a revocation: then the
//! topic is another one, or the same one was read up to known positions.

use std::collections::BTreeMap;

use super::offsets::{CommittedOffset, OffsetMetadata};
use crate::log::{Offset, PartitionId, Start, TopicId};

/// The watermarks of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermarks {
    /// The earliest offset that is retained.
    pub(super) low: u64,
    /// The offset of the next message to be appended.
    pub(super) high: u64,
}

/// The offsets from which partitions are read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum StartFrom {
    /// Those of a new reader.
    #[default]
    New,
    /// The earliest offsets: the topic was recreated while it was read, and no committed offset is its own.
    Recreated,
    /// The positions up to which the same topic was read already.
    Positions(ReadPositions),
}

/// The next offset to read of each partition.
pub(super) type ReadPositions = BTreeMap<PartitionId, ReadPosition>;

/// The position up to which a partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReadPosition {
    pub(super) next: Offset,
    /// True if librdkafka found it out of range. It is not used again: the log may have grown beyond it since, with
    /// other messages.
    pub(super) is_out_of_range: bool,
}

/// A diagnostic on the start of a partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Diagnostic {
    /// Nothing to report.
    None,
    /// The group has committed nothing, and the partition still has its first message.
    FirstStart,
    /// Messages are read again or were missed, for this reason.
    Warning(String),
    /// The committed offset belongs to a former topic of this name, with this id.
    FormerTopic(TopicId),
}

/// The start of a partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PartitionStart {
    /// The first offset to read.
    pub(super) next: u64,
    /// The offset before which all messages are handled, if it is known.
    pub(super) committed: Option<Offset>,
    pub(super) diagnostic: Diagnostic,
}

impl StartFrom {
    /// Returns the offset that counts as committed in a partition: one that was read to, or that of the group.
    pub(super) fn committed(
        &self,
        partition: PartitionId,
        by_group: Option<CommittedOffset>,
    ) -> Option<CommittedOffset> {
        let own = |offset| CommittedOffset { offset, metadata: OffsetMetadata::default() };
        match self {
            StartFrom::New => by_group,
            StartFrom::Recreated => None,
            StartFrom::Positions(positions) => match positions.get(&partition) {
                Some(position) => (!position.is_out_of_range).then(|| own(position.next)),
                None => by_group,
            },
        }
    }

    /// Returns the start of a partition of the topic of this id.
    pub(super) fn of(
        &self,
        start: Start,
        partition: PartitionId,
        by_group: Option<CommittedOffset>,
        id: Option<TopicId>,
        watermarks: Watermarks,
    ) -> PartitionStart {
        match (start, self) {
            (Start::Committed, _) => {
                let committed = self.committed(partition, by_group);
                let (next, diagnostic) = start_offset(committed, id, watermarks);
                // A committed offset that is out of range is not to be renewed.
                let committed = committed.filter(|_| diagnostic == Diagnostic::None).map(|it| it.offset);
                PartitionStart { next, committed, diagnostic }
            }
            (Start::Earliest, StartFrom::New) => earliest_start(None, by_group, id, watermarks),
            (Start::Earliest, StartFrom::Recreated) => earliest_start(None, None, id, watermarks),
            (Start::Earliest, StartFrom::Positions(positions)) => {
                earliest_start(positions.get(&partition).copied(), by_group, id, watermarks)
            }
        }
    }
}

/// Returns the earliest offset, or the position up to which the same topic was read already, and the offset that the
/// group has committed, if it is in range and belongs to the topic of this id.
fn earliest_start(
    position: Option<ReadPosition>,
    by_group: Option<CommittedOffset>,
    id: Option<TopicId>,
    Watermarks { low, high }: Watermarks,
) -> PartitionStart {
    let is_in_range = |offset: &Offset| (low..=high).contains(&offset.0);
    if let Some(former) = by_group.filter(|it| it.metadata.is_of_another_topic(id)).and_then(|it| it.metadata.topic) {
        return PartitionStart { next: low, committed: None, diagnostic: Diagnostic::FormerTopic(former) };
    }
    let committed = by_group.map(|it| it.offset).filter(is_in_range);
    let (next, committed) = match position {
        None => (low, committed),
        Some(ReadPosition { next, is_out_of_range: false }) if is_in_range(&next) => {
            (next.0, committed.max(Some(next)))
        }
        // Retention has overtaken the reader.
        Some(ReadPosition { next, .. }) if next.0 < low => (low, committed),
        // The log was cut back: the messages that the group has committed may be gone, and others in their places.
        Some(_) => (low, None),
    };
    PartitionStart { next, committed, diagnostic: Diagnostic::None }
}

/// Returns the committed offset, if it is in range and belongs to the topic of this id; else the earliest offset.
fn start_offset(
    committed: Option<CommittedOffset>,
    id: Option<TopicId>,
    Watermarks { low, high }: Watermarks,
) -> (u64, Diagnostic) {
    let Some(CommittedOffset { offset: Offset(offset), metadata }) = committed else {
        let missed = format!("no offset is committed: reading from the earliest, {low}");
        let diagnostic = match low {
            0 if high > 0 => Diagnostic::FirstStart,
            _ if low < high => Diagnostic::Warning(missed),
            _ => Diagnostic::None,
        };
        return (low, diagnostic);
    };
    match metadata.topic {
        Some(other) if metadata.is_of_another_topic(id) => (low, Diagnostic::FormerTopic(other)),
        _ if (low..=high).contains(&offset) => (offset, Diagnostic::None),
        _ => {
            let out = format!("the committed offset {offset} is out of range ({low} to {high}): reading from {low}");
            (low, Diagnostic::Warning(out))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Option<TopicId> = Some(TopicId([1; 16]));

    fn at(offset: u64, topic: Option<TopicId>) -> Option<CommittedOffset> {
        Some(CommittedOffset { offset: Offset(offset), metadata: OffsetMetadata { topic, at: None } })
    }

    #[test]
    fn reading_starts_at_the_committed_offset_or_at_the_earliest_with_a_warning() {
        let watermarks = Watermarks { low: 10, high: 20 };
        // An offset without an id was committed by another tool, or by an operator.
        for (offset, topic, id) in [(10, None, ID), (15, ID, ID), (20, ID, None)] {
            assert_eq!(start_offset(at(offset, topic), id, watermarks), (offset, Diagnostic::None));
        }
        for committed in [at(0, None), at(9, ID), at(21, ID), None] {
            let (offset, diagnostic) = start_offset(committed, ID, watermarks);
            assert_eq!(offset, 10);
            assert!(matches!(diagnostic, Diagnostic::Warning(warning) if warning.contains("reading from")));
        }
        let of_new_group = |low, high| start_offset(None, ID, Watermarks { low, high });
        assert_eq!(of_new_group(7, 7), (7, Diagnostic::None), "nothing is skipped or repeated");
        assert_eq!(of_new_group(0, 7), (0, Diagnostic::FirstStart), "the first scorer");
    }

    #[test]
    fn an_offset_of_a_former_topic_is_not_used_even_if_it_is_in_range() {
        let former = TopicId([2; 16]);
        for offset in [0, 15, 25] {
            let started = start_offset(at(offset, Some(former)), ID, Watermarks { low: 0, high: 20 });
            assert_eq!(started, (0, Diagnostic::FormerTopic(former)));
        }
    }

    fn read_to(next: u64) -> ReadPosition {
        ReadPosition { next: Offset(next), is_out_of_range: false }
    }

    fn out_of_range(next: u64) -> ReadPosition {
        ReadPosition { next: Offset(next), is_out_of_range: true }
    }

    #[test]
    fn read_positions_override_committed_offsets_and_a_recreated_topic_has_neither() {
        let (p0, p1, p2) = (PartitionId(0), PartitionId(1), PartitionId(2));
        let positions = StartFrom::Positions(ReadPositions::from([(p0, read_to(7)), (p2, out_of_range(7))]));
        assert_eq!(
            positions.committed(p2, at(3, ID)),
            None,
            "the position was out of range, and the group's offset may be, too"
        );
        assert_eq!(StartFrom::New.committed(p0, at(3, ID)), at(3, ID));
        assert_eq!(positions.committed(p0, at(3, ID)), at(7, None));
        assert_eq!(positions.committed(p1, at(3, ID)), at(3, ID));
        assert_eq!(StartFrom::Recreated.committed(p0, at(3, ID)), None);
    }

    /// Returns the start of partition 0 of a topic that keeps the offsets 10 to 20: the next offset, the one that
    /// counts as committed, and the diagnostic.
    fn started(from: &StartFrom, start: Start, by_group: Option<CommittedOffset>) -> (u64, Option<u64>, Diagnostic) {
        let PartitionStart { next, committed, diagnostic } =
            from.of(start, PartitionId(0), by_group, ID, Watermarks { low: 10, high: 20 });
        (next, committed.map(|offset| offset.0), diagnostic)
    }

    #[test]
    fn an_offset_counts_as_committed_if_reading_starts_there() {
        let started = |by_group| started(&StartFrom::New, Start::Committed, by_group);
        assert_eq!(started(at(15, ID)), (15, Some(15), Diagnostic::None));
        for by_group in [at(9, ID), at(21, ID), at(10, Some(TopicId([2; 16]))), None] {
            assert_eq!((started(by_group).0, started(by_group).1), (10, None), "{by_group:?}");
        }
    }

    #[test]
    fn promise_10_the_earliest_message_is_the_start_without_a_warning() {
        let started = |from: &StartFrom, by_group| started(from, Start::Earliest, by_group);
        for (by_group, committed) in
            [(None, None), (at(9, ID), None), (at(10, ID), Some(10)), (at(20, None), Some(20)), (at(21, ID), None)]
        {
            assert_eq!(started(&StartFrom::New, by_group), (10, committed, Diagnostic::None), "{by_group:?}");
        }
        assert_eq!(started(&StartFrom::Recreated, at(15, ID)), (10, None, Diagnostic::None));
        let former = TopicId([2; 16]);
        let of_former = started(&StartFrom::New, at(15, Some(former)));
        assert_eq!(of_former, (10, None, Diagnostic::FormerTopic(former)), "promise 8");
    }

    #[test]
    fn promise_10_a_reader_that_starts_over_goes_on_and_knows_what_is_committed() {
        let after = |position| {
            let from = StartFrom::Positions(ReadPositions::from([(PartitionId(0), position)]));
            let (next, committed, diagnostic) = started(&from, Start::Earliest, at(15, ID));
            assert_eq!(diagnostic, Diagnostic::None);
            (next, committed)
        };
        // Another partition was out of range.
        assert_eq!(after(read_to(12)), (12, Some(15)), "a state is being rebuilt");
        assert_eq!(after(read_to(18)), (18, Some(18)), "what was read has come back");
        // Retention has overtaken the reader; the group's offset is as good as before.
        assert_eq!((after(out_of_range(9)), after(read_to(9))), ((10, Some(15)), (10, Some(15))));
        // The log was cut back, and may have grown again.
        assert_eq!((after(out_of_range(21)), after(out_of_range(18))), ((10, None), (10, None)));
    }
}
