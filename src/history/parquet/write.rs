//! Writes flights.

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

use super::{FLIGHTS_SCHEMA, seal};
use crate::{
    code::Code,
    history::{Fate, Flight, HistoryError, time_of_day::to_hhmm},
};

/// Rows in a row group: what a reader of one column must at least decode.
const GROUP_ROWS: usize = 1 << 20;
/// Rows handed to the encoder at a time.
const BATCH_ROWS: usize = 8192;
const ZSTD_LEVEL: i32 = 9;

/// Writes flights in the order given, and syncs the file; how many bytes it has.
pub fn write_flights(path: &Path, flights: &[Flight]) -> Result<u64, HistoryError> {
    to_file(path, FLIGHTS_SCHEMA, |writer| {
        flights.chunks(GROUP_ROWS).try_for_each(|flights| write_group(writer.next_row_group()?, flights))
    })
}

/// Creates a file of a schema, has it filled, and syncs it; how many bytes it has.
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
        // Readable too, because the seal is computed from what was written.
        let file = File::options().create(true).truncate(true).read(true).write(true).open(path)?;
        let schema = Arc::new(parse_message_type(schema)?);
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        fill(&mut writer)?;
        writer.append_key_value_metadata(seal::unsealed());
        let mut file = writer.into_inner()?;
        seal::seal(&mut file)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    written().map_err(|source| HistoryError::Write { file: path.display().to_string(), source })
}

fn write_group(mut group: SerializedRowGroupWriter<'_, File>, flights: &[Flight]) -> Result<(), ParquetError> {
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
    required::<BoolType, _>(&mut group, flights, |flight| flight.fate == Fate::Cancelled)?;
    required::<BoolType, _>(&mut group, flights, |flight| flight.fate == Fate::Diverted)?;
    group.close().map(drop)
}

pub(super) fn text(code: Code) -> ByteArray {
    code.as_str().as_bytes().to_vec().into()
}

/// Writes the group's next column, which has a value in each row.
pub(super) fn required<T: DataType, R>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[R],
    value: impl Fn(&R) -> T::T,
) -> Result<(), ParquetError> {
    column::<T, R>(group, rows, |rows, values, _| values.extend(rows.iter().map(&value)))
}

/// Writes the group's next column, which may lack values.
pub(super) fn optional<T: DataType, R>(
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
