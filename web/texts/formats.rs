//! Counts, shares and dates in words of a language.

use chrono::{Datelike, NaiveDate};

use super::{catalog::Texts, numbers::written, say};

impl Texts {
    /// Writes a count.
    pub(crate) fn number(self, count: u64) -> String {
        written(self.language, &count.to_string())
    }

    /// Writes a number with so many decimals.
    pub(crate) fn decimal(self, number: f64, decimals: usize) -> String {
        written(self.language, &format!("{number:.decimals$}"))
    }

    /// The same with its sign, also of a positive one.
    pub(crate) fn signed(self, number: f64, decimals: usize) -> String {
        let sign = if number.is_sign_negative() { "" } else { "+" };
        format!("{sign}{}", self.decimal(number, decimals))
    }

    /// Writes a percentage without decimals; one above 0 is never shown as 0, and one below 100 never as 100.
    pub(crate) fn percent(self, share: f64) -> String {
        // Both languages have a space before the sign here.
        match share {
            _ if share > 0.0 && share < 0.5 => "<1\u{a0}%".to_owned(),
            99.5..100.0 => ">99\u{a0}%".to_owned(),
            _ => format!("{}\u{a0}%", share.round()),
        }
    }

    /// Writes a number of minutes with its unit.
    pub(crate) fn minutes(self, minutes: f64) -> String {
        say!(self, "minutes", minutes = minutes)
    }

    /// Writes a day, as in `25 December 2016`.
    pub(crate) fn day(self, date: NaiveDate) -> String {
        say!(self, "day", day = date.day(), month = date.month(), year = date.year().to_string())
    }

    /// Writes a day without its year.
    pub(crate) fn day_of_year(self, date: NaiveDate) -> String {
        say!(self, "day-of-year", day = date.day(), month = date.month())
    }

    /// Writes a day with its day of the week, as in `Sunday, 25 December 2016`.
    pub(crate) fn long_day(self, date: NaiveDate) -> String {
        let weekday = date.weekday().number_from_monday();
        let (day, month, year) = (date.day(), date.month(), date.year().to_string());
        say!(self, "long-day", weekday = weekday, day = day, month = month, year = year)
    }

    /// Writes the first three letters of the month of a day.
    pub(crate) fn short_month(self, date: NaiveDate) -> String {
        say!(self, "month-name", month = date.month()).chars().take(3).collect()
    }

    /// Writes a month with its year.
    pub(crate) fn month(self, year: i32, month: u32) -> String {
        say!(self, "month", month = month, year = year.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::language::Language, *};

    #[test]
    fn what_is_possible_is_neither_0_nor_100_percent() {
        let texts = Texts::of(Language::English);
        assert_eq!(
            [0.0, 0.2, 0.5, 99.4, 99.7, 100.0].map(|share| texts.percent(share)).join(" "),
            "0\u{a0}% <1\u{a0}% 1\u{a0}% 99\u{a0}% >99\u{a0}% 100\u{a0}%"
        )
    }

    #[test]
    fn numbers_have_the_marks_of_their_language() {
        let [english, spanish] = Language::ALL.map(Texts::of);
        assert_eq!([0, 999, 2586, 1_234_567].map(|count| english.number(count)), ["0", "999", "2,586", "1,234,567"]);
        assert_eq!(
            [0, 999, 2586, 29_250, 1_234_567].map(|count| spanish.number(count)),
            ["0", "999", "2586", "29\u{202f}250", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!([english, spanish].map(|texts| texts.decimal(-12_345.678, 1)), ["-12,345.7", "-12\u{202f}345,7"]);
        assert_eq!([english, spanish].map(|texts| texts.signed(0.25, 2)), ["+0.25", "+0,25"]);
        assert_eq!([english, spanish].map(|texts| texts.minutes(2.5)), ["2.5 minutes", "2,5 minutos"]);
    }

    #[test]
    fn days_are_written_as_their_language_writes_them() {
        let [english, spanish] = Language::ALL.map(Texts::of);
        let day: NaiveDate = "2026-11-28".parse().unwrap();
        assert_eq!((english.day(day), spanish.day(day)), ("28 November 2026".into(), "28 de noviembre de 2026".into()));
        assert_eq!(english.long_day(day), "Saturday, 28 November 2026");
        assert_eq!(spanish.long_day(day), "sábado, 28 de noviembre de 2026");
        assert_eq!(english.day_of_year(day), "28\u{a0}November");
        assert_eq!((english.month(2013, 1), spanish.month(2013, 1)), ("January 2013".into(), "enero de 2013".into()));
        for month in 1..=12 {
            let date = NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
            assert_eq!(english.long_day(date), date.format("%A, %-d %B %Y").to_string());
        }
    }
}
