//! Reads flights, route tables and the weather, column by column.

use std::path::Path;

use ::parquet::{
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int32Type},
    file::reader::ChunkReader,
};
use chrono::NaiveDate;

use super::table::{Required, Table};
use crate::{
    airports::Route,
    flight::{Code, Observation, Weather, time::from_hhmm},
    history::{
        error::HistoryError,
        flight::{Flight, FlightStatus},
        weather::WeatherHour,
    },
};

/// Reads the flights of a file, in its order.
pub fn read_flights(path: &Path) -> Result<Vec<Flight>, HistoryError> {
    flights_of(&Table::open(path)?)
}

/// Reads the flights of an input that errors call `name`.
pub fn read_flights_from(name: &str, input: impl ChunkReader + 'static) -> Result<Vec<Flight>, HistoryError> {
    flights_of(&Table::new(name.to_owned(), input)?)
}

/// Reads the flights of an open file.
pub(in crate::history) fn flights_of(table: &Table) -> Result<Vec<Flight>, HistoryError> {
    table.require(&["FlightDate", "Carrier", "Origin", "Dest", "ArrDelay"])?;
    let mut flights = with_carriers(table)?;
    fill_codes(table, "Origin", Required::Yes, &mut flights, |flight, code| flight.origin = code)?;
    fill_codes(table, "Dest", Required::Yes, &mut flights, |flight, code| flight.dest = code)?;
    fill_codes(table, "TailNum", Required::No, &mut flights, |flight, code| flight.tail_num = Some(code))?;
    fill::<Int32Type>(table, "FlightDate", Required::Yes, &mut flights, |flight, days| {
        flight.date = NaiveDate::from_epoch_days(*days).ok_or_else(|| format!("{days} days from 1970 is no date"))?;
        Ok(())
    })?;
    fill::<Int32Type>(table, "FlightNum", Required::No, &mut flights, |flight, number| {
        flight.flight_num = Some(u32::try_from(*number).map_err(|_| format!("{number} is no flight number"))?);
        Ok(())
    })?;
    fill_times(table, "CRSDepTime", &mut flights, |flight, min| flight.crs_dep_min = Some(min))?;
    fill_times(table, "CRSArrTime", &mut flights, |flight, min| flight.crs_arr_min = Some(min))?;
    fill_numbers(table, "CRSElapsedTime", &mut flights, |flight, min| flight.crs_elapsed_min = Some(min))?;
    fill_numbers(table, "DepDelay", &mut flights, |flight, min| flight.dep_delay = Some(min))?;
    fill_numbers(table, "ArrDelay", &mut flights, |flight, min| flight.arr_delay = Some(min))?;
    fill_numbers(table, "AirTime", &mut flights, |flight, min| flight.air_time_min = Some(min))?;
    fill_numbers(table, "Distance", &mut flights, |flight, miles| flight.distance = Some(miles))?;
    fill_status(table, "Diverted", FlightStatus::Diverted, &mut flights)?;
    fill_status(table, "Cancelled", FlightStatus::Cancelled, &mut flights)?;
    check_arrival_delays(table, &flights)?;
    Ok(flights)
}

fn check_arrival_delays(table: &Table, flights: &[Flight]) -> Result<(), HistoryError> {
    match flights.iter().position(|flight| flight.status == FlightStatus::Flown && flight.arr_delay.is_none()) {
        Some(row) => {
            let reason = "no delay, though the flight was neither cancelled nor diverted".to_owned();
            Err(table.value_error("ArrDelay", row, reason))
        }
        None => Ok(()),
    }
}

/// Creates a flight for each row. Its carrier is also a placeholder for its other codes until their columns are read.
fn with_carriers(table: &Table) -> Result<Vec<Flight>, HistoryError> {
    // The number of rows may be damaged, so the capacity is bounded. It fits a year of flights: growing would take
    // the memory twice. Columns are read into the flights themselves, so that a file needs no second copy in memory.
    let mut flights = Vec::with_capacity(table.rows().min(1 << 23));
    table.for_each_value::<ByteArrayType>("Carrier", Required::Yes, |_, bytes| {
        let carrier = code(bytes)?;
        flights.push(Flight::unknown(NaiveDate::default(), carrier, carrier, carrier));
        Ok(())
    })?;
    Ok(flights)
}

/// Calls `set` for each row with a value. All columns of a file have as many rows as its first.
fn fill<T: DataType>(
    table: &Table,
    column: &'static str,
    required: Required,
    flights: &mut [Flight],
    set: impl Fn(&mut Flight, &T::T) -> Result<(), String>,
) -> Result<(), HistoryError> {
    table.for_each_value::<T>(column, required, |row, value| match flights.get_mut(row) {
        Some(flight) => set(flight, value),
        None => Err("there are fewer carriers than that".to_owned()),
    })?;
    Ok(())
}

fn fill_codes(
    table: &Table,
    column: &'static str,
    required: Required,
    flights: &mut [Flight],
    set: impl Fn(&mut Flight, Code),
) -> Result<(), HistoryError> {
    fill::<ByteArrayType>(table, column, required, flights, |flight, bytes| {
        set(flight, code(bytes)?);
        Ok(())
    })
}

