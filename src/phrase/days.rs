//! Days and times of day as people write them.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::words::Word;

/// A day, before it is known which day is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// Days after today.
    After(i64),
    /// The next day of the week, today included.
    Weekday(Weekday),
    /// The next day of a month, today included.
    OfMonth { month: u32, day: u32 },
    /// A date with its year.
    Date(NaiveDate),
}

/// A day that was this many days ago is meant by a date without a year, as people ask about flights that just landed.
const BEFORE_MAX: u64 = 7;

impl Day {
    /// Reads a day at the beginning of words, with the number of these words.
    pub(super) fn read(words: &[Word]) -> Option<(Self, usize)> {
        let first = words[0].text.as_str();
        let after = match first {
            "today" | "tonight" | "hoy" => Some(0),
            "tomorrow" | "tmrw" | "manana" => Some(1),
            "yesterday" | "ayer" => Some(-1),
            _ => None,
        };
        let one = after.map(Day::After).or_else(|| weekday(first).map(Day::Weekday)).or_else(|| numeric(first));
        if let Some(day) = one {
            return Some((day, 1));
        }
        // `4 July`, `4th of July 2026`, `July 4`.
        let text = |at: usize| words.get(at).map(|word| word.text.as_str());
        let linked = usize::from(matches!(text(1), Some("of" | "de")));
        let day_first = day_of_month(first).zip(text(1 + linked).and_then(month)).map(|found| (found, 2 + linked));
        let month_first = || text(1).and_then(day_of_month).zip(month(first)).map(|found| (found, 2));
        let ((day, month), taken) = day_first.or_else(month_first)?;
        let linked = usize::from(matches!(text(taken), Some("de" | "of")));
        let year = text(taken + linked).filter(|text| text.len() == 4).and_then(|text| text.parse().ok());
        match year.and_then(|year: i32| (1980..2200).contains(&year).then(|| NaiveDate::from_ymd_opt(year, month, day)))
        {
            Some(date) => Some((Day::Date(date?), taken + linked + 1)),
            // A leap day is one in some year.
            None => NaiveDate::from_ymd_opt(2000, month, day).map(|_| (Day::OfMonth { month, day }, taken)),
        }
    }

    /// Returns the date, given that of today.
    pub(super) fn after(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            Day::After(days @ 0..) => today.checked_add_days(Days::new(days.unsigned_abs())),
            Day::After(days) => today.checked_sub_days(Days::new(days.unsigned_abs())),
            Day::Weekday(weekday) => {
                let days = (7 + weekday.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
                today.checked_add_days(Days::new(days.into()))
            }
            Day::OfMonth { month, day } => {
                let first = today.checked_sub_days(Days::new(BEFORE_MAX))?;
                // A leap day comes within eight years.
                (0..=8).find_map(|years| {
                    NaiveDate::from_ymd_opt(first.year() + years, month, day).filter(|date| *date >= first)
                })
            }
            Day::Date(date) => Some(date),
        }
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "monday" | "mon" | "lunes" => Weekday::Mon,
        "tuesday" | "tue" | "tues" | "martes" => Weekday::Tue,
        "wednesday" | "wed" | "miercoles" => Weekday::Wed,
        "thursday" | "thu" | "thur" | "thurs" | "jueves" => Weekday::Thu,
        "friday" | "fri" | "viernes" => Weekday::Fri,
        "saturday" | "sat" | "sabado" => Weekday::Sat,
        "sunday" | "sun" | "domingo" => Weekday::Sun,
        _ => return None,
    })
}

const MONTHS: [(&str, &str); 12] = [
    ("january", "enero"),
    ("february", "febrero"),
    ("march", "marzo"),
    ("april", "abril"),
    ("may", "mayo"),
    ("june", "junio"),
    ("july", "julio"),
    ("august", "agosto"),
    ("september", "septiembre"),
    ("october", "octubre"),
    ("november", "noviembre"),
    ("december", "diciembre"),
];

/// Reads the name of a month, or its first three letters.
fn month(text: &str) -> Option<u32> {
    let is_short = |name: &str| text == &name[..3] || (text == "sept" && name.starts_with("sept"));
    let at = MONTHS.iter().position(|(english, spanish)| {
        text == *english || text == *spanish || is_short(english) || is_short(spanish)
    })?;
    Some(at as u32 + 1)
}

/// Reads `4`, `4th`, `1st`.
fn day_of_month(text: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|suffix| text.strip_suffix(suffix)).unwrap_or(text);
    number(digits, 2).filter(|day| (1..=31).contains(day))
}

fn number(text: &str, digits_max: usize) -> Option<u32> {
    let is_number = (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Reads `2026-07-04`, `7/4`, `7/4/2026`, `4.7.` and `4.7.2026`.
fn numeric(text: &str) -> Option<Day> {
    let of = |month: &str, day: &str, year: Option<&str>| {
        let (month, day) = (number(month, 2)?, number(day, 2)?);
        match year.filter(|year| !year.is_empty()) {
            Some(year) => {
                let full = number(year, 4)?;
                let year = if year.len() == 2 { 2000 + full } else { full };
                NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).map(Day::Date)
            }
            None => NaiveDate::from_ymd_opt(2000, month, day).map(|_| Day::OfMonth { month, day }),
        }
    };
    let parts = |mark: char| text.split(mark).collect::<Vec<_>>();
    match (parts('-')[..].as_ref(), parts('/')[..].as_ref(), parts('.')[..].as_ref()) {
        ([year, month, day], ..) if year.len() == 4 => of(month, day, Some(year)),
        (_, [month, day], _) => of(month, day, None),
        (_, [month, day, year], _) => of(month, day, Some(year)),
        (.., [day, month, year]) => of(month, day, Some(year)),
        _ => None,
    }
}

/// Reads a time of day at the beginning of words: minutes since midnight, and the number of these words.
pub(super) fn time(words: &[Word]) -> Option<(u16, usize)> {
    let first = words[0].text.as_str();
    if matches!(first, "noon" | "mediodia") {
        return Some((12 * 60, 1));
    }
    let half = |text: &str| match text {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    };
    let split = first.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(first.len());
    let (clock, suffix) = first.split_at(split);
    let (is_afternoon, taken) = match suffix {
        "" => match words.get(1).and_then(|word| half(&word.text).filter(|_| word.text.len() == 2)) {
            Some(afternoon) => (Some(afternoon), 2),
            None => (None, 1),
        },
        "h" => (None, 1),
        suffix => (Some(half(suffix)?), 1),
    };
    let (hour, minute) = match clock.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (number(hour, 2)?, number(minute, 2)?),
        Some(_) => return None,
        // A number alone is no time.
        None if is_afternoon.is_none() && suffix != "h" => return None,
        None => match number(clock, 4)? {
            hour @ 0..24 => (hour, 0),
            both => (both / 100, both % 100),
        },
    };
    let hour = match is_afternoon {
        Some(afternoon) if (1..=12).contains(&hour) => hour % 12 + if afternoon { 12 } else { 0 },
        Some(_) => return None,
        None => hour,
    };
    (hour < 24 && minute < 60).then_some(((hour * 60 + minute) as u16, taken))
}
