//! The history that an index is built from, and its fingerprint.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use engine::runtime::hex;
use sha2::{Digest, Sha256};

use super::error::ExploreError;
use crate::history::{self, FLIGHTS_FILE, History, HistoryError, UNFLOWN_FILE, bundled, bundled_digest};

/// A history to explore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The bundled flights.
    Bundled,
    /// A directory as `delaycast data import` writes it, or a Parquet file of flights.
    Path(PathBuf),
}

impl Source {
    /// Returns the name by which pages call it; they tell no path.
    pub fn name(&self) -> &'static str {
        match self {
            Source::Bundled => "flights from New York",
            Source::Path(_) => "imported flights",
        }
    }

    /// Reads all flights.
    pub(super) fn read(&self) -> Result<History, HistoryError> {
        match self {
            Source::Bundled => bundled(),
            Source::Path(path) => history::read(std::slice::from_ref(path)),
        }
    }

    /// Returns a text that changes with the history: the content of the bundled flights; the names, lengths and times
    /// of change of files, which are large.
    pub(super) fn fingerprint(&self) -> Result<String, ExploreError> {
        let path = match self {
            Source::Bundled => return Ok(format!("bundled {}", bundled_digest())),
            Source::Path(path) => path,
        };
        let mut text = String::new();
        if path.is_dir() {
            let flights = path.join(FLIGHTS_FILE);
            if !flights.exists() {
                let directory = path.display().to_string();
                return Err(HistoryError::NoHistory { directory, file: FLIGHTS_FILE }.into());
            }
            text += &state_of(&flights)?;
            let unflown = path.join(UNFLOWN_FILE);
            if unflown.exists() {
                text += &state_of(&unflown)?;
            }
        } else {
            text += &state_of(path)?;
        }
        Ok(format!("files {}", hex::encode(Sha256::digest(text))))
    }
}

/// Returns a line with name, length and time of change of a file.
fn state_of(file: &Path) -> Result<String, ExploreError> {
    let metadata = fs::metadata(file).map_err(ExploreError::io(file))?;
    let changed = metadata.modified().map_err(ExploreError::io(file))?;
    // A file of before 1970 counts as one of 1970.
    let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{}\t{}\t{}\n", file.display(), metadata.len(), changed.as_nanos()))
}
