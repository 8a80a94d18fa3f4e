//! Questions that a client repeats because a response was lost: the header `Idempotency-Key`.
//!
//! The id of such a question follows from its key and its body, so it is the same at another replica and after a
//! restart, and the store's first answer wins. A table remembers the bodies of the last keys of this process: the same
//! key with another body is refused. Beyond the table it is another question; it never gets another one's answer.

use std::collections::{HashMap, VecDeque};

use engine::{
    request::RequestId,
    runtime::{Mutex, hex},
};
use sha2::{Digest, Sha256};
use warp::http::{HeaderMap, HeaderName};

use crate::{field_error::FieldError, problem::Problem};

/// The header.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bounds on the length of a key. A short one would soon be another client's.
const KEY_BYTES: [usize; 2] = [16, 128];
/// Upper bound on the keys that are remembered, of 64 bytes each; the oldest is forgotten.
const KEYS_MAX: usize = 16_384;
/// Separates these ids from all others that are made by hashing.
const NAMESPACE: &[u8] = b"delaycast question 1\n";

type Hash = [u8; 32];

/// A question with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyedQuestion {
    key: Hash,
    body: Hash,
}

impl KeyedQuestion {
    /// Reads the key of a question with this body; `None` without one. Quotation marks around a key do not count: it is
    /// a string of a structured field (RFC 9651), and many clients send it bare.
    pub(super) fn read(headers: &HeaderMap, body: &str) -> Result<Option<Self>, Box<Problem>> {
        let mut sent = headers.get_all(&IDEMPOTENCY_KEY).iter();
        let Some(key) = sent.next() else { return Ok(None) };
        let text = key.to_str().unwrap_or_default();
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let is_of_key = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:+/=".contains(&byte);
        let [min, max] = KEY_BYTES;
        if sent.next().is_some() || !(min..=max).contains(&bare.len()) || !bare.bytes().all(is_of_key) {
            let reason = format!("must be one key of {min} to {max} letters, digits and -._~:+/=, as in a UUID");
            return Err(Problem::malformed(vec![FieldError::new("Idempotency-Key", reason)]));
        }
        Ok(Some(KeyedQuestion { key: Sha256::digest(bare).into(), body: Sha256::digest(body).into() }))
    }

    /// The id: a UUID of version 8, made by SHA-256 (RFC 9562, B.2).
    pub(super) fn id(&self) -> RequestId {
        let hash = Sha256::new().chain_update(NAMESPACE).chain_update(self.key).chain_update(self.body).finalize();
        let mut bytes: Vec<u8> = hash[..16].to_vec();
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let groups = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].map(hex::encode);
        // 36 characters are an id.
        RequestId::new(groups.join("-")).unwrap_or_else(|_| RequestId::random())
    }
}

/// The bodies of the last keys.
#[derive(Default)]
pub(crate) struct KeyTable(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    bodies: HashMap<Hash, Hash>,
    oldest_first: VecDeque<Hash>,
}

impl KeyTable {
    /// Remembers a question. Fails if its key was used with another body.
    pub(super) fn remember(&self, question: &KeyedQuestion) -> Result<(), Box<Problem>> {
        self.remember_up_to(question, KEYS_MAX)
    }

    fn remember_up_to(&self, KeyedQuestion { key, body }: &KeyedQuestion, max: usize) -> Result<(), Box<Problem>> {
        let mut keys = self.0.lock();
        match keys.bodies.get(key) {
            Some(known) if known == body => return Ok(()),
            Some(_) => {
                let reason = "was used with another body; take a new key for another question";
                return Err(Problem::unprocessable(vec![FieldError::new("Idempotency-Key", reason)]));
            }
            None => {}
        }
        keys.bodies.insert(*key, *body);
        keys.oldest_first.push_back(*key);
        if keys.oldest_first.len() > max
            && let Some(oldest) = keys.oldest_first.pop_front()
        {
            keys.bodies.remove(&oldest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use warp::http::HeaderValue;

    use super::*;

    fn read(key: &str, body: &str) -> Result<Option<KeyedQuestion>, Box<Problem>> {
        KeyedQuestion::read(&HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap())]), body)
    }

    #[test]
    fn keys_have_bounds_and_quotation_marks_do_not_count() {
        const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        assert_eq!(read(KEY, "{}").unwrap(), read(&format!("\"{KEY}\""), "{}").unwrap());
        assert_eq!(KeyedQuestion::read(&HeaderMap::new(), "{}").unwrap(), None);
        for key in
            ["", "\"\"", "short", "fifteen-letters", &"k".repeat(129), "sixteen letters!!", "\"sixteen-letters!!"]
        {
            assert_eq!(read(key, "{}").unwrap_err().status, 400, "{key}");
        }
        let twice = HeaderMap::from_iter([KEY, KEY].map(|key| (IDEMPOTENCY_KEY, HeaderValue::from_static(key))));
        assert!(KeyedQuestion::read(&twice, "{}").is_err());
    }

    #[test]
    fn a_key_with_another_body_is_refused_until_the_oldest_keys_are_forgotten() {
        let table = KeyTable::default();
        let question = |key: usize, body: &str| read(&format!("key-number-{key:05}"), body).unwrap().unwrap();
        for key in 0..4 {
            assert!(table.remember_up_to(&question(key, "a"), 4).is_ok());
            assert!(table.remember_up_to(&question(key, "a"), 4).is_ok());
            assert_eq!(table.remember_up_to(&question(0, "b"), 4).unwrap_err().status, 422);
        }
        assert!(table.remember_up_to(&question(4, "a"), 4).is_ok());
        assert!(table.remember_up_to(&question(0, "b"), 4).is_ok(), "it was forgotten");
        let keys = table.0.lock();
        assert_eq!((keys.bodies.len(), keys.oldest_first.len()), (4, 4));
    }

    proptest! {
        #[test]
        fn ids_are_uuids_that_differ_where_key_or_body_do(
            one in "[a-f0-9-]{16,40}", other in "[a-f0-9-]{16,40}", body in "\\PC{0,20}", another in "\\PC{0,20}",
        ) {
            let id = |key: &str, body: &str| read(key, body).unwrap().unwrap().id().as_str().to_owned();
            let made = id(&one, &body);
            prop_assert_eq!(&made, &id(&one, &body));
            prop_assert_eq!(made == id(&other, &body), one == other);
            prop_assert_eq!(made == id(&one, &another), body == another);
            let bytes = made.as_bytes();
            prop_assert_eq!((made.len(), bytes[14]), (36, b'8'));
            prop_assert!(b"89ab".contains(&bytes[19]) && [8, 13, 18, 23].iter().all(|&at| bytes[at] == b'-'));
        }
    }
}
