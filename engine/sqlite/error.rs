//! Errors: why a database cannot be opened, and what an error of SQLite means (an outage, a state that needs an
//! operator, or a row refused for good).

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Error, ErrorCode};

use crate::{address, delivery::Unavailable};

/// The reason that an embedded database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder does not exist or is not accessible.
    #[error("cannot open {path}: does its folder exist, and may it be written to?")]
    Folder {
        /// The database.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A network file system, where SQLite's locks do not work.
    #[error("{path} lies on a network file system ({kind}), where locks cannot be trusted: put it on a local disk")]
    Network {
        /// The database.
        path: PathBuf,
        /// The file system.
        kind: &'static str,
    },
    /// Another application's database.
    #[error("{path} is an SQLite database, but not one of delaycast's: name another file")]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// Tables of a version that this build does not know.
    #[error("{path} has tables of version {found}, and this build knows version {known}: use the build that made it")]
    Version {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The version of this build.
        known: i32,
    },
    /// Not a database, or one that is damaged.
    #[error("{path} is no SQLite database, or a damaged one: name another file, restore it, or use sqlite3's .recover")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// SQLite's error.
        source: Error,
    },
    /// There is no file, and this call makes none.
    #[error("there is no {path}: `delaycast up` makes it, or name the one that is wanted")]
    Missing {
        /// The database.
        path: PathBuf,
    },
    /// A log that belongs to a file which is gone.
    #[error(
        "there is no {path}, but its -wal is there with {bytes} bytes, which SQLite would delete: restore the file, or \
         move the -wal and the -shm away to start anew"
    )]
    OrphanedWal {
        /// The database.
        path: PathBuf,
        /// The length of the log.
        bytes: u64,
    },
    /// A log without the `-shm`, which is its index.
    #[error(
        "the -wal of {path} holds {bytes} bytes and its -shm is missing, so that it cannot be read without recovery: \
         `delaycast up` and scorers recover it when they start"
    )]
    Unrecovered {
        /// The database.
        path: PathBuf,
        /// The length of the log.
        bytes: u64,
    },
    /// Its path names another file than the one that was opened.
    #[error("{path} was deleted or replaced while it was being opened: start again")]
    Changed {
        /// The database.
        path: PathBuf,
        /// The error that names the difference.
        source: io::Error,
    },
    /// Any other error of SQLite.
    #[error("cannot open {path}: is it locked, read-only, or the disk full?")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// SQLite's error.
        source: Error,
    },
}

impl OpenError {
    /// Returns whether another process has it locked, which passes.
    pub fn is_busy(&self) -> bool {
        matches!(self, OpenError::Sqlite { source, .. } if is_busy(source))
    }

    pub(super) fn of_sqlite(path: &Path, source: Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source },
            _ => OpenError::Sqlite { path, source },
        }
    }
}

impl From<OpenError> for address::OpenError {
    fn from(error: OpenError) -> Self {
        let is_busy = error.is_busy();
        let error = Box::new(error);
        if is_busy { address::OpenError::Busy(error) } else { address::OpenError::Connector(error) }
    }
}

/// Returns whether another connection holds the lock: the only error that is retried at once.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Returns whether the row itself is refused, so that a retry cannot help.
pub(crate) fn refuses_row(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch))
}

/// Classifies an error of the database at `path`, and says what to do about it.
pub(crate) fn unavailable(error: &Error, path: &Path) -> Unavailable {
    let at = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Unavailable::transient(format!("{at} is locked by another process for too long: {error}"))
        }
        Some(ErrorCode::DiskFull) => Unavailable::transient(format!("no space is left for {at}: free some ({error})")),
        Some(ErrorCode::SystemIoFailure) => {
            Unavailable::transient(format!("reading or writing {at} failed: check the disk ({error})"))
        }
        Some(ErrorCode::OutOfMemory) => Unavailable::transient(format!("no memory is left to use {at}: {error}")),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Unavailable::needs_operator(format!(
            "{at} is damaged: stop all that use it, then restore it or run sqlite3's .recover ({error})"
        )),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => Unavailable::needs_operator(
            format!("{at} cannot be opened for writing: check its folder's rights ({error})"),
        ),
        _ => Unavailable::needs_operator(format!("{at} does not work as it should: {error}")),
    }
}
