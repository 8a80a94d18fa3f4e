//! Airline and airport codes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The code of an airline (`AA`) or an airport (`ATL`): 1 to 7 printable ASCII bytes, kept as they are.
///
/// Seven bytes, not three, because BTS distinguishes reused airline codes as in `PA (1)`. A `Code` is `Copy`, and its
/// order is that of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; 8]);

/// The text is not a [`Code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a code has 1 to 7 printable ASCII characters")]
pub struct NotACode;

impl Code {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&b| b == 0).unwrap_or(self.0.len());
        // `from_str` alone makes codes, and accepts only ASCII.
        std::str::from_utf8(&self.0[..len]).unwrap_or_default()
    }

    /// The code in upper case.
    pub fn to_upper(self) -> Self {
        Code(self.0.map(|byte| byte.to_ascii_uppercase()))
    }

    /// The code's bytes, padded with zeros.
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// The code of bytes padded with zeros; `None` if they are not a code's.
    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let code = Code(bytes);
        // Bytes behind a zero must be zeros: else codes with the same text would differ.
        (code.as_str().parse() == Ok(code)).then_some(code)
    }
}

impl FromStr for Code {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if text.is_empty() || text.len() > 7 || !printable || text.trim() != text {
            return Err(NotACode);
        }
        let mut bytes = [0; 8];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Code(bytes))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_is_not_a_code_is_refused() {
        for text in ["", "ABCDEFGH", "A\tB", "é", " AA", "AA ", "\0"] {
            assert_eq!(text.parse::<Code>(), Err(NotACode), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_keeps_its_order(a in "[!-~]{1,7}", b in "[!-~]{1,7}") {
            let (x, y): (Code, Code) = (a.parse()?, b.parse()?);
            prop_assert_eq!(x.to_string(), a.clone());
            prop_assert_eq!(Code::from_bytes(x.to_bytes()), Some(x));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        }

        #[test]
        fn bytes_are_a_code_or_refused(bytes: [u8; 8]) {
            if let Some(code) = Code::from_bytes(bytes) {
                prop_assert_eq!(code.as_str().parse(), Ok(code));
                prop_assert_eq!(code.to_bytes(), bytes);
            }
        }
    }
}
