//! Imports flights from other formats into a history on disk.
//!
//! 1. A file's format is told by its content, not by its name: zip, bzip2 and Parquet by their first bytes, JSON lines by a
//!    leading brace, CSV by its header. In a directory, files with the endings of these formats are read, in the order of
//!    their names; in a zip, the members that end in `.csv` or `.jsonl`.
//! 2. Columns and fields are found by name (`fields.rs` lists the spellings), in any order; others are ignored.
//!    A text with neither a date nor a delay but with `Origin`, `Dest` and `Distance` is a route table. A Parquet file with the
//!    columns of [`super::parquet::read_weather`] is weather.
//! 3. A row that cannot be understood is counted, named and skipped. When more than 1 % of one text's rows are, and at
//!    least 100 were read, the import stops: the text is then something else than it seems.
//! 4. A damaged file stops the import.
//! 5. The output directory gets its files under temporary names, renamed when all are complete, `flights.parquet`
//!    last: a directory without it is no history. A directory that already holds a history is refused.
//!
//! All flights are held in memory to be sorted: 96 bytes each, so about 0.6 GB for a year of 6 million.

mod csv;
mod error;
mod fields;
mod input;
mod intake;
mod jsonl;
mod lines;
mod output;
mod routes;
mod row;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use chrono::NaiveDate;
use serde::Serialize;

pub use error::ImportError;
pub use intake::{BROKEN_NAMED_MAX, BrokenRow, Event, Progress};
pub use routes::import_routes;

use self::{intake::Intake, output::Output};
use super::{History, WeatherTable};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The directory written.
    pub out: PathBuf,
    /// The files read.
    pub files: usize,
    /// The rows read, broken ones and those of route tables included.
    pub rows: u64,
    /// Flown flights written.
    pub flown: usize,
    /// Cancelled flights written.
    pub cancelled: usize,
    /// Diverted flights written.
    pub diverted: usize,
    /// Flights left out because another was equal in every field.
    pub duplicates: usize,
    /// Rows that could not be understood.
    pub broken: u64,
    /// The first of them.
    pub broken_rows: Vec<BrokenRow>,
    /// Routes of the route table written.
    pub routes: usize,
    /// Hours of weather written.
    pub weather_hours: usize,
    /// The first day with a flight.
    pub from: NaiveDate,
    /// The last day with a flight.
    pub to: NaiveDate,
    /// Airports that the flights touch.
    pub airports: usize,
    /// Airlines that fly them.
    pub airlines: usize,
    /// Bytes written.
    pub bytes_written: u64,
    /// How long it took.
    pub seconds: f64,
    /// Rows read in a second of all that time.
    pub rows_per_second: f64,
}

/// Reads all flights and routes of `paths` and writes them to the directory `out`. `observe` is told of progress every
/// few thousand rows, and of each of the first [`BROKEN_NAMED_MAX`] broken rows.
pub fn import(paths: &[PathBuf], out: &Path, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, ImportError> {
    let began_at = Instant::now();
    let output = Output::at(out)?;
    let files = input::find(paths)?;
    let mut intake = Intake::new(files.iter().map(|file| file.bytes).sum(), observe);
    for file in &files {
        input::read(file, &mut intake)?;
    }
    let (rows, broken, broken_rows) = (intake.rows, intake.broken, intake.named);
    let read = intake.flights.len();
    let history = History::new(intake.flights, intake.routes).with_weather(WeatherTable::new(intake.weather));
    let (Some(from), Some(to)) = (history.all().map(|f| f.date).min(), history.all().map(|f| f.date).max()) else {
        return Err(ImportError::NoFlights);
    };
    let bytes_written = output.write(&history)?;
    let seconds = began_at.elapsed().as_secs_f64();
    let (cancelled, diverted) = (history.cancelled(), history.diverted());
    Ok(Summary {
        out: out.to_owned(),
        files: files.len(),
        rows,
        flown: history.flights.len(),
        cancelled,
        diverted,
        duplicates: read - history.all().count(),
        broken,
        broken_rows,
        routes: history.routes.len(),
        weather_hours: history.weather.len(),
        from,
        to,
        airports: history.all().flat_map(|flight| [flight.origin, flight.dest]).collect::<BTreeSet<_>>().len(),
        airlines: history.all().map(|flight| flight.carrier).collect::<BTreeSet<_>>().len(),
        bytes_written,
        seconds,
        rows_per_second: rows as f64 / seconds,
    })
}
