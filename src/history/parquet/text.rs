//! Reads any table row by row, with each value as the text that a CSV of it would have.

use ::parquet::{
    basic::{ConvertedType, LogicalType, TimeUnit, Type},
    column::reader::ColumnReader,
    data_type::Int96,
    errors::ParquetError,
    schema::types::ColumnDescriptor,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::table::{BATCH_ROWS, Table};
use crate::history::HistoryError;

/// A column that is not nested, so that it can be read as texts.
#[derive(Debug, Clone)]
pub(in crate::history) struct TextColumn {
    pub(in crate::history) name: String,
    position: usize,
    value_type: ValueType,
    is_nullable: bool,
}

/// The logical type of stored numbers and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    /// No logical type: the physical value.
    Plain,
    Unsigned,
    Date,
    Time(Unit),
    Timestamp(Unit, Zone),
    /// A number with this many digits after the point.
    Decimal(u32),
    Half,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// The zone of a timestamp: UTC, or local time in an unknown zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Utc,
    Local,
}

impl Unit {
    fn of(unit: &TimeUnit) -> Self {
        match unit {
            TimeUnit::MILLIS => Unit::Millis,
            TimeUnit::MICROS => Unit::Micros,
            TimeUnit::NANOS => Unit::Nanos,
        }
    }

    fn per_second(self) -> i64 {
        match self {
            Unit::Millis => 1_000,
            Unit::Micros => 1_000_000,
            Unit::Nanos => 1_000_000_000,
        }
    }
}

