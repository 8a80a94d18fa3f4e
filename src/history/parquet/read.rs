//! Reads flights, column by column into the flights themselves, so that a file needs no second copy in memory.

use std::path::Path;

use chrono::NaiveDate;

use ::parquet::{
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int32Type},
    file::reader::ChunkReader,
};

use super::{Required, Table};
use crate::{
    code::Code,
    history::{Fate, Flight, HistoryError, time_of_day::from_hhmm},
};

/// Reads the flights of a file, in its order.
pub fn read_flights(path: &Path) -> Result<Vec<Flight>, HistoryError> {
    flights_of(&Table::open(path)?)
}

/// Reads the flights of an input that errors will call `name`.
pub fn read_flights_from(name: &str, input: impl ChunkReader + 'static) -> Result<Vec<Flight>, HistoryError> {
    flights_of(&Table::new(name.to_owned(), input)?)
}

/// Reads the flights of an open file.
pub(in crate::history) fn flights_of(table: &Table) -> Result<Vec<Flight>, HistoryError> {
    table.require(&["FlightDate", "Carrier", "Origin", "Dest", "ArrDelay"])?;
    let mut flights = begin(table)?;
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
    fill_fate(table, "Diverted", Fate::Diverted, &mut flights)?;
    fill_fate(table, "Cancelled", Fate::Cancelled, &mut flights)?;
    check_fates(table, &flights)?;
    Ok(flights)
}

fn check_fates(table: &Table, flights: &[Flight]) -> Result<(), HistoryError> {
    match flights.iter().position(|flight| flight.fate == Fate::Flown && flight.arr_delay.is_none()) {
        Some(row) => {
            let reason = "no delay, though the flight was neither cancelled nor diverted".to_owned();
            Err(table.value("ArrDelay", row, reason))
        }
        None => Ok(()),
    }
}

/// One flight a row, of which only the carrier is true: it stands in for the other codes until their columns are read.
fn begin(table: &Table) -> Result<Vec<Flight>, HistoryError> {
    // The count is the file's word; a damaged one must not ask for all memory at once. A year of flights has room: to
    // grow would take the memory twice.
    let mut flights = Vec::with_capacity(table.rows().min(1 << 23));
    table.each::<ByteArrayType>("Carrier", Required::Yes, |_, bytes| {
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
    table.each::<T>(column, required, |row, value| match flights.get_mut(row) {
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

fn fill_fate(table: &Table, column: &'static str, fate: Fate, flights: &mut [Flight]) -> Result<(), HistoryError> {
    fill::<BoolType>(table, column, Required::No, flights, |flight, so| {
        if *so {
            flight.fate = fate;
        }
        Ok(())
    })
}

/// A code from a text column.
pub(super) fn code(bytes: &ByteArray) -> Result<Code, String> {
    let text = String::from_utf8_lossy(bytes.data());
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}
