//! Reads Parquet: files of this program by their types, all others as texts, like a CSV.

use std::borrow::Cow;

use ::parquet::file::reader::ChunkReader;

use super::{
    bounds::{Budget, decode_error},
    collector::Collector,
    error::ImportError,
    fields::{FIELD_COUNT, Field, RowKind, row_kind},
    row::{Cells, Dialect, Row},
};
use crate::history::{
    error::HistoryError,
    parquet::{Table, TextColumn, flights_of, routes_of, weather_of},
};

/// Upper bound on rows for each byte of the file, not checked up to [`ROWS_UNCHECKED`].
const ROWS_PER_BYTE: u64 = 1;
const ROWS_UNCHECKED: u64 = 1 << 20;

/// Reads a Parquet file.
pub(super) fn read_parquet(
    name: &str,
    input: impl ChunkReader + 'static,
    budget: &Budget,
    collector: &mut Collector<'_>,
) -> Result<(), ImportError> {
    let bytes = input.len();
    let table = Table::new(name.to_owned(), input)?;
    // Rows of equal values take no space in the file, but that of flights in memory.
    if table.rows() as u64 > ROWS_UNCHECKED.max(bytes.saturating_mul(ROWS_PER_BYTE)) {
        let bound = format!("{ROWS_PER_BYTE} row for each of its {bytes} bytes");
        return Err(ImportError::Unpacks { file: name.to_owned(), bound });
    }
    budget.spend(table.uncompressed_bytes()).map_err(|error| decode_error(name, error))?;
    let columns = table.text_columns();
    let mut positions = [None; FIELD_COUNT];
    let mut ranks = [usize::MAX; FIELD_COUNT];
    for (position, column) in columns.iter().enumerate() {
        if let Some((field, rank)) = Field::by_name(&column.name)
            && rank < ranks[field as usize]
        {
            positions[field as usize] = Some(position);
            ranks[field as usize] = rank;
        }
    }
    if table.has_checksum() {
        return read_own(name, &table, collector);
    }
    match row_kind(|field| positions[field as usize].is_some()) {
        Ok(kind) => read_foreign(name, &table, &columns, positions, kind, collector),
        Err(missing) => match weather_of(&table) {
            Ok(weather) => {
                collector.begin_text(name);
                add_all(weather.into_iter().map(|(hour, weather)| Row::Weather(hour, weather)), collector)
            }
            // Weather of other types is named, and skipped in a folder.
            Err(HistoryError::Type { column, found, wanted, .. }) => {
                let reason = format!("is weather whose column {column} is {found} and must be {wanted}");
                Err(ImportError::unsupported(name, reason))
            }
            Err(HistoryError::Missing { .. }) => Err(ImportError::Columns {
                file: name.to_owned(),
                separator: None,
                columns: columns.into_iter().map(|column| column.name).collect(),
                missing,
            }),
            Err(error) => Err(error.into()),
        },
    }
}

/// Reads a file that this program wrote.
fn read_own(name: &str, table: &Table, collector: &mut Collector<'_>) -> Result<(), ImportError> {
    collector.begin_text(name);
    match flights_of(table) {
        Ok(flights) => add_all(flights.into_iter().map(Row::Flight), collector),
        // Without routes and weather, the error of the flights is reported.
        Err(error @ HistoryError::Missing { .. }) => match (routes_of(table), weather_of(table)) {
            (Ok(routes), _) => add_all(routes.into_iter().map(Row::Route), collector),
            (_, Ok(weather)) => {
                add_all(weather.into_iter().map(|(hour, weather)| Row::Weather(hour, weather)), collector)
            }
            (_, Err(HistoryError::Missing { .. })) => Err(error.into()),
            (_, Err(of_weather)) => Err(of_weather.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn add_all(rows: impl Iterator<Item = Row>, collector: &mut Collector<'_>) -> Result<(), ImportError> {
    (1..).zip(rows).try_for_each(|(row_number, row)| collector.add(row_number, Ok(row)))
}

fn read_foreign(
    name: &str,
    table: &Table,
    columns: &[TextColumn],
    positions: [Option<usize>; FIELD_COUNT],
    kind: RowKind,
    collector: &mut Collector<'_>,
) -> Result<(), ImportError> {
    collector.begin_text(name);
    let mut dialect = Dialect::default();
    dialect.dates.day_first = collector.options.day_first;
    let read: Vec<&TextColumn> = positions.iter().flatten().filter_map(|position| columns.get(*position)).collect();
    table.for_each_row(&read, |number, texts| {
        let mut cells = Cells::default();
        let mut texts = texts.iter();
        for field in (0..FIELD_COUNT).filter(|field| positions[*field].is_some()) {
            cells.0[field] = texts.next().copied().flatten().map(Cow::Borrowed);
        }
        dialect.line = number;
        let row = cells.row(kind, &mut dialect);
        collector.add(number, row).map_err(|error| dialect.dates.check(name).err().unwrap_or(error))
    })?;
    collector.end_text(dialect)
}
