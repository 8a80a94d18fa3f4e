//! Dates, times of day and zones in the spellings of known tables.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// A date as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrittenDate {
    /// The order is certain: the year comes first, or the month has a name.
    Certain(NaiveDate),
    /// Month and day or day and month, and the year.
    Ambiguous { first: u32, second: u32, year: i32 },
}

/// A date with an optional time of day and an optional zone of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timestamp {
    pub(super) date: WrittenDate,
    pub(super) time: Option<NaiveTime>,
    /// Seconds east of UTC.
    pub(super) zone: Option<i32>,
}

/// The first year that two digits denote: 87 is 1987, 86 is 2086.
const TWO_DIGIT_YEARS_BEGIN: i32 = 1987;

impl Timestamp {
    /// Parses `2015-07-04`, `2015/7/4`, `20150704`, `7/4/2015`, `7/4/15`, `4-JUL-15`, each also with a time of day and
    /// a zone, and the seconds, milli-, micro- or nanoseconds since 1970 of data frames.
    pub(super) fn parse(text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        // The most frequent form.
        if bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' {
            let number = |range: std::ops::Range<usize>| digits(text.get(range)?);
            let date = NaiveDate::from_ymd_opt(number(0..4)? as i32, number(5..7)?, number(8..10)?)?;
            return with_time(WrittenDate::Certain(date), text.get(10..)?);
        }
        if bytes.iter().all(u8::is_ascii_digit) {
            return from_digits(text);
        }
        if let Some(whole) = text.strip_suffix(".0").filter(|whole| digits(whole).is_some()) {
            return from_digits(whole);
        }
        // The T of October follows a letter.
        let ends =
            |at: &usize| bytes[*at] == b' ' || (bytes[*at] == b'T' && *at > 0 && bytes[*at - 1].is_ascii_digit());
        let (date, rest) = text.split_at((0..bytes.len()).find(ends).unwrap_or(bytes.len()));
        with_time(from_named_month(date).or_else(|| from_numbers(date))?, rest)
    }

    /// Converts to UTC; `None` without a zone.
    pub(super) fn utc(&self) -> Option<NaiveDateTime> {
        let (WrittenDate::Certain(date), Some(time), Some(zone)) = (self.date, self.time, self.zone) else {
            return None;
        };
        date.and_time(time).checked_sub_signed(TimeDelta::seconds(i64::from(zone)))
    }
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Parses `20150704`, or the time since 1970. The number of digits gives the unit, in the years that are accepted.
fn from_digits(text: &str) -> Option<Timestamp> {
    if text.len() == 8 {
        let number = digits(text)?;
        let date = NaiveDate::from_ymd_opt((number / 10_000) as i32, number / 100 % 100, number % 100)?;
        return Some(Timestamp { date: WrittenDate::Certain(date), time: None, zone: None });
    }
    let per_second: i64 = match text.len() {
        10 => 1,
        // Twelve digits are milliseconds before 2001, or a date with a time (199912312359), which begins with 1 or 2.
        12 if text.as_bytes()[0] >= b'5' => 1_000,
        13 => 1_000,
        16 => 1_000_000,
        19 => 1_000_000_000,
        _ => return None,
    };
    let number: i64 = text.parse().ok()?;
    let nanos = (number % per_second) * (1_000_000_000 / per_second);
    let at = chrono::DateTime::from_timestamp(number / per_second, u32::try_from(nanos).ok()?)?.naive_utc();
    Some(Timestamp { date: WrittenDate::Certain(at.date()), time: Some(at.time()), zone: Some(0) })
}

/// Parses `7/4/2015`, `7-4-15`, `4.7.2015`, `2015/7/4`.
fn from_numbers(text: &str) -> Option<WrittenDate> {
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| "/-.".contains(*c))?;
    let mut parts = text.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    if first.len() == 4 {
        let date = NaiveDate::from_ymd_opt(digits(first)? as i32, digits(second)?, digits(third)?)?;
        return Some(WrittenDate::Certain(date));
    }
    if first.len() > 2 || second.len() > 2 {
        return None;
    }
    Some(WrittenDate::Ambiguous { first: digits(first)?, second: digits(second)?, year: year(third)? })
}

fn year(text: &str) -> Option<i32> {
    let number = digits(text)? as i32;
    match text.len() {
        4 => Some(number),
        2 => Some(if number >= TWO_DIGIT_YEARS_BEGIN % 100 { 1900 + number } else { 2000 + number }),
        _ => None,
    }
}

/// Parses `04-JUL-15`, `4-Jul-2015`, `04JUL2015`.
fn from_named_month(text: &str) -> Option<WrittenDate> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let begin = text.find(|c: char| !c.is_ascii_digit())?;
    let rest = text[begin..].strip_prefix(['-', '/', '.']).unwrap_or(&text[begin..]);
    let name = rest.get(..3)?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))? as u32 + 1;
    let rest = rest[3..].strip_prefix(['-', '/', '.']).unwrap_or(&rest[3..]);
    NaiveDate::from_ymd_opt(year(rest)?, month, digits(&text[..begin])?).map(WrittenDate::Certain)
}

/// Parses the text after a date: nothing, or `T` or a space and a time.
fn with_time(date: WrittenDate, rest: &str) -> Option<Timestamp> {
    let rest = rest.trim_end();
    if rest.is_empty() {
        return Some(Timestamp { date, time: None, zone: None });
    }
    let (time, zone) = time_and_zone(rest.strip_prefix(['T', ' '])?)?;
    Some(Timestamp { date, time: Some(time), zone })
}

