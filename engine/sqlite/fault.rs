//! What SQLite's errors mean to us: an outage, a state that needs a person, a row refused for good.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::delivery::Unavailable;

/// Whether another connection holds the lock: the only error that is tried again at once.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the row itself is refused, however often it is tried.
pub(crate) fn refuses_row(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch))
}

/// Says what happened to the database at `path`, and what to do.
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
