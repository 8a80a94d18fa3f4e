//! Parses ISO 8601 dates and times in all forms that producers write.
//!
//! Date and time are taken as written, and an offset shifts neither. [`IsoTime::instant()`] applies it.
//!
//! | part | forms |
//! |---|---|
//! | date | `2016-12-25`, `20161225`, `2016-360`, `2016360`, `2016-W51-7`, `2016W517` |
//! | separator | `T`, `t`, or blanks |
//! | time | `18`, `18:05`, `18:05:07`, `1805`, `180507`, a fraction of a second after `.` or `,`; `24:00`; second 60 |
//! | offset | `Z`, `z`, `UTC`, `GMT`, `+00`, `+0000`, `+00:00`, `+00:00:00`, blanks before it or none |
//! | zone | `[Europe/Paris]` behind the offset, as Java writes it |

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

/// A date, with its time if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsoTime {
    pub(crate) date: NaiveDate,
    pub(crate) time: Option<NaiveTime>,
    /// The offset from UTC if it has one, in seconds, positive east of Greenwich.
    offset_s: Option<i32>,
    /// The time is 24:00, the midnight at the end of the date.
    ends_day: bool,
}

impl IsoTime {
    /// Parses a whole text; `None` if it has none of the forms above, or is not in the calendar.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, rest) = match text.find(['T', 't', ' ']) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let date = self::date(date)?;
        let mut rest = Cursor(rest.as_bytes());
        if rest.0.is_empty() {
            return Some(IsoTime { date, time: None, offset_s: None, ends_day: false });
        }
        if !rest.take_any(b"Tt") {
            rest.skip_blanks();
        }
        let (time, ends_day) = time(&mut rest)?;
        rest.skip_blanks();
        let offset_s = offset(&mut rest)?;
        zone(&mut rest)?;
        rest.0.is_empty().then_some(IsoTime { date, time: Some(time), offset_s, ends_day })
    }

    /// The instant; `None` without a time or an offset. The name of a zone is none: an hour occurs twice in it when the
    /// clocks go back.
    pub(crate) fn instant(&self) -> Option<DateTime<Utc>> {
        let shift = TimeDelta::days(self.ends_day.into()) - TimeDelta::seconds(self.offset_s?.into());
        self.date.and_time(self.time?).and_utc().checked_add_signed(shift)
    }
}

/// The unread part of a text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes the next byte if it is one of these.
    fn take_any(&mut self, bytes: &[u8]) -> bool {
        match self.0 {
            [first, rest @ ..] if bytes.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a word if it is next.
    fn take_word(&mut self, word: &str) -> bool {
        let rest = self.0.strip_prefix(word.as_bytes());
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        while self.take_any(b" ") {}
    }

    /// Takes exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits
            .iter()
            .try_fold(0, |number: u32, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))?;
        self.0 = rest;
        Some(number)
    }
}

fn date(text: &str) -> Option<NaiveDate> {
    let mut rest = Cursor(text.as_bytes());
    let year = rest.digits(4)?.cast_signed();
    let extended = rest.take_any(b"-");
    let date = if rest.take_any(b"W") {
        let week = rest.digits(2)?;
        if extended != rest.take_any(b"-") {
            return None;
        }
        let day = Weekday::try_from(u8::try_from(rest.digits(1)?.checked_sub(1)?).ok()?).ok()?;
        NaiveDate::from_isoywd_opt(year, week, day)
    } else if rest.0.len() == 3 {
        NaiveDate::from_yo_opt(year, rest.digits(3)?)
    } else {
        let month = rest.digits(2)?;
        if extended != rest.take_any(b"-") {
            return None;
        }
        NaiveDate::from_ymd_opt(year, month, rest.digits(2)?)
    };
    date.filter(|_| rest.0.is_empty())
}

/// Takes a time of day, and returns whether it is 24:00.
fn time(rest: &mut Cursor<'_>) -> Option<(NaiveTime, bool)> {
    let hour = rest.digits(2)?;
    let extended = rest.take_any(b":");
    let (mut minute, mut second, mut nanosecond) = (0, 0, 0);
    if extended || rest.0.first().is_some_and(u8::is_ascii_digit) {
        minute = rest.digits(2)?;
        let second_follows =
            if extended { rest.take_any(b":") } else { rest.0.first().is_some_and(u8::is_ascii_digit) };
        if second_follows {
            second = rest.digits(2)?;
            if rest.take_any(b".,") {
                nanosecond = fraction(rest)?;
            }
        }
    }
    let time = match (hour, minute, second) {
        // Midnight at the end of the day; the date stays as written.
        (24, 0, 0) => return Some((NaiveTime::MIN, true)),
        // A leap second.
        (hour, minute, 60) => NaiveTime::from_hms_nano_opt(hour, minute, 59, 999_999_999),
        (hour, minute, second) => NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond),
    };
    time.map(|time| (time, false))
}

/// The fraction of a second in nanoseconds; digits after the ninth are ignored.
fn fraction(rest: &mut Cursor<'_>) -> Option<u32> {
    let (mut nanosecond, mut unit) = (rest.digits(1)? * 100_000_000, 10_000_000);
    while let Some(digit) = rest.digits(1) {
        nanosecond += digit * unit;
        unit /= 10;
    }
    Some(nanosecond)
}

