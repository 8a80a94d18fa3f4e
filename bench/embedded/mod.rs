//! Measurements with the embedded log and store.

pub(crate) mod explanations;
pub(crate) mod latency;
pub(crate) mod memory;
pub(crate) mod page_clients;
pub(crate) mod page_latency;
pub(crate) mod scrape_cost;
pub(crate) mod steps;
pub(crate) mod throughput;
pub(crate) mod watch_cost;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use delaycast::{domain::Flights, request::Request};
use engine::{log, sqlite::Inspector};
use tempfile::TempDir;

use crate::{clock::per_s, requests};

/// Interval between two counts of the answers.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);

/// Makes a folder that is deleted on drop, on the disk of the project: `/tmp` may be in memory.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    std::fs::create_dir_all("target")?;
    Ok(tempfile::tempdir_in("target")?)
}

/// An embedded file, which is log and store, in a temporary folder.
pub(crate) struct EmbeddedFile {
    pub(crate) dir: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) url: String,
}

impl EmbeddedFile {
    /// Chooses a place for a file, and the parameters of its URL, as in `?partitions=6`.
    pub(crate) fn new(parameters: &str) -> anyhow::Result<Self> {
        let dir = folder()?;
        let path = dir.path().join("delaycast.db");
        let url = format!("sqlite:{}{parameters}", path.display());
        Ok(EmbeddedFile { dir, path, url })
    }

    /// Makes a file with requests that wait; returns the requests per second that were published and acknowledged, too.
    pub(crate) fn with(requests: &[Request], parameters: &str) -> anyhow::Result<(Self, f64)> {
        let file = Self::new(parameters)?;
        let producer = log::open::<Flights>(&file.url)?.producer()?;
        let started = Instant::now();
        requests::publish(&producer, requests)?;
        let seconds = started.elapsed().as_secs_f64();
        Ok((file, requests.len() as f64 / seconds))
    }

    /// Returns the number of answers that are synced to disk.
    pub(crate) fn answered(&self) -> anyhow::Result<usize> {
        Ok(Inspector::open(&self.path)?.answers()? as usize)
    }

    /// Waits until all requests are answered; returns the answers per second, from the first ones that are counted to
    /// the last. An answer is counted when it is synced to disk. `seen` is called with each new count.
    pub(crate) fn landed_per_s(
        &self,
        count: usize,
        seen: impl FnMut(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<f64> {
        let inspector = Inspector::open(&self.path)?;
        per_s(count, SAMPLE_INTERVAL, || Ok(inspector.answers()? as usize), seen)
    }
}
