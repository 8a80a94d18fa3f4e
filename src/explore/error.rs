//! The errors of building and of asking an index.

use std::{io, path::PathBuf};

use crate::history::HistoryError;

/// The reason why an index cannot be built, opened or asked.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The history cannot be read.
    #[error("the history cannot be read")]
    History(#[from] HistoryError),
    /// A file of the history, or the index itself, cannot be read or written.
    #[error("cannot use {}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file exists and is no index: it stays as it is.
    #[error("{} is no index of a history: choose another file", _0.display())]
    NotAnIndex(PathBuf),
    /// The database reported an error.
    #[error("the index {} cannot be used", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The history has no flights.
    #[error("the history has no flights")]
    Empty,
    /// A query did not end before its deadline.
    #[error("the query took too long")]
    TimedOut,
    /// A stop was requested.
    #[error("stopped before the index was built")]
    Stopped,
}

impl ExploreError {
    pub(super) fn io(file: &std::path::Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| ExploreError::Io { file: file.to_owned(), source }
    }

    pub(super) fn database(file: &std::path::Path) -> impl Fn(rusqlite::Error) -> Self + '_ {
        move |source| ExploreError::Database { file: file.to_owned(), source }
    }
}
