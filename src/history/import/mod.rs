//! Imports flights from other formats into a history on disk.
//!
//! 1. A file's format is told by its content, not by its name: zip, gzip, bzip2, zstd and Parquet by their first bytes,
//!    JSON by a leading brace or bracket, tables by their header, which also tells what separates the cells (comma,
//!    semicolon, tab or bar). Formats that are not read are named, with what to do.
//! 2. Columns and fields are found by name (`fields.rs` lists the spellings), in any order; others are ignored.
//!    A table with neither a date nor a delay but with `Origin`, `Dest` and `Distance` is a route table. A Parquet file
//!    with the columns of [`super::parquet::read_weather`] is weather.
//! 3. A row that cannot be understood is counted, named and skipped. When more than 1 % of one text's rows are, and at
//!    least 100 were read, the import stops: the text is then something else than it seems.
//! 4. A damaged file stops the import.
//! 5. The output directory gets its files under temporary names, renamed when all are complete, `flights.parquet`
//!    last: a directory without it is no history. A directory that already holds a history is refused.
//! 6. A directory stands for all files in and below it, in the order of their names, a zip for its members. What holds
//!    nothing that can be imported is passed over there and named, and so is what programs and systems put beside data
//!    (`_SUCCESS`, `.crc`, `__MACOSX`, hidden files). A directory or a zip in which nothing is left is an error that
//!    names all of it; so is a file that was given by itself, unless it is empty.
//! 7. Dates are days. Where two numbers come first they are month and day, as BTS writes them ([`Options::day_first`]:
//!    day and month); a text whose dates can only be read the other way is refused. A midnight with a zone is the day
//!    there; a midnight in UTC is the day in UTC, whatever zone is written; where a day of the month stands beside it,
//!    that decides. Dates in UTC that are all at the same hour, or at two hours beside each other (summer time), are
//!    midnights of a zone that is not written: from 1 to 11 of one west of Greenwich, and the same day; later of one
//!    east of it, and the next day. A text with other moments for dates is refused. Times of day are read on the clock
//!    on which the row's day begins at midnight.
//! 8. A value has the spellings of BTS, Excel, R, pandas, SQL dumps and MongoDB's extended JSON (`values.rs`,
//!    `moment.rs`, `json.rs`), in Parquet also the types of pandas and Spark. `NaN` is no value.
//! 9. An airport that is named by a number (BTS's airport ids) gets the code that stands beside this number in any row
//!    of the import, or in lookup tables that are imported with it; a number that nothing explains stops the import.
//! 10. What is read is bounded: how much a compressed file unpacks to ([`Options`]), how deep packing and directories
//!     go, how many files and members there are, the length of a line and of an object (`bounds.rs`, `lines.rs`).
//! 11. Messages show names and texts of foreign files with control characters, and what else a terminal would obey or
//!     hide, escaped.
//!
//! All flights are held in memory to be sorted: 96 bytes each, so about 0.6 GB for a year of 6 million. Only the
//! memory of the machine bounds their number.

mod airports;
mod bounds;
mod csv;
mod days;
mod error;
mod fields;
mod format;
mod input;
mod intake;
mod json;
mod lines;
mod moment;
mod objects;
mod output;
mod routes;
mod row;
mod table;
mod text;
mod values;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use chrono::NaiveDate;
use serde::Serialize;

pub use bounds::Options;
pub use error::ImportError;
pub use intake::{BROKEN_NAMED_MAX, BrokenRow, Event, PASSED_OVER_NAMED_MAX, PassedOver, Progress};
pub use routes::import_routes;

use self::{intake::Intake, output::Output};
use super::{History, WeatherTable};

/// What an import did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The directory written.
    pub out: PathBuf,
    /// The files of which something was taken.
    pub files: usize,
    /// The first of the files that were passed over.
    pub passed_over: Vec<PassedOver>,
    /// Number of files that were passed over.
    pub passed_over_total: u64,
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

/// Imports as [`import_with`] does, with the default [`Options`].
pub fn import(paths: &[PathBuf], out: &Path, observe: &mut dyn FnMut(Event<'_>)) -> Result<Summary, ImportError> {
    import_with(&Options::default(), paths, out, observe)
}

/// Reads all flights and routes of `paths` and writes them to the directory `out`. `observe` is told of progress every
/// few thousand rows, and of each of the first [`BROKEN_NAMED_MAX`] broken rows.
pub fn import_with(
    options: &Options,
    paths: &[PathBuf],
    out: &Path,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Summary, ImportError> {
    let began_at = Instant::now();
    let output = Output::at(out)?;
    let mut intake = Intake::new(options, observe);
    let files = read_all(paths, &mut intake)?;
    let (rows, broken, broken_rows) = (intake.rows, intake.broken, intake.named);
    let (passed_over, passed_over_total) = (intake.passed_over, intake.passed_over_total);
    let read = intake.flights.len();
    let history = History::new(intake.flights, intake.routes).with_weather(WeatherTable::new(intake.weather));
    let (Some(from), Some(to)) = (history.all().map(|f| f.date).min(), history.all().map(|f| f.date).max()) else {
        let more = passed_over_total - passed_over.len() as u64;
        return Err(ImportError::NoFlights { passed_over, more });
    };
    let bytes_written = output.write(&history)?;
    let seconds = began_at.elapsed().as_secs_f64();
    let (cancelled, diverted) = (history.cancelled(), history.diverted());
    Ok(Summary {
        out: out.to_owned(),
        files,
        passed_over,
        passed_over_total,
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

/// Reads what all paths stand for; how many files were taken.
fn read_all(paths: &[PathBuf], intake: &mut Intake<'_>) -> Result<usize, ImportError> {
    let given = paths.iter().map(|path| walk::find(path)).collect::<Result<Vec<_>, _>>()?;
    intake.bytes_total = given.iter().flat_map(|given| &given.files).filter_map(|file| file.bytes).sum();
    let mut taken = 0;
    for given in &given {
        taken += input::read_given(given, intake)?;
    }
    intake.resolve_airports()?;
    Ok(taken)
}
