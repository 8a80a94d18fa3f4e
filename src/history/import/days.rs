//! The day of a flight, decided over a whole text: the order of day and month, and the zone that midnights are in.

use chrono::{Datelike, Days as ChronoDays, NaiveDate, NaiveTime, TimeDelta, Timelike};

use super::{
    ImportError,
    moment::{Day, Moment},
};
use crate::history::shown::quoted;

/// The clock on which a row's day begins at midnight: its times of day are read on the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// As it is written.
    Written,
    /// UTC, whatever zone is written.
    Utc,
    /// A zone that is not written: so many seconds east of UTC.
    East(i32),
}

/// Something seen in a text, and where first.
type Seen = Option<(u64, String)>;

/// Evidence from the dates of a text so far: the order of day and month, and the zone of midnights.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// True if the day comes before the month, as the caller says.
    pub(super) day_first: bool,
    /// A date that can only be read the other way.
    reversed: Seen,
    /// True if a date was seen that can only be read the way that is taken.
    confirmed: bool,
    /// The hours of UTC at which dates in UTC stand, a bit each.
    hours: u32,
    /// A date with a time that is no midnight of a zone with whole hours.
    instant: Seen,
    /// A date that is a midnight of UTC though another zone is written.
    utc_midnight: Seen,
    /// A date with a zone that is a midnight neither there nor in UTC.
    daytime: Seen,
}

const HOUR_S: i32 = 3600;
const DAY_S: i32 = 24 * HOUR_S;
/// Midnights in UTC up to this hour are those of zones west of Greenwich, later ones of zones east of it.
const WEST_HOURS: u32 = 11;

impl Days {
    /// The day that a moment stands for, and the clock on which it is one. `beside` is the day of the month in another
    /// column: for a moment with a zone it decides.
    pub(super) fn day(
        &mut self,
        line: u64,
        text: &str,
        moment: Moment,
        beside: Option<u32>,
    ) -> Result<(NaiveDate, Clock), String> {
        match (moment.day, moment.time, moment.zone) {
            (Day::Numbers { first, second, year }, ..) => {
                let date = self.numbers(line, text, first, second, year)?;
                // The zone of such a date is of no use: nothing writes one.
                Ok((date, Clock::Written))
            }
            (Day::Certain(date), Some(time), Some(zone)) => match beside {
                Some(day) => beside_day(date, time, zone, day)
                    .ok_or_else(|| format!("Date is {} and Day is {day}, which is another day", quoted(text))),
                None => self.zoned(line, text, date, time, zone).ok_or_else(|| format!("Date is {}", quoted(text))),
            },
            (Day::Certain(date), ..) => Ok((date, Clock::Written)),
        }
    }

    fn numbers(&mut self, line: u64, text: &str, first: u32, second: u32, year: i32) -> Result<NaiveDate, String> {
        let (month, day) = if self.day_first { (second, first) } else { (first, second) };
        if month > 12 && day <= 12 {
            note(&mut self.reversed, line, text);
            let order = if self.day_first { "day" } else { "month" };
            return Err(format!("Date is {} and should have the {order} first", quoted(text)));
        }
        self.confirmed |= day > 12;
        NaiveDate::from_ymd_opt(year, month, day)
            .ok_or_else(|| format!("Date is {}, no day of the calendar", quoted(text)))
    }

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
                note(&mut self.utc_midnight, line, text);
                return Some((utc.date(), Clock::Utc));
            }
            note(&mut self.daytime, line, text);
            return Some((date, Clock::Written));
        }
        if utc.minute() != 0 || utc.second() != 0 {
            note(&mut self.instant, line, text);
            return Some((utc.date(), Clock::Utc));
        }
        let hour = utc.hour();
        let hours = self.hours | 1 << hour;
        if hours != self.hours {
            self.hours = hours;
            // Standard and summer time: two hours beside each other, midnight and eleven in the evening included.
            let adjacent = (0..24).any(|first| hours & !(1 << first | 1 << ((first + 1) % 24)) == 0);
            if !adjacent {
                note(&mut self.instant, line, text);
            }
        }
        Some(match hour {
            0 => (date, Clock::Utc),
            1..=WEST_HOURS => (date, Clock::East(-(hour as i32) * HOUR_S)),
            _ => (date.checked_add_days(ChronoDays::new(1))?, Clock::East(DAY_S - hour as i32 * HOUR_S)),
        })
    }

    /// Fails if the dates of the whole text do not allow the reading that was taken.
    pub(super) fn judge(&self, file: &str) -> Result<(), ImportError> {
        let file = file.to_owned();
        if let (Some((line, text)), false) = (&self.reversed, self.confirmed) {
            return Err(ImportError::DayFirst { file, line: *line, text: text.clone(), day_first: self.day_first });
        }
        let mixed = self.daytime.as_ref().and(self.utc_midnight.as_ref());
        match self.instant.as_ref().or(mixed) {
            Some((line, text)) => Err(ImportError::Instants { file, line: *line, text: text.clone() }),
            None => Ok(()),
        }
    }
}

/// The day that has this number in the month, next to the moment in its zone or in UTC, and its clock.
fn beside_day(date: NaiveDate, time: NaiveTime, zone: i32, day: u32) -> Option<(NaiveDate, Clock)> {
    let utc = date.and_time(time).checked_sub_signed(TimeDelta::seconds(i64::from(zone)))?;
    if zone != 0 && date.day() == day && (time == NaiveTime::MIN || utc.time() != NaiveTime::MIN) {
        return Some((date, Clock::Written));
    }
    let candidates = [Some(utc.date()), utc.date().succ_opt(), utc.date().pred_opt(), Some(date)];
    let found = candidates.into_iter().flatten().find(|candidate| candidate.day() == day)?;
    let east = (found.and_time(NaiveTime::MIN) - utc).num_seconds();
    // Where that day's midnight is the moment in no zone, it is no midnight, and its clock is the one that is written.
    let east =
        i32::try_from(east).ok().filter(|east| east.abs() <= 14 * HOUR_S && east % (HOUR_S / 2) == 0 && *east != 0);
    Some((found, east.map_or(Clock::Utc, Clock::East)))
}

fn note(seen: &mut Seen, line: u64, text: &str) {
    seen.get_or_insert_with(|| (line, text.to_owned()));
}

impl Clock {
    /// The time of day on this clock.
    pub(super) fn time(self, moment: &Moment) -> Option<NaiveTime> {
        let time = moment.time?;
        let utc = || moment.utc().map_or(time, |utc| utc.time());
        Some(match self {
            Clock::Written => time,
            Clock::Utc => utc(),
            Clock::East(seconds) => utc().overflowing_add_signed(TimeDelta::seconds(i64::from(seconds))).0,
        })
    }
}
