//! Rows of Parquet: of this program's own files by their types, of all others as texts, like those of a CSV.

use std::borrow::Cow;

use ::parquet::file::reader::ChunkReader;

use super::{
    ImportError,
    bounds::{Budget, damaged},
    fields::{FIELDS, Field, Kind, kind},
    intake::Intake,
    row::{Cells, Dialect, Row},
};
use crate::history::{
    HistoryError,
    parquet::{Column, Table, flights_of, routes_of, weather_of},
};

/// A Parquet file may have this many rows for each of its bytes, beyond a million rows.
const ROWS_PER_BYTE: u64 = 1;
const ROWS_FREE: u64 = 1 << 20;

/// Reads a Parquet file.
pub(super) fn read_parquet(
    name: &str,
    input: impl ChunkReader + 'static,
    budget: &Budget,
    intake: &mut Intake<'_>,
) -> Result<(), ImportError> {
    let bytes = input.len();
    let table = Table::new(name.to_owned(), input)?;
    // Rows of equal values take no room in the file, and all the room of flights in memory.
    if table.rows() as u64 > ROWS_FREE.max(bytes.saturating_mul(ROWS_PER_BYTE)) {
        let bound = format!("{ROWS_PER_BYTE} row for each of its {bytes} bytes");
        return Err(ImportError::Unpacks { file: name.to_owned(), bound });
    }
    budget.spend(table.uncompressed_bytes()).map_err(|error| damaged(name, error))?;
    let columns = table.text_columns();
    let mut chosen = [None; FIELDS];
    let mut ranks = [usize::MAX; FIELDS];
    for (position, column) in columns.iter().enumerate() {
        if let Some((field, rank)) = Field::of(&column.name)
            && rank < ranks[field as usize]
        {
            chosen[field as usize] = Some(position);
            ranks[field as usize] = rank;
        }
    }
    if table.is_sealed() {
        return read_own(name, &table, intake);
    }
    match kind(|field| chosen[field as usize].is_some()) {
        Ok(kind) => read_foreign(name, &table, &columns, chosen, kind, intake),
        Err(missing) => match weather_of(&table) {
            Ok(weather) => {
                intake.begin(name);
                take_all(weather.into_iter().map(|(hour, weather)| Row::Weather(hour, weather)), intake)
            }
            // Weather of other types is named, and passed over in a folder.
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

/// Reads a file that this program wrote: its names, types and checksum are known.
fn read_own(name: &str, table: &Table, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    intake.begin(name);
    match flights_of(table) {
        Ok(flights) => take_all(flights.into_iter().map(Row::Flight), intake),
        // Neither flights nor routes: the weather, or else the flights' error is the one to tell.
        Err(error @ HistoryError::Missing { .. }) => match (routes_of(table), weather_of(table)) {
            (Ok(routes), _) => take_all(routes.into_iter().map(Row::Route), intake),
            (_, Ok(weather)) => {
                take_all(weather.into_iter().map(|(hour, weather)| Row::Weather(hour, weather)), intake)
            }
            (_, Err(HistoryError::Missing { .. })) => Err(error.into()),
            (_, Err(of_weather)) => Err(of_weather.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn take_all(rows: impl Iterator<Item = Row>, intake: &mut Intake<'_>) -> Result<(), ImportError> {
    (1..).zip(rows).try_for_each(|(row_number, row)| intake.take(row_number, Ok(row)))
}

fn read_foreign(
    name: &str,
    table: &Table,
    columns: &[Column],
    chosen: [Option<usize>; FIELDS],
    kind: Kind,
    intake: &mut Intake<'_>,
) -> Result<(), ImportError> {
    intake.begin(name);
    let mut dialect = Dialect::default();
    dialect.days.day_first = intake.options.day_first;
    let read: Vec<&Column> = chosen.iter().flatten().filter_map(|position| columns.get(*position)).collect();
    table.each_row(&read, |number, texts| {
        let mut cells = Cells::default();
        let mut texts = texts.iter();
        for field in (0..FIELDS).filter(|field| chosen[*field].is_some()) {
            cells.0[field] = texts.next().copied().flatten().map(Cow::Borrowed);
        }
        dialect.line = number;
        let row = cells.row(kind, &mut dialect);
        intake.take(number, row).map_err(|error| dialect.days.judge(name).err().unwrap_or(error))
    })?;
    intake.end(dialect)
}
