//! Reads and writes the weather.

use std::path::Path;

use ::parquet::{
    data_type::{ByteArrayType, FloatType, Int32Type},
    file::reader::ChunkReader,
};
use chrono::{Datelike, NaiveDate};

use super::{
    Required, Table, WEATHER_SCHEMA,
    read::code,
    write::{optional, required, text, to_file},
};
use crate::{
    history::{HistoryError, weather::Hour},
    weather::{Observation, Weather},
};

/// Reads the weather of a file, hour by hour, in its order.
pub fn read_weather(path: &Path) -> Result<Vec<(Hour, Weather)>, HistoryError> {
    weather_of(&Table::open(path)?)
}

/// Reads the weather of an input that errors will call `name`.
pub fn read_weather_from(name: &str, input: impl ChunkReader + 'static) -> Result<Vec<(Hour, Weather)>, HistoryError> {
    weather_of(&Table::new(name.to_owned(), input)?)
}

/// The column of an observation.
fn column(observation: Observation) -> &'static str {
    match observation {
        Observation::Temp => "temp",
        Observation::DewPoint => "dewp",
        Observation::Humidity => "humid",
        Observation::WindDir => "wind_dir",
        Observation::WindSpeed => "wind_speed",
        Observation::WindGust => "wind_gust",
        Observation::Precip => "precip",
        Observation::Pressure => "pressure",
        Observation::Visibility => "visib",
    }
}

/// Reads the weather of an open file.
pub(in crate::history) fn weather_of(table: &Table) -> Result<Vec<(Hour, Weather)>, HistoryError> {
    table.require(&["origin", "year", "month", "day", "hour"])?;
    let mut origins = Vec::new();
    table.each::<ByteArrayType>("origin", Required::Yes, |_, bytes| code(bytes).map(|code| origins.push(code)))?;
    let [years, months] = [integers(table, "year")?, integers(table, "month")?];
    let mut dates = Vec::with_capacity(years.len());
    table.each::<Int32Type>("day", Required::Yes, |row, &day| {
        let (year, month) = years.get(row).zip(months.get(row)).ok_or("there are fewer months than that")?;
        let part = |number: i32| u32::try_from(number).unwrap_or(0);
        let date = NaiveDate::from_ymd_opt(*year, part(*month), part(day));
        dates.push(date.ok_or_else(|| format!("{year}-{month}-{day} is no day of the calendar"))?);
        Ok(())
    })?;
    let mut hours = Vec::with_capacity(dates.len());
    table.each::<Int32Type>("hour", Required::Yes, |row, &hour| {
        let key = origins.get(row).zip(dates.get(row)).ok_or("there are fewer days than that")?;
        let hour = u8::try_from(hour).ok().filter(|hour| *hour < 24).ok_or_else(|| format!("{hour} is no hour"))?;
        hours.push(((*key.0, *key.1, hour), Weather::UNOBSERVED));
        Ok(())
    })?;
    for observation in Observation::ALL {
        table.each::<FloatType>(column(observation), Required::No, |row, value| {
            let (_, weather) = hours.get_mut(row).ok_or("there are fewer hours than that")?;
            // A station's slip, as the 1,048 mph of Newark on 12 February 2013, is no reason to refuse a year.
            *weather = weather.with(observation, Some(*value).filter(|value| observation.limits().contains(value)));
            Ok(())
        })?;
    }
    Ok(hours)
}

fn integers(table: &Table, column: &'static str) -> Result<Vec<i32>, HistoryError> {
    let mut integers = Vec::new();
    table.each::<Int32Type>(column, Required::Yes, |_, number| {
        integers.push(*number);
        Ok(())
    })?;
    Ok(integers)
}

/// Writes the weather, and syncs the file; how many bytes it has.
pub fn write_weather(path: &Path, hours: &[(Hour, Weather)]) -> Result<u64, HistoryError> {
    type Row = (Hour, Weather);
    to_file(path, WEATHER_SCHEMA, |writer| {
        let mut group = writer.next_row_group()?;
        required::<ByteArrayType, Row>(&mut group, hours, |((origin, ..), _)| text(*origin))?;
        // Months, days and hours are far below i32::MAX.
        required::<Int32Type, Row>(&mut group, hours, |((_, date, _), _)| date.year())?;
        required::<Int32Type, Row>(&mut group, hours, |((_, date, _), _)| date.month() as i32)?;
        required::<Int32Type, Row>(&mut group, hours, |((_, date, _), _)| date.day() as i32)?;
        required::<Int32Type, Row>(&mut group, hours, |((.., hour), _)| i32::from(*hour))?;
        for observation in Observation::ALL {
            optional::<FloatType, Row>(&mut group, hours, |(_, weather)| weather.get(observation))?;
        }
        group.close().map(drop)
    })
}
