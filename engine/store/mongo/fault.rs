//! What the driver's errors mean: whether they pass, or only a person can mend them.

use mongodb::error::{Error, ErrorKind};

use crate::delivery::Unavailable;

/// Longer reasons are cut: the driver describes a whole topology in some.
const REASON_CHARS_MAX: usize = 300;

/// The outage that an error stands for; `doing` says what was tried, as in "cannot write answers".
pub(super) fn unavailable(doing: &str, error: &Error) -> Unavailable {
    let needs_operator = match error.kind.as_ref() {
        ErrorKind::Command(command) => code_needs_operator(command.code),
        ErrorKind::Authentication { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::InvalidTlsConfig { .. } => true,
        _ => false,
    };
    // The error itself would print the server's whole reply.
    let reason: String = format!("{doing}: {}", error.kind).chars().take(REASON_CHARS_MAX).collect();
    Unavailable { reason, needs_operator }
}

/// The code that a server gave, if it refused a command.
pub(super) fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}

/// Whether only a person can mend what this code stands for.
/// Source: the server's `error_codes.yml`, where codes have their names.
pub(super) fn code_needs_operator(code: i32) -> bool {
    const UNAUTHORIZED: i32 = 13;
    const AUTHENTICATION_FAILED: i32 = 18;
    const COMMAND_NOT_FOUND: i32 = 59;
    const INVALID_NAMESPACE: i32 = 73;
    const UNKNOWN_REPL_WRITE_CONCERN: i32 = 79;
    const UNSATISFIABLE_WRITE_CONCERN: i32 = 100;
    const COMMAND_NOT_SUPPORTED_ON_VIEW: i32 = 166;
    const ATLAS_ERROR: i32 = 8000;
    matches!(
        code,
        UNAUTHORIZED
            | AUTHENTICATION_FAILED
            | COMMAND_NOT_FOUND
            | INVALID_NAMESPACE
            | UNKNOWN_REPL_WRITE_CONCERN
            | UNSATISFIABLE_WRITE_CONCERN
            | COMMAND_NOT_SUPPORTED_ON_VIEW
            | ATLAS_ERROR
    )
}
