//! Topics, as an operator makes them and sees them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What a new topic is to be like; what is not said is for the log to choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicWish {
    /// Copies of each message.
    pub replication: Option<u32>,
    /// How long messages are kept.
    pub retention: Option<Duration>,
}

/// A topic that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whether it was made just now.
    pub made: bool,
    /// How many partitions it has.
    pub partitions: u32,
    /// Copies of each message, where the log keeps more than one.
    pub replication: Option<u32>,
    /// How long messages are kept, in seconds, where that is known.
    pub retention_s: Option<u64>,
}

/// The id of a topic: another one for each topic that ever was, also for one that has the name of a former one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicId(pub [u8; 16]);

/// The digits of base64 for URLs, in which Kafka's tools print ids.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 16 bytes in digits of 6 bits; the last digit has 2 bits.
const DIGITS_OF_AN_ID: usize = 22;

impl TopicId {
    /// Reads an id as it is displayed; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS_OF_AN_ID {
            return None;
        }
        let mut bits = 0_u128;
        for (place, byte) in text.bytes().enumerate() {
            let digit = DIGITS.iter().position(|digit| *digit == byte)? as u128;
            if place + 1 < DIGITS_OF_AN_ID {
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
        for place in 0..DIGITS_OF_AN_ID {
            let digit = if place + 1 < DIGITS_OF_AN_ID { bits >> (122 - 6 * place) } else { bits << 4 } & 63;
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
    fn an_id_is_displayed_as_kafka_prints_it_and_read_again() {
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