impl ValueType {
    fn of(column: &ColumnDescriptor) -> Self {
        let zone = |is_utc: bool| if is_utc { Zone::Utc } else { Zone::Local };
        match column.logical_type_ref() {
            Some(LogicalType::Date) => return ValueType::Date,
            Some(LogicalType::Time(time)) => return ValueType::Time(Unit::of(&time.unit)),
            Some(LogicalType::Timestamp(at)) => {
                return ValueType::Timestamp(Unit::of(&at.unit), zone(at.is_adjusted_to_u_t_c));
            }
            Some(LogicalType::Decimal(decimal)) => {
                return ValueType::Decimal(u32::try_from(decimal.scale).unwrap_or(0));
            }
            Some(LogicalType::Integer(integer)) if !integer.is_signed => return ValueType::Unsigned,
            Some(LogicalType::Float16) => return ValueType::Half,
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::DATE => ValueType::Date,
            ConvertedType::TIME_MILLIS => ValueType::Time(Unit::Millis),
            ConvertedType::TIME_MICROS => ValueType::Time(Unit::Micros),
            ConvertedType::TIMESTAMP_MILLIS => ValueType::Timestamp(Unit::Millis, Zone::Utc),
            ConvertedType::TIMESTAMP_MICROS => ValueType::Timestamp(Unit::Micros, Zone::Utc),
            ConvertedType::DECIMAL => ValueType::Decimal(u32::try_from(column.type_scale()).unwrap_or(0)),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                ValueType::Unsigned
            }
            _ => ValueType::Plain,
        }
    }

    fn integer(self, number: i64, width: Type) -> String {
        let text = match self {
            ValueType::Date => {
                i32::try_from(number).ok().and_then(NaiveDate::from_epoch_days).map(|date| date.to_string())
            }
            ValueType::Time(unit) => time(number, unit).map(|time| time.to_string()),
            ValueType::Timestamp(unit, zone) => timestamp(number, unit).map(|at| iso(at, zone)),
            ValueType::Decimal(scale) => Some(decimal(i128::from(number), scale)),
            ValueType::Unsigned if width == Type::INT32 => Some((number as i32).cast_unsigned().to_string()),
            ValueType::Unsigned => Some(number.cast_unsigned().to_string()),
            ValueType::Plain | ValueType::Half => None,
        };
        text.unwrap_or_else(|| number.to_string())
    }

    fn bytes(self, bytes: &[u8]) -> String {
        match (self, bytes) {
            // Big-endian two's complement. No number of minutes or miles has more than 16 bytes.
            (ValueType::Decimal(scale), _) if (1..=16).contains(&bytes.len()) => {
                let negative = bytes[0] & 0x80 != 0;
                let mut wide = [if negative { 0xff } else { 0 }; 16];
                wide[16 - bytes.len()..].copy_from_slice(bytes);
                decimal(i128::from_be_bytes(wide), scale)
            }
            (ValueType::Half, &[low, high]) => half(u16::from_le_bytes([low, high])).to_string(),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn time(number: i64, unit: Unit) -> Option<NaiveTime> {
    let seconds = u32::try_from(number.div_euclid(unit.per_second())).ok()?;
    // 24:00 is 0:00.
    NaiveTime::from_num_seconds_from_midnight_opt(if seconds == 86_400 { 0 } else { seconds }, 0)
}

fn timestamp(number: i64, unit: Unit) -> Option<NaiveDateTime> {
    let (seconds, rest) = (number.div_euclid(unit.per_second()), number.rem_euclid(unit.per_second()));
    let nanos = u32::try_from(rest * (1_000_000_000 / unit.per_second())).ok()?;
    Some(DateTime::from_timestamp(seconds, nanos)?.naive_utc())
}

fn iso(at: NaiveDateTime, zone: Zone) -> String {
    at.format(if zone == Zone::Utc { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S" }).to_string()
}

fn decimal(number: i128, scale: u32) -> String {
    let Some(base) = 10i128.checked_pow(scale) else { return number.to_string() };
    let (whole, rest) = (number.unsigned_abs() / base.unsigned_abs(), number.unsigned_abs() % base.unsigned_abs());
    let sign = if number < 0 { "-" } else { "" };
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:0width$}", width = scale as usize)
}

/// Converts an IEEE 754 half-precision number.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    if sign == 1 { -size } else { size }
}

impl Table {
    /// Returns the columns that can be read as texts.
    pub(in crate::history) fn text_columns(&self) -> Vec<TextColumn> {
        let columns = self.reader.metadata().file_metadata().schema_descr().columns().iter().enumerate();
        let flat = columns.filter(|(_, column)| column.max_rep_level() == 0 && column.path().parts().len() == 1);
        flat.map(|(position, column)| TextColumn {
            name: column.name().to_owned(),
            position,
            value_type: ValueType::of(column),
            is_nullable: column.max_def_level() > 0,
        })
        .collect()
    }

    /// Calls `visit` with each row's number, from 1, and its texts in the order of `columns`; `None` is no value.
    pub(in crate::history) fn for_each_row<E: From<HistoryError>>(
        &self,
        columns: &[&TextColumn],
        mut visit: impl FnMut(u64, &[Option<&str>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut number = 0;
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group).map_err(|source| self.damaged(source))?;
            let reader = |column: &&TextColumn| {
                let reader = group.get_column_reader(column.position)?;
                Ok(TextReader { reader, column: (*column).clone(), levels: vec![], text: String::new(), ends: vec![] })
            };
            let readers: Result<Vec<TextReader>, ParquetError> = columns.iter().map(reader).collect();
            let mut readers = readers.map_err(|source| self.damaged(source))?;
            let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            while left > 0 {
                let rows = left.min(BATCH_ROWS);
                for reader in &mut readers {
                    reader.read(rows).map_err(|source| self.damaged(source))?;
                }
                for row in 0..rows {
                    number += 1;
                    let texts: Vec<_> = readers.iter().map(|reader| reader.get(row)).collect();
                    visit(number, &texts)?;
                }
                left -= rows;
            }
        }
        Ok(())
    }
}

/// Reads one column in batches of rows.
struct TextReader {
    reader: ColumnReader,
    column: TextColumn,
    levels: Vec<i16>,
    text: String,
    /// The end of each row's text, and whether the row has a value.
    ends: Vec<(usize, bool)>,
}

impl TextReader {
    /// Reads exactly this many rows.
    fn read(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.text.clear();
        self.ends.clear();
        while self.ends.len() < rows {
            let before = self.ends.len();
            self.read_some(rows - before)?;
            if self.ends.len() == before {
                return Err(ParquetError::General("a column ends before its row group does".to_owned()));
            }
        }
        Ok(())
    }

    fn read_some(&mut self, rows: usize) -> Result<(), ParquetError> {
        let value_type = self.column.value_type;
        macro_rules! texts {
            ($reader:expr, $text:expr) => {{
                let mut values = Vec::new();
                self.levels.clear();
                let (read, _, _) = $reader.read_records(rows, Some(&mut self.levels), None, &mut values)?;
                let mut values = values.iter();
                for row in 0..read {
                    let present = !self.column.is_nullable || self.levels.get(row) == Some(&1);
                    let value = if present { values.next() } else { None };
                    if let Some(value) = value {
                        self.text.push_str(&$text(value));
                    }
                    self.ends.push((self.text.len(), value.is_some()));
                }
            }};
        }
        match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => texts!(reader, |flag: &bool| if *flag { "1" } else { "0" }),
            ColumnReader::Int32ColumnReader(reader) => {
                texts!(reader, |number: &i32| value_type.integer(i64::from(*number), Type::INT32));
            }
            ColumnReader::Int64ColumnReader(reader) => {
                texts!(reader, |number: &i64| value_type.integer(*number, Type::INT64))
            }
            // Older timestamps of Spark and Impala are in UTC.
            ColumnReader::Int96ColumnReader(reader) => texts!(reader, |at: &Int96| {
                let at = timestamp(at.to_micros(), Unit::Micros);
                at.map_or_else(String::new, |at| iso(at, Zone::Utc))
            }),
            ColumnReader::FloatColumnReader(reader) => texts!(reader, f32::to_string),
            ColumnReader::DoubleColumnReader(reader) => texts!(reader, f64::to_string),
            ColumnReader::ByteArrayColumnReader(reader) => {
                texts!(reader, |bytes: &::parquet::data_type::ByteArray| value_type.bytes(bytes.data()));
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                texts!(reader, |bytes: &::parquet::data_type::FixedLenByteArray| value_type.bytes(bytes.data()));
            }
        }
        Ok(())
    }

    fn get(&self, row: usize) -> Option<&str> {
        let begin = if row == 0 { 0 } else { self.ends[row - 1].0 };
        let (end, has_value) = self.ends[row];
        has_value.then(|| &self.text[begin..end])
    }
}
