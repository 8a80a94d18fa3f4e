//! Replaces numbers that JSON lacks and that many writers of JSON emit: `NaN`, `Infinity`.
//!
//! Python's `json`, Gson, Ruby and Lua write them bare; Jackson writes them as strings, which [`Raw`](super::Raw)
//! reads.

/// Numbers beyond the limits of every field, so that the reason names the field as for any number that is too large.
const INFINITY_REPLACEMENTS: [&str; 2] = ["1.7e308", "-1.7e308"];

/// Replaces each bare `NaN` by `null`, and each bare infinity by a number that no field accepts, in one pass. Upper and
/// lower case are the same; strings stay. `None` if the text has neither.
pub(super) fn replace_non_finite(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut replaced, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' {
            at = string_end(bytes, at).unwrap_or(bytes.len());
        } else if is_word_byte(byte) {
            let start = at;
            at += bytes[at..].iter().take_while(|byte| is_word_byte(**byte)).count();
            if let Some(number) = replacement(&text[start..at]) {
                replaced += &text[copied..start];
                replaced += number;
                copied = at;
            }
        } else {
            at += 1;
        }
    }
    (copied > 0).then(|| replaced + &text[copied..])
}

/// The index behind the string that begins at `start`; `None` if the string does not end.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Words are ASCII, so that they begin and end at character boundaries.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)
}

fn replacement(word: &str) -> Option<&'static str> {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some("null");
    }
    let is_infinite = unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf");
    is_infinite.then(|| INFINITY_REPLACEMENTS[usize::from(word.starts_with('-'))])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bare_words_are_replaced_and_strings_are_not() {
        let cases = [
            (r#"{"a":NaN}"#, Some(r#"{"a":null}"#)),
            (r#"{"a": -nan, "b": [NAN,1]}"#, Some(r#"{"a": null, "b": [null,1]}"#)),
            (r#"{"a": Infinity, "b": -inf}"#, Some(r#"{"a": 1.7e308, "b": -1.7e308}"#)),
            (r#"{"a": "NaN", "NaN": 1, "b": "\"NaN"}"#, None),
            (r#"{"a": "\\", "b": NaN}"#, Some(r#"{"a": "\\", "b": null}"#)),
            (r#"{"é": NaN, "a": xNaN, "b": NaN5, "c": 1e5}"#, Some(r#"{"é": null, "a": xNaN, "b": NaN5, "c": 1e5}"#)),
            (r#"{"a": "NaN"#, None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(replace_non_finite(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn valid_json_is_never_changed(text in r#"[a-zN"\\:{}, é0-9-]{0,60}"#) {
            if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
                prop_assert_eq!(replace_non_finite(&text), None);
            }
        }
    }
}
