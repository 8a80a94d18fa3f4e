//! Why an import stopped.

use std::io;

use super::BrokenRow;
use crate::history::HistoryError;

/// Why an import stopped. Nothing was written to the output directory, unless writing is what failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The output directory is taken.
    #[error("{directory} already holds a history; name another directory with --out, or remove that one first")]
    Exists {
        /// The directory.
        directory: String,
    },
    /// The operating system refused.
    #[error("cannot read {file}")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that breaks off or does not decompress.
    #[error("{file} is damaged; fetch it again, then import anew (nothing was written)")]
    Damaged {
        /// The file, and the member if it is a zip.
        file: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// Not one of the formats we read.
    #[error(
        "{file} is in no format that can be imported: those are the zips and CSVs of BTS On-Time Performance, \
         JSON lines (plain or .bz2), and Parquet as written by this command"
    )]
    Unsupported {
        /// The file.
        file: String,
    },
    /// A text without the columns that every flight needs.
    #[error("{file} has no column for {}", missing.join(", nor for "))]
    Columns {
        /// The file.
        file: String,
        /// The columns, each with the spellings that are known.
        missing: Vec<String>,
    },
    /// More rows than can be mistakes.
    #[error(
        "{broken} of the first {rows} rows of {file} cannot be understood, so the import stops; among them:{}",
        list(examples)
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
    #[error("the input holds no flights; give at least one file with flights (a route table alone is no history)")]
    NoFlights,
    /// There were no routes.
    #[error("the input holds no routes: give JSON lines, CSV or Parquet with Origin, Dest and Distance")]
    NoRoutes,
    /// The operating system refused to write.
    #[error("cannot write {file}")]
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

fn list(examples: &[BrokenRow]) -> String {
    examples.iter().map(|row| format!("\n  {row}")).collect()
}