/// Takes an offset in seconds, if any; `None` if it is not one.
fn offset(rest: &mut Cursor<'_>) -> Option<Option<i32>> {
    if rest.take_any(b"Zz") || rest.take_word("UTC") || rest.take_word("GMT") {
        return Some(Some(0));
    }
    let is_east = rest.take_any(b"+");
    if !is_east && !rest.take_any(b"-") {
        return Some(None);
    }
    let hours = rest.digits(2)?;
    let extended = rest.take_any(b":");
    let mut parts = [0, 0];
    for part in &mut parts {
        if extended || rest.0.first().is_some_and(u8::is_ascii_digit) {
            *part = rest.digits(2)?;
            if extended && !rest.take_any(b":") {
                break;
            }
        }
    }
    let seconds = ((hours * 60 + parts[0]) * 60 + parts[1]).cast_signed();
    (hours < 24 && parts.iter().all(|part| *part < 60)).then_some(Some(if is_east { seconds } else { -seconds }))
}

/// Skips a zone name in brackets, if any; `None` if the bracket does not end, or is empty.
fn zone(rest: &mut Cursor<'_>) -> Option<()> {
    if !rest.take_any(b"[") {
        return Some(());
    }
    let end = rest.0.iter().position(|byte| *byte == b']').filter(|end| *end > 0)?;
    let named = rest.0[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte));
    rest.0 = &rest.0[end + 1..];
    named.then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<String> {
        let IsoTime { date, time, .. } = IsoTime::parse(text)?;
        Some(time.map_or_else(|| date.to_string(), |time| format!("{date} {time}")))
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        for text in ["2016-12-25", "20161225", "2016-360", "2016360", "2016-W51-7", "2016W517"] {
            assert_eq!(read(text).as_deref(), Some("2016-12-25"), "{text}");
        }
        assert_eq!(read("2021-W53-5"), None, "that year has 52 weeks");
        assert_eq!(read("2020-W53-5").as_deref(), Some("2021-01-01"));
    }

    #[test]
    fn every_form_of_a_time_is_read_as_written() {
        for time in ["T18", "T18:00", " 18:00:00", "t1800", "T180000.000", "  18:00:00,0"] {
            for offset in
                ["", "Z", "z", " UTC", " GMT", "+00", "+0000", "-00:00", " +0530", "-08:00", "+01:00[Europe/Paris]"]
            {
                let text = format!("2016-12-25{time}{offset}");
                assert_eq!(read(&text).as_deref(), Some("2016-12-25 18:00:00"), "{text}");
            }
        }
        assert_eq!(read("2016-12-25T13:41:32.246003").as_deref(), Some("2016-12-25 13:41:32.246003"));
        assert_eq!(read("2016-12-25T13:41:32.2460031239999").as_deref(), Some("2016-12-25 13:41:32.246003123"));
        assert_eq!(read("2016-12-25T24:00").as_deref(), Some("2016-12-25 00:00:00"));
        assert_eq!(read("2016-12-31T23:59:60Z").as_deref(), Some("2016-12-31 23:59:59.999999999"));
    }

    #[test]
    fn a_time_with_an_offset_is_an_instant() {
        let instant = |text: &str| IsoTime::parse(text)?.instant().map(|at| at.to_rfc3339());
        for text in [
            "2016-12-25T18:00Z",
            "2016-12-25 18 UTC",
            "20161225T180000 GMT",
            "2016-12-25T12:30:00-05:30",
            "2016-12-26T05+11",
            "2016-12-25T18:01:01+00:01:01",
            "2016-12-25T19:00+01:00[Europe/Paris]",
            "2016-12-24T24:00-1800",
        ] {
            assert_eq!(instant(text).as_deref(), Some("2016-12-25T18:00:00+00:00"), "{text}");
        }
        for text in ["2016-12-25", "2016-12-25T18:00", "2016-12-25T18:00[Europe/Paris]"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2016",
            "2016-12",
            "2016-12-2",
            "2016-1225",
            "201612-25",
            "2016-13-01",
            "2015-02-29",
            "2016-367",
            "2016-000",
            "2016-W00-1",
            "2016-W51-0",
            "2016-W51-8",
            "2016W51-7",
            "+2016-12-25",
            "25/12/2016",
            "2016-12-25x",
            "2016-12-25T",
            "2016-12-25 ",
            "2016-12-25Tea",
            "2016-12-25T1",
            "2016-12-25T18:",
            "2016-12-25T18:5",
            "2016-12-25T25:00",
            "2016-12-25T24:01",
            "2016-12-25T18:60",
            "2016-12-25T18:00:61",
            "2016-12-25T18:00:00.",
            "2016-12-25T18:00Zulu",
            "2016-12-25T18:00+",
            "2016-12-25T18:00+1",
            "2016-12-25T18:00+-05",
            "2016-12-25T18:00+01:",
            "2016-12-25T18:00+24",
            "2016-12-25T18:00+01:60",
            "2016-12-25T18:00+01:00[",
            "2016-12-25T18:00+01:00[]",
            "2016-12-25T18:00[a b]",
            "２０１６-１２-２５",
            "2016-12-25T１８",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9TtWZ:+., \\[\\]é-]{0,40}") {
            let _ = IsoTime::parse(&text);
        }

        #[test]
        fn texts_written_by_chrono_are_read(days in 0i32..80_000, ms in 0i64..86_400_000, minutes in -1439i32..1440) {
            let at = NaiveDate::from_epoch_days(days).unwrap().and_time(NaiveTime::MIN) + chrono::Duration::milliseconds(ms);
            let offset = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
            let at_offset = at.and_local_timezone(offset).unwrap();
            let read = IsoTime::parse(&at_offset.to_rfc3339()).unwrap();
            prop_assert_eq!((read.date, read.time), (at.date(), Some(at.time())));
            prop_assert_eq!(read.instant(), Some(at_offset.to_utc()));
        }
    }
}
