//! What a fetch tells: while it runs, and at its end.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use super::Month;

/// What a fetch tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A month's turn has come.
    Begun(Month),
    /// Bytes of a month's file have come.
    Received {
        /// The month.
        month: Month,
        /// Bytes of the file that are here, those of earlier runs included.
        bytes: u64,
        /// Bytes that it has, if the server says so.
        bytes_total: Option<u64>,
        /// Bytes that came over the wire for it in this run.
        bytes_received: u64,
    },
    /// What is there of a month's file cannot be used: it is fetched from its start.
    Restarted {
        /// The month.
        month: Month,
        /// Why.
        reason: &'a str,
    },
    /// A try failed, and another follows.
    Retried {
        /// The month.
        month: Month,
        /// What went wrong.
        reason: &'a str,
        /// Tries so far.
        tries: u32,
        /// Tries at most.
        tries_max: u32,
        /// The next follows after this.
        pause: Duration,
    },
    /// A month is done with.
    Ended(&'a FileReport),
}

/// What became of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its zip was fetched and is whole.
    Fetched,
    /// Its zip was there before and is whole.
    Present,
    /// The server has none, or not yet.
    Unpublished,
    /// It could not be had.
    Failed,
    /// The fetch ended before it was done.
    Left,
}

impl State {
    /// Whether its zip is there, and whole.
    pub fn is_here(self) -> bool {
        matches!(self, State::Fetched | State::Present)
    }
}

/// What became of a month, in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The month.
    pub month: Month,
    /// The name of its zip.
    pub file: String,
    /// What became of it.
    pub state: State,
    /// Bytes of it that are on disk, under its name or not.
    pub bytes: u64,
    /// Bytes that came over the wire in this run.
    pub bytes_received: u64,
    /// Requests made for it.
    pub tries: u32,
    /// Why it is not here.
    pub reason: Option<String>,
}

impl FileReport {
    pub(super) fn new(month: Month) -> Self {
        let file = month.file_name();
        FileReport { month, file, state: State::Left, bytes: 0, bytes_received: 0, tries: 0, reason: None }
    }
}

/// What a fetch did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The folder written to.
    pub out: PathBuf,
    /// Where the zips came from.
    pub base_url: String,
    /// Months asked for.
    pub months: usize,
    /// Zips fetched.
    pub fetched: usize,
    /// Zips that were there before.
    pub present: usize,
    /// Months that the server has no zip of.
    pub unpublished: Vec<Month>,
    /// Months whose zip could not be had.
    pub failed: Vec<Month>,
    /// Months that had no turn, or were not done with, when the fetch ended early.
    pub left: Vec<Month>,
    /// Why it ended early, if it did.
    pub ended_early: Option<String>,
    /// Bytes that came over the wire.
    pub bytes_received: u64,
    /// How long it took.
    pub seconds: f64,
    /// Each month, in their order.
    pub files: Vec<FileReport>,
}

impl Summary {
    pub(super) fn new(out: PathBuf, base_url: String, files: Vec<FileReport>, ended_early: Option<String>) -> Self {
        let of = |state| files.iter().filter(move |file| file.state == state).map(|file| file.month);
        Summary {
            out,
            base_url,
            months: files.len(),
            fetched: of(State::Fetched).count(),
            present: of(State::Present).count(),
            unpublished: of(State::Unpublished).collect(),
            failed: of(State::Failed).collect(),
            left: of(State::Left).collect(),
            ended_early,
            bytes_received: files.iter().map(|file| file.bytes_received).sum(),
            seconds: 0.0,
            files,
        }
    }

    /// Whether each month's zip is there, and whole.
    pub fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.state.is_here())
    }
}
