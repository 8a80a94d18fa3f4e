//! The errors of reading and writing a history.

use std::io;

use ::parquet::errors::ParquetError;

use super::escape::escaped;

/// An error of reading or writing a history. `file` is the path as the caller gave it.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file cannot be opened.
    #[error("cannot read {}", escaped(file))]
    Io {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The directory holds no history.
    #[error("{directory} holds no {file}; make one with `delaycast data import PATH… --out {directory}`")]
    NoHistory {
        /// The directory.
        directory: String,
        /// The file that it must hold.
        file: &'static str,
    },
    /// The file is not Parquet, or is damaged.
    #[error(
        "{} is not Parquet or is damaged; other formats are read by `delaycast data import`, \
         and a damaged file must be imported again",
        escaped(file)
    )]
    Damaged {
        /// The file.
        file: String,
        /// The error of the decoder.
        source: ParquetError,
    },
    /// The codec of the file is not built in.
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
    /// The file lacks required columns.
    #[error(
        "{} lacks {}; it has {}",
        escaped(file),
        missing.join(", "),
        if found.is_empty() { "no columns".into() } else { escaped(&found.join(", ")).into_owned() }
    )]
    Missing {
        /// The file.
        file: String,
        /// The required columns that it lacks.
        missing: Vec<&'static str>,
        /// The columns that it has.
        found: Vec<String>,
    },
    /// A column has another type.
    #[error("column {column} of {} is {found}, and must be {wanted} without nesting", escaped(file))]
    Type {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The physical type of the column.
        found: String,
        /// The required physical type.
        wanted: String,
    },
    /// A value is invalid.
    #[error("column {column} of {}, row {row}: {}", escaped(file), escaped(reason))]
    Value {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The row in the file, from 1.
        row: u64,
        /// The reason.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write {}", escaped(file))]
    Write {
        /// The file.
        file: String,
        /// The error of the encoder.
        source: ParquetError,
    },
}
