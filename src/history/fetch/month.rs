//! Months, and spans of months that one fetch may request.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A month of a year, written `2015-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    /// From 1.
    month: u8,
}

impl Month {
    /// The first month that BTS publishes.
    pub const FIRST: Month = Month { year: 1987, month: 10 };

    /// Returns the name of its zip at BTS, in use since "unique carriers" are called "reporting carriers".
    pub fn file_name(self) -> String {
        format!("On_Time_Reporting_Carrier_On_Time_Performance_1987_present_{}_{}.zip", self.year, self.month)
    }

    /// Months since the year 0.
    fn count(self) -> u32 {
        u32::from(self.year) * 12 + u32::from(self.month) - 1
    }

    fn next(self) -> Self {
        match self.month {
            12 => Month { year: self.year + 1, month: 1 },
            month => Month { month: month + 1, ..self },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An error about a month or a span of months.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MonthError {
    /// The text is not a month.
    #[error("{0:?} is no month: write the year and the month, as in 2015-01")]
    Spelling(String),
    /// The month is before the first one of BTS.
    #[error("{0} is before {first}, where the data of BTS begin", first = Month::FIRST)]
    TooEarly(Month),
    /// The last month is before the first.
    #[error("{last} is before {first}: swap the two")]
    Reversed {
        /// The first month.
        first: Month,
        /// The last month.
        last: Month,
    },
    /// The span is longer than [`Months::MAX`].
    #[error(
        "{first} to {last} are {months} months, and one fetch gets {max} at most: do it in several",
        max = Months::MAX
    )]
    TooMany {
        /// The first month.
        first: Month,
        /// The last month.
        last: Month,
        /// Number of months in the span.
        months: u32,
    },
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let digits = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.split_once('-').filter(|(year, month)| digits(year, 4) && digits(month, 2));
        let parsed =
            parsed.and_then(|(year, month)| Some(Month { year: year.parse().ok()?, month: month.parse().ok()? }));
        match parsed {
            Some(month) if month >= Self::FIRST && (1..=12).contains(&month.month) => Ok(month),
            Some(month) if (1..=12).contains(&month.month) => Err(MonthError::TooEarly(month)),
            _ => Err(MonthError::Spelling(text.to_owned())),
        }
    }
}

/// A span of months, both ends included; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Months {
    first: Month,
    last: Month,
}

impl Months {
    /// Upper bound on months in a span: ten years, about 3 GB.
    pub const MAX: u32 = 120;

    /// Creates the span from `first` to `last`.
    pub fn new(first: Month, last: Month) -> Result<Self, MonthError> {
        if last < first {
            return Err(MonthError::Reversed { first, last });
        }
        let months = last.count() - first.count() + 1;
        if months > Self::MAX { Err(MonthError::TooMany { first, last, months }) } else { Ok(Months { first, last }) }
    }

    /// Iterates over the months in order.
    pub fn iter(self) -> impl Iterator<Item = Month> {
        std::iter::successors(Some(self.first), |month| Some(month.next())).take_while(move |month| *month <= self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_round_trips_and_names_its_zip_as_bts_does() {
        assert_eq!(month("2015-01").to_string(), "2015-01");
        let name = "On_Time_Reporting_Carrier_On_Time_Performance_1987_present_2015_1.zip";
        assert_eq!(month("2015-01").file_name(), name);
        assert!(month("2015-12").file_name().ends_with("_2015_12.zip"));
    }

    #[test]
    fn a_text_that_is_no_month_is_refused() {
        for text in ["", "2015", "2015-1", "2015-13", "2015-00", "15-01", "2015-01-01", "+015-01", "2015/01", "2015-é"]
        {
            assert_eq!(text.parse::<Month>(), Err(MonthError::Spelling(text.to_owned())));
        }
        assert_eq!(month("1987-10"), Month::FIRST);
        assert!(matches!("1987-09".parse::<Month>(), Err(MonthError::TooEarly(_))));
    }

    #[test]
    fn a_span_includes_both_ends_and_is_bounded() {
        let span = |first, last| Months::new(month(first), month(last));
        let listed: Vec<String> = span("2014-11", "2015-02").unwrap().iter().map(|month| month.to_string()).collect();
        assert_eq!(listed, ["2014-11", "2014-12", "2015-01", "2015-02"]);
        assert_eq!(span("2015-01", "2015-01").unwrap().iter().count(), 1);
        assert_eq!(span("2001-01", "2010-12").unwrap().iter().count(), 120);
        assert!(matches!(span("2001-01", "2011-01"), Err(MonthError::TooMany { months: 121, .. })));
        assert!(matches!(span("2015-02", "2015-01"), Err(MonthError::Reversed { .. })));
        assert_eq!(span("9999-12", "9999-12").unwrap().iter().count(), 1);
    }
}
