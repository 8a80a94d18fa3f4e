//! The dates of a text: their order of day and month, and the zone of their midnights.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike};

use super::{
    error::ImportError,
    timestamp::{Timestamp, WrittenDate},
};
use crate::history::error::quoted;

/// The clock on which a row's day begins at midnight. Its times of day are read on the same clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// The zone that is written.
    Written,
    /// UTC, whatever zone is written.
    Utc,
    /// A zone that is not written: seconds east of UTC.
    Offset(i32),
}

/// The first line and text with a property.
type FirstSeen = Option<(u64, String)>;

/// Evidence from the dates of a text so far: the order of day and month, and the zone of midnights.
#[derive(Debug, Default)]
pub(super) struct DateEvidence {
    /// True if the caller expects the day before the month.
    pub(super) day_first: bool,
    /// A date that contradicts the expected order.
    reversed: FirstSeen,
    /// True if a date confirmed the expected order.
    confirmed: bool,
    /// The hours of dates in UTC, a bit each.
    hours: u32,
    /// A date in UTC with a time that is no midnight of a zone with whole hours.
    no_midnight: FirstSeen,
    /// A date in another zone that is a midnight in UTC.
    utc_midnight: FirstSeen,
    /// A date in another zone that is a midnight neither there nor in UTC.
    daytime: FirstSeen,
}

const HOUR_S: i32 = 3600;
const DAY_S: i32 = 24 * HOUR_S;
/// Hours of UTC up to this one are midnights of zones west of Greenwich, later ones of zones east of it.
const WEST_HOURS: u32 = 11;

impl DateEvidence {
    /// Returns the day of a timestamp, and the clock on which the day begins. `day_column` is the day of the month in
    /// another column; it decides if the timestamp has a zone.
    pub(super) fn day(
        &mut self,
        line: u64,
        text: &str,
        timestamp: Timestamp,
        day_column: Option<u32>,
    ) -> Result<(NaiveDate, Clock), String> {
        match (timestamp.date, timestamp.time, timestamp.zone) {
            (WrittenDate::Ambiguous { first, second, year }, ..) => {
                let date = self.ordered(line, text, first, second, year)?;
                // Its zone is ignored: no known table writes one.
                Ok((date, Clock::Written))
            }
            (WrittenDate::Certain(date), Some(time), Some(zone)) => match day_column {
                Some(day) => day_by_column(date, time, zone, day)
                    .ok_or_else(|| format!("Date is {} and Day is {day}, which is another day", quoted(text))),
                None => self.zoned(line, text, date, time, zone).ok_or_else(|| format!("Date is {}", quoted(text))),
            },
            (WrittenDate::Certain(date), ..) => Ok((date, Clock::Written)),
        }
    }

    /// Returns the day of a date that begins with two numbers.
    fn ordered(&mut self, line: u64, text: &str, first: u32, second: u32, year: i32) -> Result<NaiveDate, String> {
        let (month, day) = if self.day_first { (second, first) } else { (first, second) };
        if month > 12 && day <= 12 {
            record(&mut self.reversed, line, text);
            let order = if self.day_first { "day" } else { "month" };
            return Err(format!("Date is {} and should have the {order} first", quoted(text)));
        }
        self.confirmed |= day > 12;
        NaiveDate::from_ymd_opt(year, month, day)
            .ok_or_else(|| format!("Date is {}, no day of the calendar", quoted(text)))
    }

    /// Returns the day of a timestamp with a zone.
    fn zoned(
        &mut self,
        line: u64,
        text: &str,
        date: NaiveDate,
        time: NaiveTime,
        zone: i32,
    ) -> Option<(NaiveDate, Clock)> {
        let utc = date.and_time(time).checked_sub_signed(TimeDelta::seconds(i64::from(zone)))?;
        if zone != 0 {
            if time == NaiveTime::MIN {
                return Some((date, Clock::Written));
            }
            if utc.time() == NaiveTime::MIN {
                record(&mut self.utc_midnight, line, text);
                return Some((utc.date(), Clock::Utc));
            }
            record(&mut self.daytime, line, text);
            return Some((date, Clock::Written));
        }
        if utc.minute() != 0 || utc.second() != 0 {
            record(&mut self.no_midnight, line, text);
            return Some((utc.date(), Clock::Utc));
        }
        let hour = utc.hour();
        let hours = self.hours | 1 << hour;
        if hours != self.hours {
            self.hours = hours;
            // Standard and summer time: two adjacent hours, 23 and 0 included.
            let adjacent = (0..24).any(|first| hours & !(1 << first | 1 << ((first + 1) % 24)) == 0);
            if !adjacent {
                record(&mut self.no_midnight, line, text);
            }
        }
        Some(match hour {
            0 => (date, Clock::Utc),
            1..=WEST_HOURS => (date, Clock::Offset(-(hour as i32) * HOUR_S)),
            _ => (date.checked_add_days(Days::new(1))?, Clock::Offset(DAY_S - hour as i32 * HOUR_S)),
        })
    }

    /// Fails if the dates of the text contradict the way in which they were read.
    pub(super) fn check(&self, file: &str) -> Result<(), ImportError> {
        let file = file.to_owned();
        if let (Some((line, text)), false) = (&self.reversed, self.confirmed) {
            return Err(ImportError::DayFirst { file, line: *line, text: text.clone(), day_first: self.day_first });
        }
        let mixed = self.daytime.as_ref().and(self.utc_midnight.as_ref());
        match self.no_midnight.as_ref().or(mixed) {
            Some((line, text)) => Err(ImportError::Instants { file, line: *line, text: text.clone() }),
            None => Ok(()),
        }
    }
}

/// Returns the day with this number in the month that is next to the timestamp, in its zone or in UTC, and its clock.
fn day_by_column(date: NaiveDate, time: NaiveTime, zone: i32, day: u32) -> Option<(NaiveDate, Clock)> {
    let utc = date.and_time(time).checked_sub_signed(TimeDelta::seconds(i64::from(zone)))?;
    if zone != 0 && date.day() == day && (time == NaiveTime::MIN || utc.time() != NaiveTime::MIN) {
        return Some((date, Clock::Written));
    }
    let candidates = [Some(utc.date()), utc.date().succ_opt(), utc.date().pred_opt(), Some(date)];
    let found = candidates.into_iter().flatten().find(|candidate| candidate.day() == day)?;
    let east = (found.and_time(NaiveTime::MIN) - utc).num_seconds();
    // If that day's midnight is the timestamp in no zone, the clock is UTC.
    let east =
        i32::try_from(east).ok().filter(|east| east.abs() <= 14 * HOUR_S && east % (HOUR_S / 2) == 0 && *east != 0);
    Some((found, east.map_or(Clock::Utc, Clock::Offset)))
}

fn record(seen: &mut FirstSeen, line: u64, text: &str) {
    seen.get_or_insert_with(|| (line, text.to_owned()));
}

impl Clock {
    /// Returns the time of day on this clock.
    pub(super) fn time(self, timestamp: &Timestamp) -> Option<NaiveTime> {
        let time = timestamp.time?;
        let utc = || timestamp.utc().map_or(time, |utc| utc.time());
        Some(match self {
            Clock::Written => time,
            Clock::Utc => utc(),
            Clock::Offset(seconds) => utc().overflowing_add_signed(TimeDelta::seconds(i64::from(seconds))).0,
        })
    }
}
