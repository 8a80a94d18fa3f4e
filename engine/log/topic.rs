//! Topics, their partitions and offsets, and the share of a topic that one reader owns.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The consumer group, unless the URL names another.
pub const GROUP: &str = "delaycast";

/// The options of a new topic; `None` leaves an option to the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicOptions {
    /// Number of replicas.
    pub replication: Option<u32>,
    /// Retention time of messages.
    pub retention: Option<Duration>,
}

/// The topic of a log whose URL names none, and what it is given when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicDefaults {
    pub(crate) topic: &'static str,
    /// The retention time of messages; `None` leaves it to the log.
    pub(crate) retention: Option<Duration>,
}

/// An existing topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// True if it was created just now.
    #[serde(rename = "made")]
    pub created: bool,
    /// Number of partitions.
    pub partitions: u32,
    /// Number of replicas, if the log has replicas.
    pub replication: Option<u32>,
    /// Retention time in seconds, if it is known.
    pub retention_s: Option<u64>,
}

/// The id of a topic. No two topics have the same id, not even a topic that was deleted and the new one of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicId(pub [u8; 16]);

/// The alphabet of URL-safe base64, in which Kafka's tools print ids.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 16 bytes in digits of 6 bits; the last digit carries 2 bits.
const DIGITS_OF_AN_ID: usize = 22;

impl TopicId {
    /// Parses an id as it is displayed; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS_OF_AN_ID {
            return None;
        }
        let mut bits = 0_u128;
        for (index, byte) in text.bytes().enumerate() {
            let digit = DIGITS.iter().position(|digit| *digit == byte)? as u128;
            if index + 1 < DIGITS_OF_AN_ID {
                bits = bits << 6 | digit;
            } else if digit.trailing_zeros() >= 4 {
                bits = bits << 2 | digit >> 4;
            } else {
                return None;
            }
        }
        Some(TopicId(bits.to_be_bytes()))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for index in 0..DIGITS_OF_AN_ID {
            let digit = if index + 1 < DIGITS_OF_AN_ID { bits >> (122 - 6 * index) } else { bits << 4 } & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or_default();
            write!(f, "{}", char::from(digit))?;
        }
        Ok(())
    }
}

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

/// The place from which a reader reads its partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// The group's committed offset; without one, or if it is out of range, the earliest message.
    #[default]
    Committed,
    /// The earliest message that is kept, whatever the group has committed: a state that is not stored is rebuilt.
    Earliest,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_displayed_as_kafka_prints_it_and_parsed_again() {
        // python3: base64.urlsafe_b64encode(bytes.fromhex("00112233445566778899aabbccddeeff"))
        let id = TopicId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes());
        assert_eq!(id.to_string(), "ABEiM0RVZneImaq7zN3u_w");
        for id in [id, TopicId([0; 16]), TopicId([0xff; 16])] {
            assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        }
        for text in [
            "",
            "ABEiM0RVZneImaq7zN3u_",
            "ABEiM0RVZneImaq7zN3u_w==",
            "ABEiM0RVZneImaq7zN3u_x",
            "ABEiM0RVZneImaq7zN3u+w",
        ] {
            assert_eq!(TopicId::parse(text), None, "{text}");
        }
    }
}
