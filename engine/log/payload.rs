//! The bytes of a message, bounded.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A message's bytes are kept up to this length; of a longer one, length and SHA-256 remain.
pub const DEAD_LETTER_BYTES_MAX: usize = 256 * 1024;

/// The bytes of a message, cut at [`DEAD_LETTER_BYTES_MAX`]. What is cut is far beyond what a request may have,
/// so it can only become a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    bytes: Vec<u8>,
    cut: Option<Cut>,
}

/// What is known of a message beyond its kept bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cut {
    len: usize,
    sha256: [u8; 32],
}

impl Payload {
    /// Takes a message's bytes, cutting them if need be.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let mut cut = None;
        if bytes.len() > DEAD_LETTER_BYTES_MAX {
            cut = Some(Cut { len: bytes.len(), sha256: Sha256::digest(&bytes).into() });
            bytes.truncate(DEAD_LETTER_BYTES_MAX);
            bytes.shrink_to_fit();
        }
        Payload { bytes, cut }
    }

    /// Takes what was kept of a message that had so many bytes, and this SHA-256.
    pub fn kept(bytes: Vec<u8>, len: usize, sha256: [u8; 32]) -> Self {
        let cut = (len != bytes.len()).then_some(Cut { len, sha256 });
        Payload { bytes, cut }
    }

    /// Whether all bytes were kept.
    pub fn is_whole(&self) -> bool {
        self.cut.is_none()
    }

    /// The bytes that were kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the message had.
    pub fn len(&self) -> usize {
        self.cut.as_ref().map_or(self.bytes.len(), |cut| cut.len)
    }

    /// Whether the message had no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The SHA-256 of all bytes that the message had.
    pub fn sha256(&self) -> [u8; 32] {
        self.cut.as_ref().map_or_else(|| Sha256::digest(&self.bytes).into(), |cut| cut.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_its_length_and_hash_are_kept() {
        let long = vec![7; DEAD_LETTER_BYTES_MAX + 1];
        let payload = Payload::new(long.clone());
        assert_eq!((payload.bytes().len(), payload.len()), (DEAD_LETTER_BYTES_MAX, long.len()));
        assert_eq!(payload.sha256(), <[u8; 32]>::from(Sha256::digest(&long)));

        let whole = Payload::new(vec![7; DEAD_LETTER_BYTES_MAX]);
        assert_eq!(whole.len(), whole.bytes().len());
    }
}
