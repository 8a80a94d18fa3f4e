//! Why an import stopped.

use std::io;

use super::{BrokenRow, PassedOver};
use crate::history::{
    HistoryError,
    shown::{escaped, quoted},
};

/// The formats that are read, at the end of an error.
const FORMATS: &str = "; those are the zips and CSVs of BTS On-Time Performance and tables like them (separated by \
    commas, semicolons, tabs or bars), JSON lines (plain or .bz2) and arrays, and Parquet; plain, or packed with zip, \
    gzip, bzip2 or zstd";

/// Why an import stopped. Nothing was written to the output directory, unless writing is what failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The output directory is taken.
    #[error(
        "{} already holds a history; name another directory with --out, or remove that one first",
        escaped(directory)
    )]
    Exists {
        /// The directory.
        directory: String,
    },
    /// The operating system refused.
    #[error("cannot read {}", escaped(file))]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that breaks off or does not decompress.
    #[error("{} is damaged; fetch it again, then import anew (nothing was written)", escaped(file))]
    Damaged {
        /// The file, and the member if it is a zip.
        file: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// Not one of the formats that are read.
    #[error("{} {}{hint}", escaped(file), escaped(reason))]
    Unsupported {
        /// The file.
        file: String,
        /// A description of it, and what to do.
        reason: String,
        /// The formats that can be imported, if the reason does not say what to do; else empty.
        hint: &'static str,
    },
    /// Nothing.
    #[error("{} is empty", escaped(file))]
    Empty {
        /// The file.
        file: String,
    },
    /// Something that may hold flights and cannot be read: it is not passed over.
    #[error("{} {reason}", escaped(file))]
    Unreadable {
        /// The file.
        file: String,
        /// A description of it, and what to do.
        reason: String,
    },
    /// A table without the columns that every flight needs.
    #[error(
        "{}, whose columns{} are {}, has no column for {}",
        escaped(file),
        separator.map(|separator| format!(" (separated by {separator})")).unwrap_or_default(),
        names(columns),
        missing.join(", nor for ")
    )]
    Columns {
        /// The file.
        file: String,
        /// The separator of the columns, if there is one.
        separator: Option<&'static str>,
        /// The columns it has.
        columns: Vec<String>,
        /// The columns it lacks, each by its first spelling.
        missing: Vec<&'static str>,
    },
    /// A folder or an archive in which nothing can be imported.
    #[error(
        "{} holds nothing that can be imported:{}",
        escaped(file),
        if passed_over.is_empty() { " it is empty".into() } else { list(passed_over, *more) }
    )]
    NothingInside {
        /// The folder or archive.
        file: String,
        /// The files in it, each with the reason why it was passed over.
        passed_over: Vec<PassedOver>,
        /// Number of files beyond those that are named.
        more: u64,
    },
    /// More files than a folder or an archive should have.
    #[error("{} has more than {entries} files and folders in it; give the folders in it one by one", escaped(file))]
    TooManyEntries {
        /// The folder or archive.
        file: String,
        /// The bound.
        entries: usize,
    },
    /// A compressed file that unpacks to more than is allowed.
    #[error("{} unpacks to more than {bound}: if it is what it should be, raise that bound", escaped(file))]
    Unpacks {
        /// The file.
        file: String,
        /// The bound that was passed, with the option that raises it.
        bound: String,
    },
    /// A text whose dates are in another order than is taken.
    #[error(
        "{} line {line}: the date {} {}",
        escaped(file),
        quoted(text),
        if *day_first { "has the month first, as in 12/25/2016: leave --day-first out" }
        else { "has the day first; if all dates of the input have, give --day-first, else write them as in 2016-12-25" }
    )]
    DayFirst {
        /// The file.
        file: String,
        /// The line in it, from 1.
        line: u64,
        /// The date as it stands.
        text: String,
        /// True if the day was taken to be first.
        day_first: bool,
    },
    /// A text whose dates are moments that are no midnights, so that the local day of the flight is unknown.
    #[error(
        "{} line {line}: the date {} is a moment in a zone, and the dates of this text are not all midnights of one \
         zone, so the local days of the flights are unknown: write them as in 2016-12-25, or keep year, month and day",
        escaped(file),
        quoted(text)
    )]
    Instants {
        /// The file.
        file: String,
        /// The line in it, from 1.
        line: u64,
        /// The date as it stands.
        text: String,
    },
    /// Airports that are named by numbers that nothing explains.
    #[error(
        "{} line {line} and {count} airports of flights in all are named by a number and not by a code ({}): import \
         beside it a table that has both, such as any month of BTS On-Time Performance (OriginAirportID and Origin), or \
         BTS's lookup tables L_AIRPORT_ID and L_AIRPORT together",
        escaped(file), ids.join(", ")
    )]
    AirportIds {
        /// The file that has the first of them.
        file: String,
        /// The line in it, from 1.
        line: u64,
        /// Number of origins and destinations of flights that are named by such a number.
        count: u64,
        /// Some of the numbers.
        ids: Vec<String>,
    },
    /// More rows than can be mistakes.
    #[error(
        "{broken} of the first {rows} rows of {} cannot be understood, so the import stops; among them:{}",
        escaped(file),
        list(examples, 0)
    )]
    TooManyBroken {
        /// The file.
        file: String,
        /// Rows read so far.
        rows: u64,
        /// How many of them are broken.
        broken: u64,
        /// The first of them.
        examples: Vec<BrokenRow>,
    },
    /// There was nothing to import.
    #[error(
        "the input holds no flights; give at least one file with flights (a route table alone is no history){}",
        list(passed_over, *more)
    )]
    NoFlights {
        /// Files that were passed over, each with the reason.
        passed_over: Vec<PassedOver>,
        /// Number of files beyond those that are named.
        more: u64,
    },
    /// There were no routes.
    #[error("the input holds no routes: give JSON lines, CSV or Parquet with Origin, Dest and Distance")]
    NoRoutes,
    /// The operating system refused to write.
    #[error("cannot write {}", escaped(file))]
    Write {
        /// The file or directory.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A Parquet file could not be read or written.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl ImportError {
    pub(super) fn unsupported(file: &str, reason: impl Into<String>) -> Self {
        ImportError::Unsupported { file: file.to_owned(), reason: reason.into(), hint: "" }
    }

    /// A file of which it is not known what it is.
    pub(super) fn unknown(file: &str, found: &str) -> Self {
        let reason = format!("is in no format that can be imported: {found}");
        ImportError::Unsupported { file: file.to_owned(), reason, hint: FORMATS }
    }

    /// Why a file holds nothing that can be imported, if that is what the error says: inside of a folder or a zip it is
    /// then passed over.
    pub(super) fn passes_over(&self) -> Option<String> {
        match self {
            ImportError::Unsupported { reason, .. } => Some(reason.clone()),
            ImportError::Empty { .. } => Some("is empty".to_owned()),
            ImportError::Columns { columns, missing, .. } => {
                Some(format!("has no column for {}; it has {}", missing.join(", nor for "), names(columns)))
            }
            ImportError::NothingInside { .. } => Some("holds nothing that can be imported".to_owned()),
            _ => None,
        }
    }
}

/// A line for each, on lines of their own.
fn list<T: std::fmt::Display>(lines: &[T], more: u64) -> String {
    let mut text: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    if more > 0 {
        text += &format!("\n  and {more} more");
    }
    text
}

/// The first names of columns of a foreign table.
fn names(columns: &[String]) -> String {
    const NAMED_MAX: usize = 8;
    let shown: Vec<_> = columns.iter().take(NAMED_MAX).map(|name| quoted(name)).collect();
    shown.join(", ") + if columns.len() > NAMED_MAX { ", …" } else { "" }
}
