//! Numbers that JSON does not have, but that many writers of JSON emit: `NaN`, `Infinity`.
//!
//! Python's `json`, Gson, Ruby and Lua write them bare; Jackson writes them as strings, which [`super::decode`] reads.

/// Is beyond the limits of every field, so that the field is named as it is for any number that is too large.
const INSTEAD_OF_INFINITY: [&str; 2] = ["1.7e308", "-1.7e308"];

/// The text with each bare `NaN` as `null`, and each bare infinity as a number that no field takes. `None` if it has
/// none. Strings are left alone; upper and lower case are the same. One pass.
pub(super) fn replace_non_finite(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let (mut replaced, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' {
            at = string_end(bytes, at).unwrap_or(bytes.len());
        } else if is_of_word(byte) {
            let start = at;
            at += bytes[at..].iter().take_while(|byte| is_of_word(**byte)).count();
            if let Some(instead) = instead_of(&text[start..at]) {
                replaced += &text[copied..start];
                replaced += instead;
                copied = at;
            }
        } else {
            at += 1;
        }
    }
    (copied > 0).then(|| replaced + &text[copied..])
}

/// Where the text goes on after the string that begins at `start`; `None` if the string does not end.
pub(super) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
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

/// Words are ASCII, so that they begin and end between characters.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)
}

fn instead_of(word: &str) -> Option<&'static str> {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some("null");
    }
    let is_infinite = unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf");
    is_infinite.then(|| INSTEAD_OF_INFINITY[usize::from(word.starts_with('-'))])
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
        fn what_json_has_is_never_changed(text in r#"[a-zN"\\:{}, é0-9-]{0,60}"#) {
            if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
                prop_assert_eq!(replace_non_finite(&text), None);
            }
        }
    }
}
