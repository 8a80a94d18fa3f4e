//! The errors of an import, and the rows and files that it skips.

use std::{fmt, io};

use serde::Serialize;

use crate::history::error::{HistoryError, escaped, quoted};

/// A row that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenRow {
    /// The file, and the member if it is in a zip.
    pub file: String,
    /// The line in it, from 1.
    pub line: u64,
    /// The error.
    pub reason: String,
}

impl fmt::Display for BrokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", escaped(&self.file), self.line, escaped(&self.reason))
    }
}

/// A file that was skipped because there is nothing to import in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedFile {
    /// The file, and the member if it is in a zip.
    pub file: String,
    /// A description that follows the file's name, as in "is no regular file".
    pub reason: String,
}

impl fmt::Display for SkippedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", escaped(&self.file), escaped(&self.reason))
    }
}

/// The formats that are read, at the end of an error message.
const FORMATS: &str = "; those are the zips and CSVs of BTS On-Time Performance and tables like them (separated by \
    commas, semicolons, tabs or bars), JSON lines (plain or .bz2) and arrays, and Parquet; plain, or packed with zip, \
    gzip, bzip2 or zstd";

/// An error that ends an import. Nothing was written to the output directory, unless writing failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The output directory already holds a history.
    #[error(
        "{} already holds a history; name another directory with --out, or remove that one first",
        escaped(directory)
    )]
    Exists {
        /// The directory.
        directory: String,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {}", escaped(file))]
    Read {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file is truncated or does not decompress.
    #[error("{} is damaged; fetch it again, then import anew (nothing was written)", escaped(file))]
    Damaged {
        /// The file, and the member if it is in a zip.
        file: String,
        /// The error of the decoder.
        source: io::Error,
    },
    /// The format of a file is not read.
    #[error("{} {}{hint}", escaped(file), escaped(reason))]
    Unsupported {
        /// The file.
        file: String,
        /// A description of it, and advice.
        reason: String,
        /// The formats that can be imported, if the reason has no advice; else empty.
        hint: &'static str,
    },
    /// A file is empty.
    #[error("{} is empty", escaped(file))]
    Empty {
        /// The file.
        file: String,
    },
    /// A file that may hold flights cannot be read. It is not skipped.
    #[error("{} {reason}", escaped(file))]
    Unreadable {
        /// The file.
        file: String,
        /// A description of it, and advice.
        reason: String,
    },
    /// A table lacks columns that every flight needs.
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
        /// The columns that it has.
        columns: Vec<String>,
        /// The columns that it lacks, each by its first spelling.
        missing: Vec<&'static str>,
    },
    /// A folder or an archive holds nothing that can be imported.
    #[error(
        "{} holds nothing that can be imported:{}",
        escaped(file),
        if skipped.is_empty() { " it is empty".into() } else { list(skipped, *more) }
    )]
    NothingInside {
        /// The folder or archive.
        file: String,
        /// The files in it, each with the reason why it was skipped.
        skipped: Vec<SkippedFile>,
        /// Number of files beyond those that are named.
        more: u64,
    },
    /// A folder or an archive has too many entries.
    #[error("{} has more than {entries} files and folders in it; give the folders in it one by one", escaped(file))]
    TooManyEntries {
        /// The folder or archive.
        file: String,
        /// The bound.
        entries: usize,
    },
    /// A compressed file exceeds a bound on its unpacked size.
    #[error("{} unpacks to more than {bound}: if it is what it should be, raise that bound", escaped(file))]
    Unpacks {
        /// The file.
        file: String,
        /// The bound, with the option that raises it.
        bound: String,
    },
    /// The dates of a text are in the other order of day and month.
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
        /// The date as it is written.
        text: String,
        /// True if the import expects the day first.
        day_first: bool,
    },
    /// The dates of a text are timestamps that are no midnights, so that the local days of flights are unknown.
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
        /// The date as it is written.
        text: String,
    },
    /// Airports are named by numbers without a known code.
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
    /// Too many rows of a text are broken.
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
        /// Number of broken rows.
        broken: u64,
        /// The first broken rows.
        examples: Vec<BrokenRow>,
    },
    /// The input holds no flights.
    #[error(
        "the input holds no flights; give at least one file with flights (a route table alone is no history){}",
        list(skipped, *more)
    )]
    NothingToFit {
        /// Files that were skipped, each with the reason.
        skipped: Vec<SkippedFile>,
        /// Number of files beyond those that are named.
        more: u64,
    },
    /// The input holds no routes.
    #[error("the input holds no routes: give JSON lines, CSV or Parquet with Origin, Dest and Distance")]
    NoRoutes,
    /// A file or directory cannot be written.
    #[error("cannot write {}", escaped(file))]
    Write {
        /// The file or directory.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A Parquet file cannot be read or written.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl ImportError {
    pub(super) fn unsupported(file: &str, reason: impl Into<String>) -> Self {
        ImportError::Unsupported { file: file.to_owned(), reason: reason.into(), hint: "" }
    }

    /// Creates the error about a file of unknown format.
    pub(super) fn unknown_format(file: &str, found: &str) -> Self {
        let reason = format!("is in no format that can be imported: {found}");
        ImportError::Unsupported { file: file.to_owned(), reason, hint: FORMATS }
    }

    /// Returns the reason why a file in a folder or a zip is skipped; `None` if the error ends the import.
    pub(super) fn reason_to_skip(&self) -> Option<String> {
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

/// Formats each item on an indented line.
fn list<T: fmt::Display>(lines: &[T], more: u64) -> String {
    let mut text: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    if more > 0 {
        text += &format!("\n  and {more} more");
    }
    text
}

/// Quotes the first names of columns.
fn names(columns: &[String]) -> String {
    const NAMED_MAX: usize = 8;
    let shown: Vec<_> = columns.iter().take(NAMED_MAX).map(|name| quoted(name)).collect();
    shown.join(", ") + if columns.len() > NAMED_MAX { ", …" } else { "" }
}
