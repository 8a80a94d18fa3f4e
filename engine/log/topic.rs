//! Topics and their ids.

use std::{fmt, time::Duration};

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
