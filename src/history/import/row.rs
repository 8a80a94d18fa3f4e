//! What a row says; and from the texts of its fields to a flight or a route.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::fields::{FIELDS, Field, Kind};
use crate::{
    atlas::Route,
    code::Code,
    history::{FLIGHT_NUM_MAX, Fate, Flight, Hour, time_of_day::from_hhmm},
    request::{DEP_DELAY_MIN, DISTANCE_MILES_MAX, YEARS},
    weather::Weather,
};

/// The texts of a row's fields; `None` where the text has no such field.
#[derive(Default)]
pub(super) struct Cells<'a>(pub(super) [Option<Cow<'a, str>>; FIELDS]);

/// What a row says. The weather is read from Parquet alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Flight(Flight),
    Route(Route),
    Weather(Hour, Weather),
}

impl Cells<'_> {
    /// The text of a field, unless it is one of the ways to say that there is no value.
    fn get(&self, field: Field) -> Option<&str> {
        let text = self.0[field as usize].as_deref()?.trim();
        (!["", "NA", "NULL", "null", "NaN"].contains(&text)).then_some(text)
    }

    pub(super) fn row(&self, kind: Kind) -> Result<Row, String> {
        match kind {
            Kind::Flights => self.flight().map(Row::Flight),
            Kind::Routes => self.route().map(Row::Route),
        }
    }

    fn route(&self) -> Result<Route, String> {
        let miles = self.distance()?.ok_or("Distance is missing")?;
        Ok(Route { origin: self.code(Field::Origin)?, dest: self.code(Field::Dest)?, miles })
    }

    fn flight(&self) -> Result<Flight, String> {
        let (carrier, origin) = (self.code(Field::Carrier)?, self.code(Field::Origin)?);
        let arr_delay = self.delay(Field::ArrDelay)?;
        Ok(Flight {
            flight_num: self.flight_num()?,
            // Registrations of the 1990s are often unreadable ("�NKNO�"): no reason to give up the flight.
            tail_num: self.get(Field::TailNum).and_then(|text| text.parse().ok()),
            crs_dep_min: self.time(Field::CrsDepTime)?,
            crs_arr_min: self.time(Field::CrsArrTime)?,
            crs_elapsed_min: self.number(Field::CrsElapsedTime)?,
            dep_delay: self.delay(Field::DepDelay)?,
            arr_delay,
            air_time_min: self.number(Field::AirTime)?,
            distance: self.distance()?,
            fate: self.fate(arr_delay)?,
            ..Flight::unknown(self.date()?, carrier, origin, self.code(Field::Dest)?)
        })
    }

    /// How the flight ended. Where no column says, a flight without an arrival delay was diverted if it departed.
    fn fate(&self, arr_delay: Option<f32>) -> Result<Fate, String> {
        let (cancelled, diverted) = (self.flag(Field::Cancelled)?, self.flag(Field::Diverted)?);
        if cancelled == Some(true) {
            return Ok(Fate::Cancelled);
        }
        if diverted == Some(true) {
            return Ok(Fate::Diverted);
        }
        if arr_delay.is_some() {
            return Ok(Fate::Flown);
        }
        if cancelled.is_some() && diverted.is_some() {
            return Err("ArrDelay is missing, though the flight was neither cancelled nor diverted".to_owned());
        }
        let departed = self.get(Field::DepTime).or(self.get(Field::DepDelay)).is_some();
        Ok(if departed && cancelled.is_none_or(|cancelled| !cancelled) { Fate::Diverted } else { Fate::Cancelled })
    }

    fn date(&self) -> Result<NaiveDate, String> {
        let date = match self.get(Field::Date) {
            Some(text) => date(text).ok_or_else(|| unusable(Field::Date, text, "a date as in 2016-12-25"))?,
            None => {
                let part = |field| self.number(field)?.ok_or_else(|| format!("{field:?} is missing"));
                let (year, month, day) = (part(Field::Year)?, part(Field::Month)?, part(Field::Day)?);
                NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)
                    .ok_or_else(|| format!("{year}-{month}-{day} is no day of the calendar"))?
            }
        };
        if YEARS.contains(&date.year()) { Ok(date) } else { Err(format!("{date} is not in {YEARS:?}")) }
    }

    fn code(&self, field: Field) -> Result<Code, String> {
        let text = self.get(field).ok_or_else(|| format!("{field:?} is missing"))?;
        text.parse().map_err(|error| format!("{field:?} is {text:?}: {error}"))
    }

    fn number(&self, field: Field) -> Result<Option<f32>, String> {
        let Some(text) = self.get(field) else { return Ok(None) };
        match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(unusable(field, text, "a number")),
        }
    }

    fn delay(&self, field: Field) -> Result<Option<f32>, String> {
        match self.number(field)? {
            Some(min) if !DEP_DELAY_MIN.contains(&f64::from(min)) => Err(format!("{field:?} is {min} minutes")),
            delay => Ok(delay),
        }
    }

    fn distance(&self) -> Result<Option<f32>, String> {
        match self.number(Field::Distance)? {
            Some(miles) if miles <= 0.0 || f64::from(miles) > DISTANCE_MILES_MAX => {
                Err(format!("Distance is {miles} miles"))
            }
            distance => Ok(distance),
        }
    }

    fn flag(&self, field: Field) -> Result<Option<bool>, String> {
        match self.get(field).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("1" | "1.0" | "1.00" | "true") => Ok(Some(true)),
            Some("0" | "0.0" | "0.00" | "false") => Ok(Some(false)),
            Some(text) => Err(unusable(field, text, "0 or 1")),
        }
    }

    fn flight_num(&self) -> Result<Option<u32>, String> {
        let Some(text) = self.get(Field::FlightNum) else { return Ok(None) };
        match text.strip_suffix(".0").unwrap_or(text).parse() {
            Ok(number) if number <= FLIGHT_NUM_MAX => Ok(Some(number)),
            _ => Err(unusable(Field::FlightNum, text, "a number of at most five digits")),
        }
    }

    /// A time of day: `hhmm`, or the timestamps that the old training file has.
    fn time(&self, field: Field) -> Result<Option<u16>, String> {
        let Some(text) = self.get(field) else { return Ok(None) };
        let hhmm = || text.strip_suffix(".0").unwrap_or(text).parse().ok().and_then(from_hhmm);
        let clock = || timestamp(text).map(|at| (at.hour() * 60 + at.minute()) as u16);
        hhmm().or_else(clock).map(Some).ok_or_else(|| unusable(field, text, "a time of day as in 1745"))
    }
}

