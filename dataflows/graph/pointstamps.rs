//! The capabilities and messages of a dataflow, by operator: timely's pointstamps.

use std::collections::BTreeMap;

use timely::progress::reachability::logging::TrackerEvent;

use super::Timestamp;

/// The number of a node in a scope: the index of an operator; 0 is the scope's own inputs and outputs.
type Node = usize;

/// Counts by timestamp; none is 0.
type Counts = BTreeMap<Timestamp, i64>;

/// The pointstamps of one operator.
#[derive(Debug, Default)]
pub(super) struct AtOperator {
    capabilities: Counts,
    messages: Counts,
}

/// The pointstamps of one dataflow.
#[derive(Debug, Default)]
pub(super) struct Pointstamps(BTreeMap<Node, AtOperator>);

impl AtOperator {
    /// Returns the least timestamp of a capability or a message.
    pub(super) fn least(&self) -> Option<Timestamp> {
        let least = |counts: &Counts| counts.keys().next().copied();
        least(&self.capabilities).into_iter().chain(least(&self.messages)).min()
    }

    /// Returns the number of records that are sent and not received.
    pub(super) fn waiting(&self) -> u64 {
        self.messages.values().filter_map(|count| u64::try_from(*count).ok()).sum()
    }
}

impl Pointstamps {
    /// Applies the changes that timely logs of this dataflow.
    pub(super) fn apply(&mut self, event: TrackerEvent<Timestamp>) {
        let (updates, counts): (_, fn(&mut AtOperator) -> &mut Counts) = match event {
            TrackerEvent::SourceUpdate(update) => (update.updates, |at| &mut at.capabilities),
            TrackerEvent::TargetUpdate(update) => (update.updates, |at| &mut at.messages),
        };
        for (node, _port, timestamp, change) in updates {
            let counts = counts(self.0.entry(node).or_default());
            let count = counts.entry(timestamp).or_default();
            *count += change;
            if *count == 0 {
                counts.remove(&timestamp);
            }
        }
    }

    pub(super) fn at(&self, node: Node) -> Option<&AtOperator> {
        self.0.get(&node)
    }

    /// Returns the least timestamp of the operators.
    pub(super) fn least(&self) -> Option<Timestamp> {
        self.0.iter().filter(|(node, _)| **node > 0).filter_map(|(_, at)| at.least()).min()
    }

    /// Returns the least timestamp that may still arrive at each node or leave it: that of itself and of all that reach
    /// it through `channels`.
    pub(super) fn frontiers(&self, channels: &[(Node, Node)]) -> BTreeMap<Node, Timestamp> {
        let mut frontiers: BTreeMap<Node, Timestamp> =
            self.0.iter().filter_map(|(node, at)| Some((*node, at.least()?))).collect();
        // A path visits each node once at most.
        for _ in 0..=channels.len() {
            let mut changed = false;
            for (source, target) in channels {
                let Some(arriving) = frontiers.get(source).copied() else { continue };
                let at = frontiers.entry(*target).or_insert(Timestamp::MAX);
                if arriving < *at {
                    (*at, changed) = (arriving, true);
                }
            }
            if !changed {
                break;
            }
        }
        frontiers
    }
}
