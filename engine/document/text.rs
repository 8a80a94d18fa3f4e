//! The JSON text of a document, written without a serializer in between: it is a large share of an answer's cost.
//!
//! The text is that of [`serde_json`] for [`Json`](super::Json), byte by byte; a test compares both.

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Document, Value, date_to_json};

/// Numbers with at most six decimals are written by their millionths.
const UNIT: f64 = 1e6;
/// Upper bound on the millionths of such a number. A decimal of at most 15 digits is the shortest that reads as its
/// number, so it is what the general algorithm finds, too.
const UNITS_MAX: f64 = 1e15;
/// Lower bound on such a number, besides 0: smaller ones are written with an exponent.
const PLAIN_MIN: f64 = 1e-5;
/// The two digits of each number below 100.
const DIGITS: [[u8; 2]; 100] = {
    let mut digits = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < 100 {
        digits[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    digits
};

/// Numbers between -1 and 1 with at most four decimals, as probabilities and their changes are, have their text in a
/// table.
const SHORT_UNIT: f64 = 1e4;
/// The text of each number of ten-thousandths below 1, as bytes in the order of memory. The last byte has its length.
static SHORT: [u64; 10_000] = {
    let mut texts = [0; 10_000];
    let mut number = 0;
    while number < texts.len() {
        let ([a, b], [c, d]) = (DIGITS[number / 100], DIGITS[number % 100]);
        let mut length = 6;
        let mut rest = number;
        while length > 3 && rest % 10 == 0 {
            (rest, length) = (rest / 10, length - 1);
        }
        texts[number] = u64::from_le_bytes([b'0', b'.', a, b, c, d, 0, length]);
        number += 1;
    }
    texts
};

/// Returns the JSON text of a document.
pub fn to_text(document: &Document<'_>) -> String {
    let mut out = Vec::with_capacity(2048);
    write_document(&mut out, document);
    // All that is written is UTF-8.
    String::from_utf8(out).unwrap_or_default()
}

fn write_document(out: &mut Vec<u8>, document: &Document<'_>) {
    out.push(b'{');
    for (index, (name, value)) in document.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        debug_assert!(is_plain(name), "{name} needs escapes");
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_value(out, value);
    }
    out.push(b'}');
}

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Text(text) => write_string(out, text),
        Value::Int32(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
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
    if is_plain(text) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
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

fn write_double(out: &mut Vec<u8>, number: f64) {
    let scaled = number * SHORT_UNIT;
    // As below.
    let units = (scaled + 0.5_f64.copysign(scaled)) as i32;
    if let Some(&entry) = SHORT.get(units.unsigned_abs() as usize)
        && f64::from(units) / SHORT_UNIT == number
        && (units != 0 || number.to_bits() == 0)
    {
        let (start, is_negative) = (out.len(), units < 0);
        let text = if is_negative { entry << u8::BITS | u64::from(b'-') } else { entry };
        // All bytes are copied at once, which is one instruction, and those behind the text are cut off.
        out.extend_from_slice(&text.to_le_bytes());
        out.truncate(start + usize::from(is_negative) + (entry >> (u64::BITS - u8::BITS)) as usize);
        return;
    }
    let scaled = number * UNIT;
    let is_short = scaled.abs() < UNITS_MAX && (number.abs() >= PLAIN_MIN || number.to_bits() == 0);
    // Truncated, after half a unit away from 0. `round` is a call of a function.
    let units = (scaled + 0.5_f64.copysign(scaled)) as i64;
    if !is_short || units as f64 / UNIT != number {
        // Also 0 with a sign, and what is no number.
        let _ = serde_json::to_writer(out, &number);
        return;
    }
    if units < 0 {
        out.push(b'-');
    }
    let units = units.unsigned_abs();
    let (whole, decimals) = (units / UNIT as u64, (units % UNIT as u64) as usize);
    match whole {
        0..10 => out.push(b'0' + whole as u8),
        _ => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
    }
    // All six are copied, which is one instruction, and the zeros at the end are cut off.
    let [[a, b], [c, d], [e, f]] = [decimals / 10_000, decimals / 100 % 100, decimals % 100].map(|two| DIGITS[two]);
    let end = out.len() + 2;
    out.extend_from_slice(&[b'.', a, b, c, d, e, f]);
    let length = [f, e, d, c, b].into_iter().take_while(|digit| *digit == b'0').count();
    out.truncate(end + 5 - length);
}

/// Writes a time as [`date_to_json`] does.
fn write_date(out: &mut Vec<u8>, at: &DateTime<Utc>) {
    let (date, time) = (at.date_naive(), at.time());
    let Some(year) = usize::try_from(date.year()).ok().filter(|year| *year <= 9999) else {
        out.extend_from_slice(date_to_json(at).as_bytes());
        return;
    };
    // A leap second has more than a second's nanoseconds.
    let (seconds, millis) = (time.second() + time.nanosecond() / 1_000_000_000, at.timestamp_subsec_millis());
    let two = |number: u32| DIGITS[number as usize % 100];
    let ([y1, y2], [y3, y4]) = (DIGITS[year / 100], DIGITS[year % 100]);
    let [[m1, m2], [d1, d2]] = [date.month(), date.day()].map(two);
    let [[h1, h2], [n1, n2], [s1, s2]] = [time.hour(), time.minute(), seconds].map(two);
    out.extend_from_slice(&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2]);
    if millis != 0 {
        let millis = millis % 1000;
        let [tens, ones] = two(millis);
        out.extend_from_slice(&[b'.', b'0' + (millis / 100) as u8, tens, ones]);
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
            (-10_100_i64..10_100).prop_map(|units| units as f64 / SHORT_UNIT),
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
