//! Numbers, flags and times of day in the spellings of known tables.

use std::borrow::Cow;

use chrono::{NaiveTime, Timelike};

use super::{
    dates::Clock,
    timestamp::{Timestamp, time_and_zone},
};
use crate::flight::time::from_hhmm;

/// The texts without a value of BTS, R, SQL, pandas, Python, Excel, and dumps of PostgreSQL and ClickHouse.
const MISSING: [&str; 17] = [
    "", "-", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "NULL", "null", "(null)", "None", "none",
    "\\N",
];

/// Trims a cell; `None` if it has no value. Columns of fixed width are padded with spaces or NUL, which ClickHouse
/// writes as `\0`.
pub(super) fn value(text: &str) -> Option<&str> {
    let mut text = text;
    let is_graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if !is_graphic(text.as_bytes().first()) || !is_graphic(text.as_bytes().last()) {
        text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    }
    while text.ends_with("\\0") {
        text = text[..text.len() - 2].trim_end();
    }
    let may_be_missing = text.len() <= 6 && !text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    (!(may_be_missing && MISSING.contains(&text))).then_some(text)
}

/// Parses a finite number; `Ok(None)` for NaN. With `decimal_comma`, a comma before one or two digits is the decimal
/// point; before three it may separate thousands, so it is refused.
pub(super) fn number(text: &str, decimal_comma: bool) -> Result<Option<f32>, ()> {
    let mut text = Cow::Borrowed(text);
    if decimal_comma && let Some((whole, fraction)) = text.split_once(',') {
        let zeros = fraction.bytes().all(|b| b == b'0') && fraction.len() != 3;
        if !zeros && fraction.len() > 2 || !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.is_empty() {
            return Err(());
        }
        text = format!("{whole}.{fraction}").into();
    }
    match text.parse::<f32>() {
        Ok(number) if number.is_nan() => Ok(None),
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(()),
    }
}

/// Parses a whole number, which may have zeros after a decimal point.
pub(super) fn whole_number(text: &str, decimal_comma: bool) -> Option<u32> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = number(text, decimal_comma).ok()??;
    // Whole numbers below 2^24 are exact as f32; no field has more digits.
    (number.fract() == 0.0 && (0.0..16_777_216.0).contains(&number)).then_some(number as u32)
}

/// Parses a flag.
pub(super) fn flag(text: &str, decimal_comma: bool) -> Option<bool> {
    match text {
        "0" | "0.00" => return Some(false),
        "1" | "1.00" => return Some(true),
        _ => {}
    }
    let is = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["t", "true", "y", "yes"]) {
        return Some(true);
    }
    if is(["f", "false", "n", "no"]) {
        return Some(false);
    }
    match number(text, decimal_comma) {
        Ok(Some(0.0)) => Some(false),
        Ok(Some(1.0)) => Some(true),
        _ => None,
    }
}

/// Parses a time of day in minutes: `1745`, `1745.0`, `17:45`, `5:45 PM`, or a timestamp, which is read on `clock`.
pub(super) fn time_of_day(text: &str, decimal_comma: bool, clock: Clock) -> Option<u16> {
    if text.len() <= 7
        && let Some(hhmm) = whole_number(text, decimal_comma)
    {
        return from_hhmm(i32::try_from(hhmm).ok()?);
    }
    let minutes = |time: NaiveTime| (time.hour() * 60 + time.minute()) as u16;
    if text.find(':').is_some_and(|at| at <= 2) {
        return time_and_zone(text).map(|(time, _)| minutes(time));
    }
    clock.time(&Timestamp::parse(text)?).map(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_trimmed_and_words_for_a_missing_value_are_none() {
        for text in [" AA ", "AA\0\0\0", "AA\\0\\0\\0\\0\\0", "\0AA"] {
            assert_eq!(value(text), Some("AA"), "{text:?}");
        }
        for text in MISSING.into_iter().chain(["\0\0", "\\0\\0", " \t", " \\N "]) {
            assert_eq!(value(text), None, "{text:?}");
        }
        // The code of Nadi, and texts that begin like words for no value.
        for text in ["NAN", "NIL", "-1", "N", "0", "NASHVILLE"] {
            assert_eq!(value(text), Some(text));
        }
    }

    #[test]
    fn numbers_have_decimal_points_or_commas_by_dialect() {
        for (text, comma, expected) in [
            ("-6.00", false, Ok(Some(-6.0))),
            ("-6,0", true, Ok(Some(-6.0))),
            ("2278,0", true, Ok(Some(2278.0))),
            ("12,50", true, Ok(Some(12.5))),
            ("12,0000", true, Ok(Some(12.0))),
            ("12.5", true, Ok(Some(12.5))),
            ("1e2", false, Ok(Some(100.0))),
            ("NAN", false, Ok(None)),
            ("-6,0", false, Err(())),
            // Thousands or thousandths?
            ("2,278", true, Err(())),
            ("2,000", true, Err(())),
            ("1.234,5", true, Err(())),
            ("1,2,3", true, Err(())),
            ("1,", true, Err(())),
            ("inf", false, Err(())),
            ("1e99", false, Err(())),
            ("x", false, Err(())),
        ] {
            assert_eq!(number(text, comma), expected, "{text:?}");
        }
        assert_eq!(
            [whole_number("512", false), whole_number("512.0", false), whole_number("512,0", true)],
            [Some(512); 3]
        );
        assert_eq!(
            [
                whole_number("512.5", false),
                whole_number("-1", false),
                whole_number("x", false),
                whole_number("NaN", false)
            ],
            [None; 4]
        );
    }

    #[test]
    fn flags_are_words_letters_or_numbers() {
        for text in ["1", "1.0", "1.00", "t", "T", "true", "True", "yes", "Y", "1,0"] {
            assert_eq!(flag(text, true), Some(true), "{text}");
        }
        for text in ["0", "0.0", "0.00", "f", "FALSE", "no", "N", "0,00"] {
            assert_eq!(flag(text, true), Some(false), "{text}");
        }
        assert_eq!([flag("2", false), flag("maybe", false), flag("", false), flag("0.5", false)], [None; 4]);
    }

    #[test]
    fn times_of_day_are_numbers_or_clock_times() {
        for text in ["1745", "1745.0", "1745.00", "17:45", "17:45:00", "17:45:30.5", "5:45 PM", "2015-01-01 17:45:00"] {
            assert_eq!(time_of_day(text, false, Clock::Written), Some(1065), "{text}");
        }
        for (text, min) in [("0", 0), ("5", 5), ("0005", 5), ("2400", 0), ("24:00", 0), ("00:05", 5), ("9:05", 545)] {
            assert_eq!(time_of_day(text, false, Clock::Written), Some(min), "{text}");
        }
        for text in ["560", "2460", "25:00", "-5", "12.5", "noon", "2015-01-01", "1745x"] {
            assert_eq!(time_of_day(text, false, Clock::Written), None, "{text}");
        }
        let zoned = "2015-07-03T23:30:00.000-07:00";
        let clocks =
            [Clock::Written, Clock::Utc, Clock::Offset(-5 * 3600)].map(|clock| time_of_day(zoned, false, clock));
        assert_eq!(clocks, [Some(23 * 60 + 30), Some(6 * 60 + 30), Some(60 + 30)]);
    }
}
