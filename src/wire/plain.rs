//! Reads a message in the form that producers write, in one pass and without copies.
//!
//! It reads an object of plain members: strings without escapes, numbers of at most [`DIGITS_MAX`] digits and no
//! exponent, `true`, `false`, `null`, and the object of observations. It gives up on everything else, and so on every
//! malformed message: the parser behind [`super::json`] decides on those. What it reads, the parser reads in the same
//! way; the tests hold the two together.

use std::borrow::Cow;

use super::{
    raw::{RawFields, Value},
    table::Table,
};
use crate::flight::Observation;

/// Upper bound on the digits of a number: such a number and the powers of ten below it are exact as `f64`, so that one
/// division rounds as it must.
const DIGITS_MAX: usize = 15;
/// The powers of ten up to 10^[`DIGITS_MAX`].
const POWERS_OF_TEN: [f64; DIGITS_MAX + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads the fields of a message; `None` if it gives up.
pub(super) fn read<F: Table<N>, const N: usize>(text: &str) -> Option<RawFields<'_, F, N>> {
    let (mut fields, mut seen) = (RawFields::none(), [false; N]);
    let mut scan = Scan { text, at: 0 };
    scan.skip_blanks();
    scan.object(|scan, name| {
        let Some(field) = F::of_name(name) else { return scan.scalar().map(drop) };
        if std::mem::replace(&mut seen[field.index()], true) {
            return None;
        }
        let value = match field.is_observed() && scan.next() == Some(b'{') {
            true => Some(Value::Observations(scan.observations()?)),
            false => scan.scalar()?,
        };
        fields.set(field, value);
        Some(())
    })?;
    scan.skip_blanks();
    (scan.at == text.len()).then_some(fields)
}

/// The unread part of a message begins at `at`, which is between two characters.
struct Scan<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Scan<'de> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.next() {
            self.at += 1;
        }
    }

    /// Takes the next byte if it is this one.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next() == Some(byte)).then(|| self.at += 1)
    }

    fn take_word<T>(&mut self, word: &str, value: T) -> Option<T> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    /// Reads an object. `member` is called with each name, and reads the value.
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'de str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        self.skip_blanks();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.skip_blanks();
            self.take(b':')?;
            self.skip_blanks();
            member(self, name)?;
            self.skip_blanks();
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
            self.skip_blanks();
        }
    }

    fn observations(&mut self) -> Option<Vec<(Observation, Value<'de>)>> {
        let (mut observed, mut seen) = (Vec::new(), [false; Observation::ALL.len()]);
        self.object(|scan, name| {
            let value = scan.scalar()?;
            if let Some(observation) = Observation::ALL.into_iter().find(|it| it.name() == name) {
                if std::mem::replace(&mut seen[observation as usize], true) {
                    return None;
                }
                observed.extend(value.map(|value| (observation, value)));
            }
            Some(())
        })?;
        Some(observed)
    }

    /// Reads a value that is neither an object nor an array; `Some(None)` is `null`.
    fn scalar(&mut self) -> Option<Option<Value<'de>>> {
        match self.next()? {
            b'"' => Some(Some(Value::Text(Cow::Borrowed(self.string()?)))),
            b't' => self.take_word("true", Some(Value::Truth(true))),
            b'f' => self.take_word("false", Some(Value::Truth(false))),
            b'n' => self.take_word("null", None),
            _ => Some(Some(Value::Number(self.number()?))),
        }
    }

    /// Reads a string without escapes and control characters.
    fn string(&mut self) -> Option<&'de str> {
        self.take(b'"')?;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let end = start + plain_len(rest);
        self.at = end;
        self.take(b'"')?;
        self.text.get(start..end)
    }

    fn number(&mut self) -> Option<f64> {
        let negative = self.take(b'-').is_some();
        let first = self.at;
        let mut digits = self.digits(0);
        let count = self.at - first;
        if count == 0 || count > DIGITS_MAX || count > 1 && self.text.as_bytes()[first] == b'0' {
            return None;
        }
        let mut fraction = 0;
        if self.take(b'.').is_some() {
            let first = self.at;
            digits = self.digits(digits);
            fraction = self.at - first;
            if fraction == 0 || count + fraction > DIGITS_MAX {
                return None;
            }
        }
        if let Some(b'e' | b'E') = self.next() {
            return None;
        }
        let number = digits as f64 / POWERS_OF_TEN[fraction];
        Some(if negative { -number } else { number })
    }

    /// Reads digits behind others. A number beyond the range of `u64` wraps; it has too many digits.
    fn digits(&mut self, mut number: u64) -> u64 {
        while let Some(digit @ b'0'..=b'9') = self.next() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        number
    }
}

