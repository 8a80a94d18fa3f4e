//! Progress events, the summary and the errors of a fetch.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;

use super::month::Month;

/// An event of a running fetch.
#[derive(Debug)]
pub enum Event<'a> {
    /// The fetch of a month started.
    Started(Month),
    /// Bytes of a month's file were received.
    Received {
        /// The month.
        month: Month,
        /// Bytes of the file on disk, those of earlier runs included.
        bytes: u64,
        /// Bytes of the complete file, if the server reports them.
        bytes_total: Option<u64>,
        /// Bytes of it received in this run.
        bytes_received: u64,
    },
    /// The part of a month's file on disk is of no use: the file is fetched from its start.
    Restarted {
        /// The month.
        month: Month,
        /// The reason.
        reason: &'a str,
    },
    /// A try failed, and another follows.
    Retried {
        /// The month.
        month: Month,
        /// The error.
        reason: &'a str,
        /// Tries so far.
        tries: u32,
        /// Upper bound on tries.
        tries_max: u32,
        /// Pause before the next try.
        pause: Duration,
    },
    /// The fetch of a month ended.
    Finished(&'a FileReport),
}

/// The outcome of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// Its zip was fetched and is complete.
    Fetched,
    /// Its zip was there before and is complete.
    Present,
    /// The server has no zip of it (yet).
    Unpublished,
    /// Its zip could not be fetched.
    Failed,
    /// The fetch ended before it was complete.
    Left,
}

impl FileState {
    /// Returns whether the zip is there and complete.
    pub fn is_complete(self) -> bool {
        matches!(self, FileState::Fetched | FileState::Present)
    }
}

/// The outcome of a month, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The month.
    pub month: Month,
    /// The name of its zip.
    pub file: String,
    /// The outcome.
    pub state: FileState,
    /// Bytes of it on disk, complete or not.
    pub bytes: u64,
    /// Bytes of it received in this run.
    pub bytes_received: u64,
    /// Requests made for it.
    pub tries: u32,
    /// The reason why it is not there.
    pub reason: Option<String>,
}

impl FileReport {
    pub(super) fn new(month: Month) -> Self {
        let file = month.file_name();
        FileReport { month, file, state: FileState::Left, bytes: 0, bytes_received: 0, tries: 0, reason: None }
    }
}

/// The summary of a fetch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The folder written to.
    pub out: PathBuf,
    /// The folder on the server.
    pub base_url: String,
    /// Months requested.
    pub months: usize,
    /// Zips fetched.
    pub fetched: usize,
    /// Zips that were there before.
    pub present: usize,
    /// Months of which the server has no zip.
    pub unpublished: Vec<Month>,
    /// Months whose zip could not be fetched.
    pub failed: Vec<Month>,
    /// Months that were not complete when the fetch ended early.
    pub left: Vec<Month>,
    /// The reason why it ended early, if it did.
    pub ended_early: Option<String>,
    /// Bytes received.
    pub bytes_received: u64,
    /// Duration.
    pub seconds: f64,
    /// The months in order.
    pub files: Vec<FileReport>,
}

impl Summary {
    pub(super) fn new(out: PathBuf, base_url: String, files: Vec<FileReport>, ended_early: Option<String>) -> Self {
        let of = |state| files.iter().filter(move |file| file.state == state).map(|file| file.month);
        Summary {
            out,
            base_url,
            months: files.len(),
            fetched: of(FileState::Fetched).count(),
            present: of(FileState::Present).count(),
            unpublished: of(FileState::Unpublished).collect(),
            failed: of(FileState::Failed).collect(),
            left: of(FileState::Left).collect(),
            ended_early,
            bytes_received: files.iter().map(|file| file.bytes_received).sum(),
            seconds: 0.0,
            files,
        }
    }

    /// Returns whether each month's zip is there and complete.
    pub fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.state.is_complete())
    }
}

/// An error that concerns all months. Errors of one month are in its report.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL cannot be fetched from.
    #[error("{url:?} is no address to fetch from: {reason}")]
    BaseUrl {
        /// The URL.
        url: String,
        /// The reason.
        reason: String,
    },
    /// Another fetch writes to the folder.
    #[error(
        "another `delaycast data fetch` writes to {directory}: wait until it is done, or choose another folder with --out"
    )]
    Locked {
        /// The folder.
        directory: String,
    },
    /// The disk or the user's quota is full.
    #[error("no room for {file}: make some, or choose another folder with --out")]
    Full {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another I/O error.
    #[error("cannot {act} {file}")]
    Io {
        /// The operation.
        act: &'static str,
        /// The file or folder.
        file: String,
        /// The error of the operating system.
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

    /// Formats the error with its cause, for a summary.
    pub(super) fn with_cause(&self) -> String {
        self.source().map_or_else(|| self.to_string(), |source| format!("{self} ({source})"))
    }
}
