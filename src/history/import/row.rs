//! Parses a row: from the texts of its fields to a flight or a route.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};

use super::{
    airport_ids::{AirportIds, is_number},
    dates::{Clock, DateEvidence},
    fields::{FIELD_COUNT, Field, RowKind},
    timestamp::Timestamp,
    values::{flag, number, time_of_day, value, whole_number},
};
use crate::{
    airports::Route,
    flight::{Code, DEP_DELAY_MINUTES, DISTANCE_MILES_MAX, FLIGHT_NUM_MAX, Weather, YEARS},
    history::{
        error::quoted,
        flight::{Flight, FlightStatus},
        weather::WeatherHour,
    },
};

/// The texts of a row's fields; `None` where the text has no such field.
#[derive(Default)]
pub(super) struct Cells<'a>(pub(super) [Option<Cow<'a, str>>; FIELD_COUNT]);

/// The conventions of a text, and evidence from its rows so far.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    /// True if numbers may have a decimal comma.
    pub(super) decimal_comma: bool,
    pub(super) dates: DateEvidence,
    pub(super) airport_ids: AirportIds,
    /// The line of the row, from 1.
    pub(super) line: u64,
}

/// A parsed row. Weather is read only from Parquet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Flight(Flight),
    Route(Route),
    Weather(WeatherHour, Weather),
    /// An airport, which is recorded in [`Dialect::airport_ids`].
    Airport,
}