/// The number of bytes before the first that ends a plain string: a quote, a backslash or a control character. It tests
/// eight bytes at a time.
fn plain_len(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    const HIGH: u64 = 0x80 * EACH;
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk() {
        let word = u64::from_le_bytes(*word);
        // The high bit of a byte that is zero, and perhaps of bytes behind it.
        let zero = |word: u64| word.wrapping_sub(EACH) & !word;
        let quote = zero(word ^ (EACH * u64::from(b'"')));
        let backslash = zero(word ^ (EACH * u64::from(b'\\')));
        let control = word.wrapping_sub(EACH * 0x20) & !word;
        let ends = (quote | backslash | control) & HIGH;
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..].iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{request::Field, wire::json};

    const FIELDS: usize = Field::ALL.len();

    /// Reads with both; returns whether this module has not given up.
    fn both_read_the_same(text: &str) -> bool {
        let parsed: Option<RawFields<'_, Field, FIELDS>> = json::parse(text).ok();
        let Some(read) = read::<Field, FIELDS>(text) else { return false };
        let parsed = parsed.unwrap_or_else(|| panic!("{text} is not JSON"));
        for field in Field::ALL {
            // Debug distinguishes 0 and -0, and shows each number with all its digits.
            assert_eq!(format!("{:?}", read.get(*field)), format!("{:?}", parsed.get(*field)), "{field:?} in {text}");
        }
        true
    }

    #[test]
    fn plain_messages_are_read() {
        for text in [
            "{}",
            " {\"UUID\" :\t\"a-1\",\r\n \"DepDelay\":-5.25 } \n",
            r#"{"Carrier":"AA","Weather":{"Temp":70.5,"other":"x"},"Follow":true,"FlightNum":null}"#,
            r#"{"Distance":123456789012345,"DepDelay":-0,"CRSDepTime":0.00000000000001,"Origin":"Zürich, ü\u007f"}"#,
            r#"{"unknown":false,"Dest":"","Weather":7}"#,
        ] {
            assert!(both_read_the_same(&text.replace("\\u007f", "\u{7f}")), "{text}");
        }
    }

    #[test]
    fn it_gives_up_on_everything_else() {
        for text in [
            "",
            "[]",
            "{",
            "{}x",
            r#"{"UUID":"a","UUID":"b"}"#,
            r#"{"Weather":{"Temp":1,"Temp":1}}"#,
            r#"{"Weather":{"x":{}}}"#,
            r#"{"UUID":"\u0041"}"#,
            "{\"UUID\":\"a\nb\"}",
            r#"{"DepDelay":01}"#,
            r#"{"DepDelay":1.}"#,
            r#"{"DepDelay":.5}"#,
            r#"{"DepDelay":+5}"#,
            r#"{"DepDelay":1e3}"#,
            r#"{"DepDelay":1234567890123456}"#,
            r#"{"DepDelay":12345678.90123456}"#,
            r#"{"DepDelay":NaN}"#,
            r#"{"UUID":"a",}"#,
            r#"{"x":[1]}"#,
            r#"{"UUID":"a"#,
        ] {
            assert!(!both_read_the_same(text), "{text}");
        }
    }

    /// Values as producers write them, and as they should not.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "\"[ -~é\u{7f}]{0,20}\"",
            "-?[0-9]{1,17}(\\.[0-9]{0,9})?([eE][0-9])?",
            any::<f64>().prop_map(|number| number.to_string()),
            "true|false|null|NaN|\\{\\}|\\[1\\]",
            "\\{\"(Temp|DewPoint|x)\": ?(1|-2\\.5|\"3\"|null)\\}",
        ]
    }

    fn member() -> impl Strategy<Value = String> {
        let name =
            prop_oneof![3 => proptest::sample::select(Field::NAMES).prop_map(str::to_owned), 1 => "[a-zU\\\\]{0,9}"];
        (name, "[ \n]?", value()).prop_map(|(name, blank, value)| format!("\"{name}\":{blank}{value}"))
    }

    proptest! {
        #[test]
        fn it_reads_what_the_parser_reads(
            members in proptest::collection::vec(member(), 0..8),
            damage in proptest::option::weighted(0.3, (any::<proptest::sample::Index>(), "[\"{},:\\\\0a \u{1f}ü]")),
        ) {
            let mut text = format!("{{{}}}", members.join(", "));
            if let Some((at, character)) = damage {
                let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                text.insert_str(places[at.index(places.len())], &character);
            }
            both_read_the_same(&text);
        }

        #[test]
        fn a_plain_string_ends_where_a_search_by_bytes_ends(bytes: Vec<u8>) {
            let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            prop_assert_eq!(plain_len(&bytes), bytes.iter().position(ends).unwrap_or(bytes.len()));
        }
    }
}
