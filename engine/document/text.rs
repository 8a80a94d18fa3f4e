//! The JSON text of a document, written without a serializer in between: it is a large share of an answer's cost.
//!
//! The text is that of [`serde_json`] for [`Json`](super::Json), byte by byte; a test compares both.

use std::str;

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Document, Value, date_to_json};

/// Numbers with at most six decimals are written by their millionths.
const UNIT: f64 = 1e6;
const DECIMALS: usize = 6;
/// Upper bound on the millionths of such a number. A decimal of at most 15 digits is the shortest that reads as its
/// number, so it is what the general algorithm finds, too.
const UNITS_MAX: f64 = 1e15;
/// Lower bound on such a number, besides 0: smaller ones are written with an exponent.
const PLAIN_MIN: f64 = 1e-5;

/// Returns the JSON text of a document.
pub fn to_text(document: &Document<'_>) -> String {
    let mut out = String::with_capacity(2048);
    write_document(&mut out, document);
    out
}

fn write_document(out: &mut String, document: &Document<'_>) {
    out.push('{');
    for (index, (name, value)) in document.iter().enumerate() {
        out.push_str(if index > 0 { ",\"" } else { "\"" });
        debug_assert!(is_plain(name), "{name} needs escapes");
        out.push_str(name);
        out.push_str("\":");
        write_value(out, value);
    }
    out.push('}');
}

fn write_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Text(text) => write_string(out, text),
        Value::Int32(number) => out.push_str(itoa::Buffer::new().format(*number)),
        Value::Double(number) => write_double(out, *number),
        Value::Date(at) => {
            out.push_str(r#"{"$date":""#);
            write_date(out, at);
            out.push_str(r#""}"#);
        }
        Value::Doubles(numbers) => {
            out.push('[');
            for (index, number) in numbers.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_double(out, *number);
            }
            out.push(']');
        }
        Value::Document(document) => write_document(out, document),
    }
}

fn write_string(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // A string has a JSON form.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Returns whether JSON has a text as it is. Eight bytes are looked at together.
fn is_plain(text: &str) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    // Of each byte the highest bit, if some byte of the word is below the limit, or is this byte. Bytes above the first
    // such byte may have it, too.
    let below = |word: u64, limit: u8| word.wrapping_sub(EACH * u64::from(limit)) & !word;
    let is = |word: u64, byte: u8| below(word ^ (EACH * u64::from(byte)), 1);
    let found = |word: u64| (below(word, b' ') | is(word, b'"') | is(word, b'\\')) & (EACH << 7);
    let (words, rest) = text.as_bytes().as_chunks();
    let found_in_words = words.iter().fold(0, |all, word| all | found(u64::from_ne_bytes(*word)));
    found_in_words == 0 && rest.iter().all(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

fn write_double(out: &mut String, number: f64) {
    let scaled = number * UNIT;
    let is_short = scaled.abs() < UNITS_MAX && (number.abs() >= PLAIN_MIN || number.to_bits() == 0);
    // Truncated, after half a unit away from 0. `round` is a call of a function.
    let units = (scaled + 0.5_f64.copysign(scaled)) as i64;
    if !is_short || units as f64 / UNIT != number {
        // Also 0 with a sign, and what is no number: JSON has null for it.
        out.push_str(&serde_json::to_string(&number).unwrap_or_default());
        return;
    }
    if units < 0 {
        out.push('-');
    }
    let (whole, mut decimals) = (units.unsigned_abs() / UNIT as u64, (units.unsigned_abs() % UNIT as u64) as u32);
    out.push_str(itoa::Buffer::new().format(whole));
    if decimals == 0 {
        out.push_str(".0");
        return;
    }
    let mut length = DECIMALS;
    while decimals.is_multiple_of(10) {
        (decimals, length) = (decimals / 10, length - 1);
    }
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(decimals);
    out.push_str(match length - digits.len() {
        0 => ".",
        1 => ".0",
        2 => ".00",
        3 => ".000",
        4 => ".0000",
        _ => ".00000",
    });
    out.push_str(digits);
}

/// Writes a time as [`date_to_json`] does.
fn write_date(out: &mut String, at: &DateTime<Utc>) {
    let (date, time) = (at.date_naive(), at.time());
    let Some(year) = u32::try_from(date.year()).ok().filter(|year| *year <= 9999) else {
        out.push_str(&date_to_json(at));
        return;
    };
    // A leap second has more than a second's nanoseconds.
    let (seconds, millis) = (time.second() + time.nanosecond() / 1_000_000_000, at.timestamp_subsec_millis() % 1000);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let two = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
    let parts =
        [(0, year / 100), (2, year), (5, date.month()), (8, date.day()), (11, time.hour()), (14, time.minute())];
    for (place, number) in parts.into_iter().chain([(17, seconds), (21, millis)]) {
        text[place..place + 2].copy_from_slice(&two(number % 100));
    }
    text[20] += (millis / 100) as u8;
    let text = if at.timestamp_subsec_millis() == 0 {
        text[19] = b'Z';
        &text[..20]
    } else {
        &text[..]
    };
    // All of it is ASCII.
    out.push_str(str::from_utf8(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{super::Json, *};

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            (-2_000_000_000_i64..2_000_000_000).prop_map(|units| units as f64 / UNIT),
            (-1_000_000_000_000_000_i64..1_000_000_000_000_000).prop_map(|units| units as f64 / UNIT),
            (-1000_i64..1000).prop_map(|whole| whole as f64),
            any::<f32>().prop_map(f64::from),
        ]
    }

    fn plain() -> impl Strategy<Value = Value<'static>> {
        let millis = -62_200_000_000_000_i64..253_500_000_000_000;
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            "[\\PC\"\\\\\\x00-\\x1f]{0,20}".prop_map(|text| Value::Text(text.into())),
            any::<i32>().prop_map(Value::Int32),
            number().prop_map(Value::Double),
            proptest::collection::vec(number(), 0..5).prop_map(|numbers| Value::Doubles(numbers.into())),
            (millis, 0..2_000_u32).prop_map(|(millis, micros)| {
                let at = DateTime::from_timestamp_millis(millis).unwrap();
                Value::Date(at + chrono::TimeDelta::microseconds(i64::from(micros)))
            }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_text_is_that_of_the_serializer(values in proptest::collection::vec(plain(), 0..5)) {
            let names = ["_id", "b", "c", "d", "e"];
            let inner: Document = names.into_iter().zip(values.iter().cloned()).collect();
            let document: Document = names.into_iter().zip(values).chain([("Inner", Value::Document(inner))]).collect();
            prop_assert_eq!(to_text(&document), serde_json::to_string(&Json(&document)).unwrap());
        }
    }

    #[test]
    fn numbers_are_as_short_as_the_serializers() {
        for number in [
            0.0,
            -0.0,
            0.5,
            -0.000_1,
            0.000_099_999,
            1e-5,
            0.000_009_999,
            1e-6,
            0.1 + 0.2,
            1e9,
            123_456_789.123_456,
            1e15,
            1e16,
            1e300,
            f64::NAN,
            f64::INFINITY,
            f64::MIN_POSITIVE,
            999_999_999.999_999,
        ] {
            let document = vec![("n", Value::Double(number))];
            assert_eq!(to_text(&document), serde_json::to_string(&Json(&document)).unwrap());
        }
    }
}