impl Cells<'_> {
    /// Returns the text of a field, if it has a value.
    fn get(&self, field: Field) -> Option<&str> {
        value(self.0[field as usize].as_deref()?)
    }

    /// Returns the text of a field that is no code: there NaN in any case is no value, while NAN is an airport's code.
    fn measure(&self, field: Field) -> Option<&str> {
        self.get(field).filter(|text| !text.eq_ignore_ascii_case("nan"))
    }

    pub(super) fn row(&self, kind: RowKind, dialect: &mut Dialect) -> Result<Row, String> {
        match kind {
            RowKind::Flights => self.flight(dialect).map(Row::Flight),
            RowKind::Routes => self.route(dialect).map(Row::Route),
            RowKind::Airports => self.airport(dialect),
        }
    }

    fn route(&self, dialect: &Dialect) -> Result<Route, String> {
        let miles = self.distance(dialect)?.ok_or("Distance is missing")?;
        Ok(Route { origin: self.airport_code(Field::Origin)?, dest: self.airport_code(Field::Dest)?, miles })
    }

    fn airport(&self, dialect: &mut Dialect) -> Result<Row, String> {
        if let (Some(key), Some(description)) = (self.get(Field::LookupCode), self.get(Field::LookupText)) {
            dialect.airport_ids.describe(key, description);
        }
        for (id, code) in
            [(Field::AirportId, Field::Airport), (Field::OriginId, Field::Origin), (Field::DestId, Field::Dest)]
        {
            if let (Some(id), Some(Ok(code))) = (self.get(id), self.get(code).map(str::parse)) {
                dialect.airport_ids.learn(id, code);
            }
        }
        Ok(Row::Airport)
    }

    fn flight(&self, dialect: &mut Dialect) -> Result<Flight, String> {
        let carrier = self.code(Field::Carrier)?;
        if is_number(carrier.as_str()) {
            return Err(format!("Carrier is {carrier}, the number of an airline, and should be its code"));
        }
        let origin = self.airport_or_id(Field::Origin, Field::OriginId, dialect)?;
        let dest = self.airport_or_id(Field::Dest, Field::DestId, dialect)?;
        let arr_delay = self.delay(Field::ArrDelay, dialect)?;
        let (date, clock) = self.date(dialect)?;
        Ok(Flight {
            flight_num: self.flight_num(dialect)?,
            // Registrations of the 1990s are often unreadable ("�NKNO�"), which does not invalidate the flight.
            tail_num: self.get(Field::TailNum).and_then(|text| text.parse().ok()),
            crs_dep_min: self.time(Field::CrsDepTime, dialect, clock)?,
            crs_arr_min: self.time(Field::CrsArrTime, dialect, clock)?,
            crs_elapsed_min: self.number(Field::CrsElapsedTime, dialect)?,
            dep_delay: self.delay(Field::DepDelay, dialect)?,
            arr_delay,
            air_time_min: self.number(Field::AirTime, dialect)?,
            distance: self.distance(dialect)?,
            status: self.status(arr_delay, dialect)?,
            ..Flight::unknown(date, carrier, origin, dest)
        })
    }

    /// Returns the code of an airport, or its number, which [`AirportIds::resolve`] replaces.
    fn airport_or_id(&self, code: Field, id: Field, dialect: &mut Dialect) -> Result<Code, String> {
        let Some(id) = self.get(id).map(|id| id.strip_suffix(".0").unwrap_or(id)) else {
            return self.airport_code(code);
        };
        if self.get(code).is_none() {
            return self.airport_code(if is_number(id) { id_field(code) } else { code });
        }
        let code = self.airport_code(code)?;
        if !is_number(code.as_str()) {
            dialect.airport_ids.learn(id, code);
        }
        Ok(code)
    }

    /// Parses the code of an airport, or its number without decimals.
    fn airport_code(&self, field: Field) -> Result<Code, String> {
        match self.get(field).and_then(|text| text.strip_suffix(".0")) {
            Some(text) if is_number(text) => {
                text.parse().map_err(|error| format!("{field:?} is {}: {error}", quoted(text)))
            }
            _ => self.code(field),
        }
    }

    /// Returns the status. Without a column for it, a flight without an arrival delay was diverted if it departed.
    fn status(&self, arr_delay: Option<f32>, dialect: &Dialect) -> Result<FlightStatus, String> {
        let (cancelled, diverted) = (self.flag(Field::Cancelled, dialect)?, self.flag(Field::Diverted, dialect)?);
        if cancelled == Some(true) {
            return Ok(FlightStatus::Cancelled);
        }
        if diverted == Some(true) {
            return Ok(FlightStatus::Diverted);
        }
        if arr_delay.is_some() {
            return Ok(FlightStatus::Flown);
        }
        if cancelled.is_some() && diverted.is_some() {
            return Err("ArrDelay is missing, though the flight was neither cancelled nor diverted".to_owned());
        }
        let departed = self.measure(Field::DepTime).or(self.measure(Field::DepDelay)).is_some();
        Ok(if departed && cancelled.is_none_or(|cancelled| !cancelled) {
            FlightStatus::Diverted
        } else {
            FlightStatus::Cancelled
        })
    }

    fn date(&self, dialect: &mut Dialect) -> Result<(NaiveDate, Clock), String> {
        let comma = dialect.decimal_comma;
        let (date, clock) = match self.measure(Field::Date) {
            Some(text) => {
                let timestamp =
                    Timestamp::parse(text).ok_or_else(|| unusable(Field::Date, text, "a date as in 2016-12-25"))?;
                let day_column = timestamp.zone.and_then(|_| whole_number(self.get(Field::Day)?, comma));
                dialect.dates.day(dialect.line, text, timestamp, day_column)?
            }
            None => {
                let part = |field| {
                    let text = self.get(field).ok_or_else(|| format!("{field:?} is missing"))?;
                    whole_number(text, comma).ok_or_else(|| unusable(field, text, "a whole number"))
                };
                let (year, month, day) = (part(Field::Year)?, part(Field::Month)?, part(Field::Day)?);
                let date = NaiveDate::from_ymd_opt(year as i32, month, day);
                (date.ok_or_else(|| format!("{year}-{month}-{day} is no day of the calendar"))?, Clock::Written)
            }
        };
        if YEARS.contains(&date.year()) { Ok((date, clock)) } else { Err(format!("{date} is not in {YEARS:?}")) }
    }

    fn code(&self, field: Field) -> Result<Code, String> {
        let text = self.get(field).ok_or_else(|| format!("{field:?} is missing"))?;
        text.parse().map_err(|error| format!("{field:?} is {}: {error}", quoted(text)))
    }

    fn number(&self, field: Field, dialect: &Dialect) -> Result<Option<f32>, String> {
        let Some(text) = self.measure(field) else { return Ok(None) };
        number(text, dialect.decimal_comma).map_err(|()| unusable(field, text, "a number"))
    }

    fn delay(&self, field: Field, dialect: &Dialect) -> Result<Option<f32>, String> {
        match self.number(field, dialect)? {
            Some(min) if !DEP_DELAY_MINUTES.contains(&f64::from(min)) => Err(format!("{field:?} is {min} minutes")),
            delay => Ok(delay),
        }
    }

    fn distance(&self, dialect: &Dialect) -> Result<Option<f32>, String> {
        match self.number(Field::Distance, dialect)? {
            Some(miles) if miles <= 0.0 || f64::from(miles) > DISTANCE_MILES_MAX => {
                Err(format!("Distance is {miles} miles"))
            }
            distance => Ok(distance),
        }
    }

    fn flag(&self, field: Field, dialect: &Dialect) -> Result<Option<bool>, String> {
        let Some(text) = self.measure(field) else { return Ok(None) };
        match flag(text, dialect.decimal_comma) {
            None => Err(unusable(field, text, "0 or 1")),
            flag => Ok(flag),
        }
    }

    fn flight_num(&self, dialect: &Dialect) -> Result<Option<u32>, String> {
        let Some(text) = self.measure(Field::FlightNum) else { return Ok(None) };
        match whole_number(text, dialect.decimal_comma) {
            Some(number) if number <= FLIGHT_NUM_MAX => Ok(Some(number)),
            _ => Err(unusable(Field::FlightNum, text, "a number of at most five digits")),
        }
    }

    fn time(&self, field: Field, dialect: &Dialect, clock: Clock) -> Result<Option<u16>, String> {
        let Some(text) = self.measure(field) else { return Ok(None) };
        let time = time_of_day(text, dialect.decimal_comma, clock);
        time.map(Some).ok_or_else(|| unusable(field, text, "a time of day as in 1745 or 17:45"))
    }
}

fn id_field(code: Field) -> Field {
    if code == Field::Origin { Field::OriginId } else { Field::DestId }
}

fn unusable(field: Field, text: &str, expected: &str) -> String {
    // The text is quoted, because a cell may have any content and length.
    format!("{field:?} is {} and should be {expected}", quoted(text))
}
