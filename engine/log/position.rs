//! Partitions, offsets, and the share of a topic that one reader owns.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// A partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionId(pub u32);

/// An offset in a partition. A committed offset is that of the next message to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offset(pub u64);

impl Offset {
    /// Returns the offset after this one.
    pub fn next(self) -> Self {
        Offset(self.0 + 1)
    }
}

/// Committed offsets, or offsets to commit: per partition the next one to read.
pub type Offsets = BTreeMap<PartitionId, Offset>;

/// Number of messages that are not yet committed, per partition.
pub type Lag = BTreeMap<PartitionId, u64>;

/// The position of a message: its identity in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The partition.
    pub partition: PartitionId,
    /// The offset in the partition.
    pub offset: Offset,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} offset {}", self.partition.0, self.offset.0)
    }
}

/// The partitions that a reader owns: p with p mod `peers` = `index`, including those that are added later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The reader's index, from 0.
    pub index: usize,
    /// Number of readers.
    pub peers: usize,
}

impl Share {
    /// The share of a single reader: all partitions.
    pub const ALL: Share = Share { index: 0, peers: 1 };

    /// Returns whether a partition is owned.
    pub fn owns(&self, partition: PartitionId) -> bool {
        partition.0 as usize % self.peers == self.index
    }
}
