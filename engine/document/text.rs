//! The JSON text of a document, written without a serializer in between: it is a large share of an answer's cost.
//!
//! The text is that of [`serde_json`] for [`Json`](super::Json), byte by byte; a test compares both.

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Document, Value, date_to_json};

/// Numbers with at most six decimals are written by their millionths.
const UNIT: f64 = 1e6;
/// Upper bound on the millionths of such a number. A decimal of at most 15 digits is the shortest that reads as its
/// number, so it is what the general algorithm finds, too.
const UNITS_MAX: f64 = 1e15;
/// Lower bound on such a number, besides 0: smaller ones are written with an exponent.
const PLAIN_MIN: f64 = 1e-5;

/// Returns the JSON text of a document.
pub fn to_text(document: &Document) -> String {
    let mut out = Vec::with_capacity(2048);
    write_document(&mut out, document);
    // All that is written is UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

fn write_document(out: &mut Vec<u8>, document: &Document) {
    out.push(b'{');
    for (index, (name, value)) in document.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Text(text) => write_string(out, text),
        Value::Int32(number) => write_integer(out, (*number).into()),
        Value::Double(number) => write_double(out, *number),
        Value::Date(at) => {
            out.extend_from_slice(br#"{"$date":""#);
            write_date(out, at);
            out.extend_from_slice(br#""}"#);
        }
        Value::Doubles(numbers) => {
            out.push(b'[');
            for (index, number) in numbers.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_double(out, *number);
            }
            out.push(b']');
        }
        Value::Document(document) => write_document(out, document),
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    let is_plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    let (mut digits, mut at, mut rest) = ([0; 20], 20, number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    if number.to_bits() == 0 {
        out.extend_from_slice(b"0.0");
        return;
    }
    let units = (number * UNIT).round();
    let is_short = units.abs() < UNITS_MAX && units / UNIT == number && number.abs() >= PLAIN_MIN;
    if !is_short {
        // Also 0 with a sign, and what is no number.
        let _ = serde_json::to_writer(out, &number);
        return;
    }
    let units = units as i64;
    if units < 0 {
        out.push(b'-');
    }
    let units = units.unsigned_abs();
    write_integer(out, (units / UNIT as u64) as i64);
    let (mut decimals, mut rest) = ([b'0'; 7], units % UNIT as u64);
    decimals[0] = b'.';
    for digit in decimals[1..].iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    let zeros = decimals[2..].iter().rev().take_while(|digit| **digit == b'0').count();
    out.extend_from_slice(&decimals[..decimals.len() - zeros]);
}

/// Writes a time as [`date_to_json`] does.
fn write_date(out: &mut Vec<u8>, at: &DateTime<Utc>) {
    let date = at.date_naive();
    if !(0..=9999).contains(&date.year()) {
        let _ = write!(out, "{}", date_to_json(at));
        return;
    }
    let two = |out: &mut Vec<u8>, number: u32| out.extend([b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
    let year = date.year().unsigned_abs();
    two(out, year / 100);
    two(out, year % 100);
    out.push(b'-');
    two(out, date.month());
    out.push(b'-');
    two(out, date.day());
    out.push(b'T');
    let time = at.time();
    // A leap second has more than a second's nanoseconds.
    let (seconds, millis) = (time.second() + time.nanosecond() / 1_000_000_000, at.timestamp_subsec_millis() % 1000);
    two(out, time.hour());
    out.push(b':');
    two(out, time.minute());
    out.push(b':');
    two(out, seconds);
    if at.timestamp_subsec_millis() != 0 {
        out.push(b'.');
        out.push(b'0' + (millis / 100) as u8);
        two(out, millis % 100);
    }
    out.push(b'Z');
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

    fn plain() -> impl Strategy<Value = Value> {
        let millis = -62_200_000_000_000_i64..253_500_000_000_000;
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<String>().prop_map(Value::Text),
            any::<i32>().prop_map(Value::Int32),
            number().prop_map(Value::Double),
            proptest::collection::vec(number(), 0..5).prop_map(Value::Doubles),
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
            let names = ["_id", "a \"b\"", "c", "d", "e"];
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
