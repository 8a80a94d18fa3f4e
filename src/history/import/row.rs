//! What a row says; and from the texts of its fields to a flight or a route.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate};

use super::{
    airports::{Airports, is_number},
    days::{Clock, Days},
    fields::{FIELDS, Field, Kind},
    moment::Moment,
    values::{flag, number, time_of_day, value, whole},
};
use crate::{
    atlas::Route,
    code::Code,
    history::{FLIGHT_NUM_MAX, Fate, Flight, Hour, shown::quoted},
    request::{DEP_DELAY_MIN, DISTANCE_MILES_MAX, YEARS},
    weather::Weather,
};

/// The texts of a row's fields; `None` where the text has no such field.
#[derive(Default)]
pub(super) struct Cells<'a>(pub(super) [Option<Cow<'a, str>>; FIELDS]);

/// The conventions by which a text writes its values, and evidence from its rows so far.
#[derive(Debug, Default)]
pub(super) struct Dialect {
    /// True if numbers may have a comma in place of the decimal point.
    pub(super) decimal_comma: bool,
    pub(super) days: Days,
    pub(super) airports: Airports,
    /// The line of the row, from 1.
    pub(super) line: u64,
}

/// The content of a row. The weather is read from Parquet alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Row {
    Flight(Flight),
    Route(Route),
    Weather(Hour, Weather),
    /// Of an airport: the dialect has noted it.
    Airport,
}

impl Cells<'_> {
    /// The text of a field, unless it is one of the ways to say that there is no value.
    fn get(&self, field: Field) -> Option<&str> {
        value(self.0[field as usize].as_deref()?)
    }

    /// The text of a field that is no code: there NaN is no value in any spelling, while NAN is the code of an airport.
    fn measure(&self, field: Field) -> Option<&str> {
        self.get(field).filter(|text| !text.eq_ignore_ascii_case("nan"))
    }

    pub(super) fn row(&self, kind: Kind, dialect: &mut Dialect) -> Result<Row, String> {
        match kind {
            Kind::Flights => self.flight(dialect).map(Row::Flight),
            Kind::Routes => self.route(dialect).map(Row::Route),
            Kind::Airports => self.airport(dialect),
        }
    }

    fn route(&self, dialect: &Dialect) -> Result<Route, String> {
        let miles = self.distance(dialect)?.ok_or("Distance is missing")?;
        Ok(Route { origin: self.airport_code(Field::Origin)?, dest: self.airport_code(Field::Dest)?, miles })
    }

    fn airport(&self, dialect: &mut Dialect) -> Result<Row, String> {
        if let (Some(key), Some(description)) = (self.get(Field::LookupCode), self.get(Field::LookupText)) {
            dialect.airports.describe(key, description);
        }
        for (id, code) in
            [(Field::AirportId, Field::Airport), (Field::OriginId, Field::Origin), (Field::DestId, Field::Dest)]
        {
            if let (Some(id), Some(Ok(code))) = (self.get(id), self.get(code).map(str::parse)) {
                dialect.airports.learn(id, code);
            }
        }
        Ok(Row::Airport)
    }

    fn flight(&self, dialect: &mut Dialect) -> Result<Flight, String> {
        let carrier = self.code(Field::Carrier)?;
        if is_number(carrier.as_str()) {
            return Err(format!("Carrier is {carrier}, the number of an airline, and should be its code"));
        }
        let origin = self.end(Field::Origin, Field::OriginId, dialect)?;
        let dest = self.end(Field::Dest, Field::DestId, dialect)?;
        let arr_delay = self.delay(Field::ArrDelay, dialect)?;
        let (date, clock) = self.date(dialect)?;
        Ok(Flight {
            flight_num: self.flight_num(dialect)?,
            // Registrations of the 1990s are often unreadable ("�NKNO�"): no reason to give up the flight.
            tail_num: self.get(Field::TailNum).and_then(|text| text.parse().ok()),
            crs_dep_min: self.time(Field::CrsDepTime, dialect, clock)?,
            crs_arr_min: self.time(Field::CrsArrTime, dialect, clock)?,
            crs_elapsed_min: self.number(Field::CrsElapsedTime, dialect)?,
            dep_delay: self.delay(Field::DepDelay, dialect)?,
            arr_delay,
            air_time_min: self.number(Field::AirTime, dialect)?,
            distance: self.distance(dialect)?,
            fate: self.fate(arr_delay, dialect)?,
            ..Flight::unknown(date, carrier, origin, dest)
        })
    }

    /// The code of one end; or its number, if that is what there is, for [`Airports::resolve`].
    fn end(&self, code: Field, id: Field, dialect: &mut Dialect) -> Result<Code, String> {
        let Some(id) = self.get(id).map(|id| id.strip_suffix(".0").unwrap_or(id)) else {
            return self.airport_code(code);
        };
        if self.get(code).is_none() {
            return self.airport_code(if is_number(id) { id_field(code) } else { code });
        }
        let code = self.airport_code(code)?;
        if !is_number(code.as_str()) {
            dialect.airports.learn(id, code);
        }
        Ok(code)
    }

    /// The code of an airport, or its number without decimals.
    fn airport_code(&self, field: Field) -> Result<Code, String> {
        match self.get(field).and_then(|text| text.strip_suffix(".0")) {
            Some(text) if is_number(text) => {
                text.parse().map_err(|error| format!("{field:?} is {}: {error}", quoted(text)))
            }
            _ => self.code(field),
        }
    }

    /// How the flight ended. Where no column says, a flight without an arrival delay was diverted if it departed.
    fn fate(&self, arr_delay: Option<f32>, dialect: &Dialect) -> Result<Fate, String> {
        let (cancelled, diverted) = (self.flag(Field::Cancelled, dialect)?, self.flag(Field::Diverted, dialect)?);
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
        let departed = self.measure(Field::DepTime).or(self.measure(Field::DepDelay)).is_some();
        Ok(if departed && cancelled.is_none_or(|cancelled| !cancelled) { Fate::Diverted } else { Fate::Cancelled })
    }

    fn date(&self, dialect: &mut Dialect) -> Result<(NaiveDate, Clock), String> {
        let comma = dialect.decimal_comma;
        let (date, clock) = match self.measure(Field::Date) {
            Some(text) => {
                let moment =
                    Moment::parse(text).ok_or_else(|| unusable(Field::Date, text, "a date as in 2016-12-25"))?;
                let beside = moment.zone.and_then(|_| whole(self.get(Field::Day)?, comma));
                dialect.days.day(dialect.line, text, moment, beside)?
            }
            None => {
                let part = |field| {
                    let text = self.get(field).ok_or_else(|| format!("{field:?} is missing"))?;
                    whole(text, comma).ok_or_else(|| unusable(field, text, "a whole number"))
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
            Some(min) if !DEP_DELAY_MIN.contains(&f64::from(min)) => Err(format!("{field:?} is {min} minutes")),
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
            so => Ok(so),
        }
    }

    fn flight_num(&self, dialect: &Dialect) -> Result<Option<u32>, String> {
        let Some(text) = self.measure(Field::FlightNum) else { return Ok(None) };
        match whole(text, dialect.decimal_comma) {
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

fn unusable(field: Field, text: &str, wanted: &str) -> String {
    // A cell of a foreign file may be anything; an error shows a line of it at most.
    format!("{field:?} is {} and should be {wanted}", quoted(text))
}
