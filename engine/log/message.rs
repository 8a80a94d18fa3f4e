//! Messages and their bounded payloads.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::topic::{Position, TopicId};

/// Upper bound on the bytes that are kept of a message; of a longer one, length and SHA-256 are kept as well.
pub const DEAD_LETTER_BYTES_MAX: usize = 256 * 1024;

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its position.
    pub position: Position,
    /// Its bytes.
    pub payload: Payload,
    /// Number of times that it was replayed from the dead letters.
    pub attempt: u32,
    /// The id of its topic, if the log gives topics ids.
    pub topic_id: Option<TopicId>,
}

/// The bytes of a message, truncated at [`DEAD_LETTER_BYTES_MAX`]. That is far above the bound on a request, so a
/// truncated message can only become a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    bytes: Vec<u8>,
    truncated: Option<Truncated>,
}

/// Length and hash of a message that is truncated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Truncated {
    len: usize,
    sha256: [u8; 32],
}

impl Payload {
    /// Takes a message's bytes, and truncates them if they are too many.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let mut truncated = None;
        if bytes.len() > DEAD_LETTER_BYTES_MAX {
            truncated = Some(Truncated { len: bytes.len(), sha256: Sha256::digest(&bytes).into() });
            bytes.truncate(DEAD_LETTER_BYTES_MAX);
            bytes.shrink_to_fit();
        }
        Payload { bytes, truncated }
    }

    /// Takes the stored bytes of a message that had this length and this SHA-256.
    pub fn from_stored(bytes: Vec<u8>, len: usize, sha256: [u8; 32]) -> Self {
        let truncated = (len != bytes.len()).then_some(Truncated { len, sha256 });
        Payload { bytes, truncated }
    }

    /// Returns whether all bytes are kept.
    pub fn is_complete(&self) -> bool {
        self.truncated.is_none()
    }

    /// Returns the kept bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the length of the whole message, in bytes.
    pub fn len(&self) -> usize {
        self.truncated.as_ref().map_or(self.bytes.len(), |truncated| truncated.len)
    }

    /// Returns whether the message had no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the SHA-256 of the whole message.
    pub fn sha256(&self) -> [u8; 32] {
        self.truncated.as_ref().map_or_else(|| Sha256::digest(&self.bytes).into(), |truncated| truncated.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_truncated_and_its_length_and_hash_are_kept() {
        let long = vec![7; DEAD_LETTER_BYTES_MAX + 1];
        let payload = Payload::new(long.clone());
        assert_eq!((payload.bytes().len(), payload.len()), (DEAD_LETTER_BYTES_MAX, long.len()));
        assert_eq!(payload.sha256(), <[u8; 32]>::from(Sha256::digest(&long)));

        let complete = Payload::new(vec![7; DEAD_LETTER_BYTES_MAX]);
        assert_eq!(complete.len(), complete.bytes().len());
    }
}
