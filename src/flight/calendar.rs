//! The calendar fields of a date.

use chrono::{Datelike, NaiveDate};

/// The day of the week, 1 to 7, Monday 1, as BTS numbers it.
pub fn day_of_week(date: NaiveDate) -> u32 {
    date.weekday().number_from_monday()
}

/// The day of the month, 1 to 31.
pub fn day_of_month(date: NaiveDate) -> u32 {
    date.day()
}

/// The day of the year, 1 to 366.
pub fn day_of_year(date: NaiveDate) -> u32 {
    date.ordinal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_starts_on_monday_and_days_are_numbered_from_1() {
        let christmas = NaiveDate::from_ymd_opt(2016, 12, 25).unwrap();
        assert_eq!((day_of_week(christmas), day_of_month(christmas), day_of_year(christmas)), (7, 25, 360));
        let new_year = NaiveDate::from_ymd_opt(2018, 1, 1).unwrap();
        assert_eq!((day_of_week(new_year), day_of_month(new_year), day_of_year(new_year)), (1, 1, 1));
    }
}
