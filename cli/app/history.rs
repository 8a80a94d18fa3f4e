//! The history of the exploration pages: its options, and the thread that prepares its index.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use delaycast::explore::{Preparation, Source};
use engine::runtime::{JOIN_TIMEOUT, Stop, Thread};
use rustix::process::nice;

/// The niceness of the thread: answers come first.
const NICE: i32 = 10;

/// The history of the exploration pages.
#[derive(Args)]
pub(crate) struct HistoryOption {
    /// The flights of the pages about the history, as `delaycast data import` writes them [default: those of New York
    /// in 2013, which are built in]
    #[arg(long, value_name = "DIR", env = "DELAYCAST_HISTORY")]
    history: Option<PathBuf>,
}

impl HistoryOption {
    /// Returns the history with the file of its index.
    pub(crate) fn indexed_in(&self, file: &Path) -> IndexedHistory {
        let source = self.history.clone().map_or(Source::Bundled, Source::Path);
        IndexedHistory { source, file: file.to_owned() }
    }
}

/// A history, and the file of its index, which may not be there yet.
pub(crate) struct IndexedHistory {
    source: Source,
    file: PathBuf,
}

impl IndexedHistory {
    /// Prepares the index on a thread, which gives way to all others.
    pub(super) fn prepare(self, stop: &Stop) -> anyhow::Result<PreparationThread> {
        let preparation = Preparation::default();
        let (prepared, stop) = (preparation.clone(), stop.clone());
        let run = move || {
            // On Linux the niceness is that of the thread. Without it the thread only competes with the others.
            let _ = nice(NICE);
            prepared.run(&self.source, &self.file, &stop);
        };
        let thread = Thread::spawn("history", run).context("cannot start the thread that prepares the history")?;
        Ok(PreparationThread { preparation, thread })
    }
}

/// The preparation of an index, and its thread. A drop waits for the thread for a while, so that it can remove what it
/// has not finished.
pub(super) struct PreparationThread {
    pub(super) preparation: Preparation,
    thread: Thread,
}

impl Drop for PreparationThread {
    fn drop(&mut self) {
        self.thread.join(JOIN_TIMEOUT);
    }
}
