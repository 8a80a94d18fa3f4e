//! Why a fetch cannot begin, or must end before all months had their turn.

use std::{error::Error, io, path::Path};

/// What concerns all months. What concerns one stands in its report.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address to fetch from.
    #[error("{url:?} is no address to fetch from: {reason}")]
    BaseUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two fetches would write to the same files.
    #[error(
        "another `delaycast data fetch` writes to {directory}: wait until it is done, or choose another folder with --out"
    )]
    Locked {
        /// The folder.
        directory: String,
    },
    /// The disk is full, or this user's share of it.
    #[error("no room for {file}: make some, or choose another folder with --out")]
    Full {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system refused something else.
    #[error("cannot {act} {file}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// The file or folder.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl FetchError {
    pub(super) fn io(act: &'static str, path: &Path, source: io::Error) -> Self {
        let file = path.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FetchError::Full { file, source },
            _ => FetchError::Io { act, file, source },
        }
    }

    /// With its cause, for a summary.
    pub(super) fn in_full(&self) -> String {
        self.source().map_or_else(|| self.to_string(), |source| format!("{self} ({source})"))
    }
}
