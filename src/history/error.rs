//! Why a history cannot be read.

use std::io;

use ::parquet::errors::ParquetError;

use super::shown::escaped;

/// Why a history cannot be read or written. `file` is the file as it was named to us.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The operating system refused.
    #[error("cannot read {}", escaped(file))]
    Io {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A directory without a history in it.
    #[error(
        "{directory} holds no {}; make one with `delaycast data import PATH… --out {directory}`",
        super::FLIGHTS_FILE
    )]
    NoHistory {
        /// The directory.
        directory: String,
    },
    /// Not Parquet, or damaged.
    #[error(
        "{} is not Parquet or is damaged; other formats are read by `delaycast data import`, \
         and a damaged file must be imported again",
        escaped(file)
    )]
    Damaged {
        /// The file.
        file: String,
        /// What the decoder said.
        source: ParquetError,
    },
    /// Parquet whose pages are compressed by a codec that is not built in.
    #[error(
        "{} is compressed with {codec}, which is not built in: write it with zstd, snappy, gzip, lz4 or none",
        escaped(file)
    )]
    Codec {
        /// The file.
        file: String,
        /// The codec.
        codec: String,
    },
    /// Parquet, but not a table that we read.
    #[error(
        "{} lacks {}; it has {}",
        escaped(file),
        missing.join(", "),
        if found.is_empty() { "no columns".into() } else { escaped(&found.join(", ")).into_owned() }
    )]
    Missing {
        /// The file.
        file: String,
        /// The columns that are needed.
        missing: Vec<&'static str>,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A column of another type.
    #[error("column {column} of {} is {found}, and must be {wanted} without nesting", escaped(file))]
    Type {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The physical type it has.
        found: String,
        /// The physical type it must have.
        wanted: String,
    },
    /// A value that cannot be.
    #[error("column {column} of {}, row {row}: {}", escaped(file), escaped(reason))]
    Value {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row in the file, from 1.
        row: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write {}", escaped(file))]
    Write {
        /// The file.
        file: String,
        /// What went wrong.
        source: ParquetError,
    },
}