fn unusable(field: Field, text: &str, wanted: &str) -> String {
    // A cell of a foreign file may be anything; an error shows a line of it at most.
    let shown: String = text.chars().take(40).collect();
    format!("{field:?} is {shown:?} and should be {wanted}")
}

/// `2016-12-25`, `20161225`, `12/25/2016`, or one of these with a time (`12/25/2016 12:00:00 AM`), or a timestamp.
fn date(text: &str) -> Option<NaiveDate> {
    if text.len() == 10
        && let Ok(date) = text.parse()
    {
        return Some(date);
    }
    let day = text.split(' ').next()?;
    let format = if day.contains('/') {
        "%m/%d/%Y"
    } else if day.contains('-') {
        "%Y-%m-%d"
    } else {
        "%Y%m%d"
    };
    timestamp(text).map(|at| at.date()).or_else(|| NaiveDate::parse_from_str(day, format).ok())
}

/// An ISO timestamp on the clock of UTC. The old training file was written by a process that took local times for UTC
/// and printed them in its own zone: its `2015-07-03T17:00:00.000-07:00` is the flight day 2015-07-04 (so says the
/// `DayOfYear` beside it), and `23:30:00.000-07:00` a departure at 6:30.
fn timestamp(text: &str) -> Option<NaiveDateTime> {
    if !text.contains('T') {
        return None;
    }
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.naive_utc());
    zoned.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")).ok()
}
