//! Local times of day, schedules made of them, and the calendar fields of a date.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// Minutes in a day. Each time of day is below it.
pub const MINUTES_PER_DAY: u16 = 24 * 60;

/// Minutes since midnight of an `hhmm` number as BTS writes it: 1745 is 1065, 2400 is midnight, 0. `None` if it is no
/// time of day.
pub fn from_hhmm(hhmm: i32) -> Option<u16> {
    let (hours, minutes) = (hhmm.div_euclid(100), hhmm.rem_euclid(100));
    match u16::try_from(hours * 60 + minutes) {
        Ok(min) if minutes < 60 && min <= MINUTES_PER_DAY => Some(min % MINUTES_PER_DAY),
        _ => None,
    }
}

/// The `hhmm` number of minutes since midnight.
pub fn to_hhmm(min: u16) -> i32 {
    i32::from(min / 60 * 100 + min % 60)
}

/// The text of minutes since midnight, as in `17:45`.
pub fn to_text(min: u16) -> String {
    format!("{:02}:{:02}", min / 60, min % 60)
}

/// Scheduled departure and arrival, in minutes since local midnight, each below [`MINUTES_PER_DAY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Departure, in the time zone of the airport of departure.
    pub dep_min: u16,
    /// Arrival, in the time zone of the airport of arrival.
    pub arr_min: u16,
}

impl Schedule {
    /// Arrival minus departure, each in its own time zone: the scheduled duration plus the difference between the
    /// zones. The difference is the same for all flights of a route, except in weeks in which one end alone has changed
    /// its clocks.
    pub fn clock_difference_min(self) -> f32 {
        f32::from((self.arr_min + MINUTES_PER_DAY - self.dep_min) % MINUTES_PER_DAY)
    }

    /// Returns whether both times are times of a day.
    pub fn is_valid(self) -> bool {
        self.dep_min < MINUTES_PER_DAY && self.arr_min < MINUTES_PER_DAY
    }
}

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
    fn hhmm_is_read_and_2400_is_midnight() {
        for (hhmm, min) in [(0, 0), (5, 5), (100, 60), (1745, 1065), (2359, 1439), (2400, 0)] {
            assert_eq!(from_hhmm(hhmm), Some(min), "{hhmm}");
        }
        assert_eq!([0, 65, 1439].map(to_text), ["00:00", "01:05", "23:59"]);
        for hhmm in [-1, 60, 1260, 2401, 2460, 9999, i32::MAX, i32::MIN] {
            assert_eq!(from_hhmm(hhmm), None, "{hhmm}");
        }
    }

    #[test]
    fn every_minute_of_the_day_round_trips() {
        for min in 0..MINUTES_PER_DAY {
            assert_eq!(from_hhmm(to_hhmm(min)), Some(min));
        }
    }

    #[test]
    fn a_week_starts_on_monday_and_days_are_numbered_from_1() {
        let christmas = NaiveDate::from_ymd_opt(2016, 12, 25).unwrap();
        assert_eq!((day_of_week(christmas), day_of_month(christmas), day_of_year(christmas)), (7, 25, 360));
        let new_year = NaiveDate::from_ymd_opt(2018, 1, 1).unwrap();
        assert_eq!((day_of_week(new_year), day_of_month(new_year), day_of_year(new_year)), (1, 1, 1));
    }
}
