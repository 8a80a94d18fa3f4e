//! Writes flights, route tables and the weather, each in its schema.

use std::{fs::File, path::Path, sync::Arc};

use ::parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int32Type},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use chrono::Datelike;

use super::checksum;
use crate::{
    airports::Route,
    flight::{Code, Observation, Weather, time::to_hhmm},
    history::{
        error::HistoryError,
        flight::{Flight, FlightStatus},
        weather::WeatherHour,
    },
};

/// Rows in a row group, the least that a reader of one column decodes.
const GROUP_ROWS: usize = 1 << 20;
/// Rows handed to the encoder at a time.
const BATCH_ROWS: usize = 8192;
const ZSTD_LEVEL: i32 = 9;

/// The schema of flights. Delays, durations and distances are whole numbers at BTS; other sources have fractions.
const FLIGHTS_SCHEMA: &str = "message flights {
    required int32 FlightDate (DATE);
    required binary Carrier (STRING);
    optional int32 FlightNum;
    optional binary TailNum (STRING);
    required binary Origin (STRING);
    required binary Dest (STRING);
    optional int32 CRSDepTime;
    optional int32 CRSArrTime;
    optional float CRSElapsedTime;
    optional float DepDelay;
    optional float ArrDelay;
    optional float AirTime;
    optional float Distance;
    required boolean Cancelled;
    required boolean Diverted;
}";

/// The schema of route tables.
const ROUTES_SCHEMA: &str = "message routes {
    required binary Origin (STRING);
    required binary Dest (STRING);
    required float Distance;
}";

/// The schema of the weather.
const WEATHER_SCHEMA: &str = "message weather {
    required binary origin (STRING);
    required int32 year;
    required int32 month;
    required int32 day;
    required int32 hour;
    optional float temp;
    optional float dewp;
    optional float humid;
    optional float wind_dir;
    optional float wind_speed;
    optional float wind_gust;
    optional float precip;
    optional float pressure;
    optional float visib;
}";

/// Writes flights in the given order, and syncs the file. Returns its bytes.
pub fn write_flights(path: &Path, flights: &[Flight]) -> Result<u64, HistoryError> {
    to_file(path, FLIGHTS_SCHEMA, |writer| {
        flights.chunks(GROUP_ROWS).try_for_each(|flights| write_flight_group(writer.next_row_group()?, flights))
    })
}

fn write_flight_group(mut group: SerializedRowGroupWriter<'_, File>, flights: &[Flight]) -> Result<(), ParquetError> {
    // In the order of the schema.
    required::<Int32Type, _>(&mut group, flights, |flight| flight.date.to_epoch_days())?;
    required::<ByteArrayType, _>(&mut group, flights, |flight| text(flight.carrier))?;
    optional::<Int32Type, _>(&mut group, flights, |flight| flight.flight_num.map(u32::cast_signed))?;
    optional::<ByteArrayType, _>(&mut group, flights, |flight| flight.tail_num.map(text))?;
    required::<ByteArrayType, _>(&mut group, flights, |flight| text(flight.origin))?;
    required::<ByteArrayType, _>(&mut group, flights, |flight| text(flight.dest))?;
    optional::<Int32Type, _>(&mut group, flights, |flight| flight.crs_dep_min.map(to_hhmm))?;
    optional::<Int32Type, _>(&mut group, flights, |flight| flight.crs_arr_min.map(to_hhmm))?;
    optional::<FloatType, _>(&mut group, flights, |flight| flight.crs_elapsed_min)?;
    optional::<FloatType, _>(&mut group, flights, |flight| flight.dep_delay)?;
    optional::<FloatType, _>(&mut group, flights, |flight| flight.arr_delay)?;
    optional::<FloatType, _>(&mut group, flights, |flight| flight.air_time_min)?;
    optional::<FloatType, _>(&mut group, flights, |flight| flight.distance)?;
    required::<BoolType, _>(&mut group, flights, |flight| flight.status == FlightStatus::Cancelled)?;
    required::<BoolType, _>(&mut group, flights, |flight| flight.status == FlightStatus::Diverted)?;
    group.close().map(drop)
}

/// Writes a route table, and syncs the file. Returns its bytes.
pub fn write_routes(path: &Path, routes: &[Route]) -> Result<u64, HistoryError> {
    to_file(path, ROUTES_SCHEMA, |writer| {
        let mut group = writer.next_row_group()?;
        required::<ByteArrayType, _>(&mut group, routes, |route| text(route.origin))?;
        required::<ByteArrayType, _>(&mut group, routes, |route| text(route.dest))?;
        required::<FloatType, _>(&mut group, routes, |route| route.miles)?;
        group.close().map(drop)
    })
}

/// Writes the weather, and syncs the file. Returns its bytes.
pub fn write_weather(path: &Path, hours: &[(WeatherHour, Weather)]) -> Result<u64, HistoryError> {
    type Row = (WeatherHour, Weather);
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

/// Creates a file of a schema, lets `fill` write its rows, and syncs it. Returns its bytes.
pub(super) fn to_file(
    path: &Path,
    schema: &str,
    fill: impl FnOnce(&mut SerializedFileWriter<File>) -> Result<(), ParquetError>,
) -> Result<u64, HistoryError> {
    let written = || {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        // Readable, because the checksum is computed from the written bytes.
        let file = File::options().create(true).truncate(true).read(true).write(true).open(path)?;
        let schema = Arc::new(parse_message_type(schema)?);
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        fill(&mut writer)?;
        writer.append_key_value_metadata(checksum::placeholder());
        let mut file = writer.into_inner()?;
        checksum::fill_in(&mut file)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    written().map_err(|source| HistoryError::Write { file: path.display().to_string(), source })
}

fn text(code: Code) -> ByteArray {
    code.as_str().as_bytes().to_vec().into()
}

/// Writes the group's next column, with a value in each row.
pub(super) fn required<T: DataType, R>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[R],
    value: impl Fn(&R) -> T::T,
) -> Result<(), ParquetError> {
    column::<T, R>(group, rows, |rows, values, _| values.extend(rows.iter().map(&value)))
}

/// Writes the group's next column, whose values may be missing.
fn optional<T: DataType, R>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[R],
    value: impl Fn(&R) -> Option<T::T>,
) -> Result<(), ParquetError> {
    column::<T, R>(group, rows, |rows, values, levels| {
        for value in rows.iter().map(&value) {
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
    })
}

fn column<T: DataType, R>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[R],
    gather: impl Fn(&[R], &mut Vec<T::T>, &mut Vec<i16>),
) -> Result<(), ParquetError> {
    let too_many = || ParquetError::General("the schema has fewer columns than are written".to_owned());
    let mut column = group.next_column()?.ok_or_else(too_many)?;
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for rows in rows.chunks(BATCH_ROWS) {
        values.clear();
        levels.clear();
        gather(rows, &mut values, &mut levels);
        let levels = (!levels.is_empty()).then_some(levels.as_slice());
        column.typed::<T>().write_batch(&values, levels, None)?;
    }
    column.close()
}