fn fill_times(
    table: &Table,
    column: &'static str,
    flights: &mut [Flight],
    set: impl Fn(&mut Flight, u16),
) -> Result<(), HistoryError> {
    fill::<Int32Type>(table, column, Required::No, flights, |flight, hhmm| {
        set(flight, from_hhmm(*hhmm).ok_or_else(|| format!("{hhmm} is no time of day"))?);
        Ok(())
    })
}

fn fill_numbers(
    table: &Table,
    column: &'static str,
    flights: &mut [Flight],
    set: impl Fn(&mut Flight, f32),
) -> Result<(), HistoryError> {
    fill::<FloatType>(table, column, Required::No, flights, |flight, number| {
        if !number.is_finite() {
            return Err(format!("{number} is no number of minutes or miles"));
        }
        set(flight, *number);
        Ok(())
    })
}

fn fill_status(
    table: &Table,
    column: &'static str,
    status: FlightStatus,
    flights: &mut [Flight],
) -> Result<(), HistoryError> {
    fill::<BoolType>(table, column, Required::No, flights, |flight, flag| {
        if *flag {
            flight.status = status;
        }
        Ok(())
    })
}

/// Reads a route table.
pub fn read_routes(path: &Path) -> Result<Vec<Route>, HistoryError> {
    routes_of(&Table::open(path)?)
}

/// Reads the route table of an open file.
pub(in crate::history) fn routes_of(table: &Table) -> Result<Vec<Route>, HistoryError> {
    table.require(&["Origin", "Dest", "Distance"])?;
    let (mut origins, mut dests, mut miles) = (Vec::new(), Vec::new(), Vec::new());
    table.for_each_value::<ByteArrayType>("Origin", Required::Yes, |_, bytes| {
        code(bytes).map(|code| origins.push(code))
    })?;
    table
        .for_each_value::<ByteArrayType>("Dest", Required::Yes, |_, bytes| code(bytes).map(|code| dests.push(code)))?;
    table.for_each_value::<FloatType>("Distance", Required::Yes, |_, number| match *number {
        number if number > 0.0 && number.is_finite() => {
            miles.push(number);
            Ok(())
        }
        number => Err(format!("{number} is no distance")),
    })?;
    let ends = origins.into_iter().zip(dests);
    Ok(ends.zip(miles).map(|((origin, dest), miles)| Route { origin, dest, miles }).collect())
}

/// Reads the weather of a file, in its order.
pub fn read_weather(path: &Path) -> Result<Vec<(WeatherHour, Weather)>, HistoryError> {
    weather_of(&Table::open(path)?)
}

/// Reads the weather of an input that errors call `name`.
pub fn read_weather_from(
    name: &str,
    input: impl ChunkReader + 'static,
) -> Result<Vec<(WeatherHour, Weather)>, HistoryError> {
    weather_of(&Table::new(name.to_owned(), input)?)
}

/// Returns the column of an observation.
fn observation_column(observation: Observation) -> &'static str {
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
pub(in crate::history) fn weather_of(table: &Table) -> Result<Vec<(WeatherHour, Weather)>, HistoryError> {
    table.require(&["origin", "year", "month", "day", "hour"])?;
    let mut origins = Vec::new();
    table.for_each_value::<ByteArrayType>("origin", Required::Yes, |_, bytes| {
        code(bytes).map(|code| origins.push(code))
    })?;
    let [years, months] = [integers(table, "year")?, integers(table, "month")?];
    let mut dates = Vec::with_capacity(years.len());
    table.for_each_value::<Int32Type>("day", Required::Yes, |row, &day| {
        let (year, month) = years.get(row).zip(months.get(row)).ok_or("there are fewer months than that")?;
        let part = |number: i32| u32::try_from(number).unwrap_or(0);
        let date = NaiveDate::from_ymd_opt(*year, part(*month), part(day));
        dates.push(date.ok_or_else(|| format!("{year}-{month}-{day} is no day of the calendar"))?);
        Ok(())
    })?;
    let mut hours = Vec::with_capacity(dates.len());
    table.for_each_value::<Int32Type>("hour", Required::Yes, |row, &hour| {
        let key = origins.get(row).zip(dates.get(row)).ok_or("there are fewer days than that")?;
        let hour = u8::try_from(hour).ok().filter(|hour| *hour < 24).ok_or_else(|| format!("{hour} is no hour"))?;
        hours.push(((*key.0, *key.1, hour), Weather::UNOBSERVED));
        Ok(())
    })?;
    for observation in Observation::ALL {
        table.for_each_value::<FloatType>(observation_column(observation), Required::No, |row, value| {
            let (_, weather) = hours.get_mut(row).ok_or("there are fewer hours than that")?;
            // An error of a station, as the 1,048 mph of Newark on 12 February 2013, does not invalidate the file.
            *weather = weather.with(observation, Some(*value).filter(|value| observation.limits().contains(value)));
            Ok(())
        })?;
    }
    Ok(hours)
}

fn integers(table: &Table, column: &'static str) -> Result<Vec<i32>, HistoryError> {
    let mut integers = Vec::new();
    table.for_each_value::<Int32Type>(column, Required::Yes, |_, number| {
        integers.push(*number);
        Ok(())
    })?;
    Ok(integers)
}

/// Parses a code of a text column.
fn code(bytes: &ByteArray) -> Result<Code, String> {
    let text = String::from_utf8_lossy(bytes.data());
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}