/// Parses `12:15`, `12:15:00`, `12:15:00.000`, `3:15 PM`, each also with a zone: `Z`, `UTC`, `+02:00`, `+0200`, `+02`.
/// 24:00 is 0:00.
pub(super) fn time_and_zone(text: &str) -> Option<(NaiveTime, Option<i32>)> {
    // Java writes the zone's name after its offset: 2015-07-04T00:00+02:00[Europe/Madrid].
    let text = text.trim().split('[').next()?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let mut parts = time.split(':');
    let (hours, minutes) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0), |seconds| digits(seconds.split('.').next()?))?;
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    let rest = rest.trim_start();
    let am_or_pm = rest.get(..2).map(str::to_ascii_uppercase);
    let (hours, rest) = match am_or_pm.as_deref() {
        Some("AM") if (1..=12).contains(&hours) => (hours % 12, &rest[2..]),
        Some("PM") if (1..=12).contains(&hours) => (hours % 12 + 12, &rest[2..]),
        _ => (hours, rest),
    };
    let hours = if hours == 24 && minutes == 0 && seconds == 0 { 0 } else { hours };
    let zone = rest.trim_start();
    let zone = if zone.is_empty() { None } else { Some(zone_offset(zone)?) };
    Some((NaiveTime::from_hms_opt(hours, minutes, seconds)?, zone))
}

/// Parses the seconds east of UTC.
fn zone_offset(text: &str) -> Option<i32> {
    if ["Z", "UTC", "GMT"].iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return Some(0);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match text[1..].split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => (text.get(1..3)?, text.get(3..)?),
    };
    let minutes = if minutes.is_empty() { 0 } else { digits(minutes)? };
    let hours = digits(hours)?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certain(date: &str) -> WrittenDate {
        WrittenDate::Certain(date.parse().unwrap())
    }

    #[test]
    fn dates_are_parsed_in_each_spelling() {
        for text in [
            "2015-07-04",
            "20150704",
            "20150704.0",
            "2015/7/4",
            "2015-7-4",
            "2015.07.04",
            "4-Jul-15",
            "04-JUL-2015",
            "04JUL2015",
            "2015-07-04 ",
        ] {
            assert_eq!(
                Timestamp::parse(text),
                Some(Timestamp { date: certain("2015-07-04"), time: None, zone: None }),
                "{text}"
            );
        }
        let numbers = |first, second, year| WrittenDate::Ambiguous { first, second, year };
        for (text, date) in [
            ("7/4/2015", numbers(7, 4, 2015)),
            ("07/04/15", numbers(7, 4, 2015)),
            ("7-4-15", numbers(7, 4, 2015)),
            ("21.12.1999", numbers(21, 12, 1999)),
            ("1/1/87", numbers(1, 1, 1987)),
            ("1/1/86", numbers(1, 1, 2086)),
            ("7/4/2015 12:00:00 AM", numbers(7, 4, 2015)),
        ] {
            assert_eq!(Timestamp::parse(text).map(|timestamp| timestamp.date), Some(date), "{text}");
        }
    }

    #[test]
    fn times_and_zones_are_parsed_in_each_spelling() {
        for (text, time, zone) in [
            ("2015-07-04T04:00:00.000Z", "04:00:00", Some(0)),
            ("2015-07-04 04:00:00 UTC", "04:00:00", Some(0)),
            ("2015-07-04 04:00:00+00:00", "04:00:00", Some(0)),
            ("2015-07-04T00:00:00.000-0400", "00:00:00", Some(-4 * 3600)),
            ("2015-07-04T00:00+02:00[Europe/Madrid]", "00:00:00", Some(2 * 3600)),
            ("2015-07-04T00:00:00+05:30", "00:00:00", Some(5 * 3600 + 1800)),
            ("2015-07-04 12:15", "12:15:00", None),
            ("1435968000", "00:00:00", Some(0)),
            ("1435968000000", "00:00:00", Some(0)),
            ("1435982400000000", "04:00:00", Some(0)),
        ] {
            let timestamp = Timestamp::parse(text).unwrap_or_else(|| panic!("{text}"));
            let expected = Timestamp { date: certain("2015-07-04"), time: Some(time.parse().unwrap()), zone };
            assert_eq!(timestamp, expected, "{text}");
        }
        assert_eq!(Timestamp::parse("567993600000").unwrap().date, certain("1988-01-01"));
        for (text, time) in
            [("12:15 AM", "00:15:00"), ("12:15:00 pm", "12:15:00"), ("3:05PM", "15:05:00"), ("24:00", "00:00:00")]
        {
            assert_eq!(time_and_zone(text), Some((time.parse().unwrap(), None)), "{text}");
        }
    }

    #[test]
    fn texts_without_a_date_or_a_time_are_refused() {
        for text in [
            "",
            "2015-02-30",
            "2015-07-04x",
            "2015-07-04T",
            "2015-07-04T25:00",
            "2015-07-04T04:00:00+99:00",
            "7/4",
            "7/4/2015/1",
            "7/4/115",
            "42189",
            "201507",
            "hello",
            "T",
            " ",
            "-",
            "é-7-2015",
            "4-Juli-15",
            "99999999999999999999",
            "2015-07-04 é",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
        for text in ["12", "12:60", "13:00 PM", "0:15 AM", "24:01", "12:15:00:00", "12:15 +1x", "::", "12:15 é"] {
            assert_eq!(time_and_zone(text), None, "{text:?}");
        }
    }
}
