//! Reads histories from disk.

use std::path::{Path, PathBuf};

use super::{
    History, HistoryError,
    parquet::{read_flights, read_routes},
};

/// The flown flights of a history's directory.
pub const FLIGHTS_FILE: &str = "flights.parquet";
/// Its cancelled and diverted flights; may be missing.
pub const UNFLOWN_FILE: &str = "unflown.parquet";
/// Its route table; may be missing.
pub const ROUTES_FILE: &str = "routes.parquet";

/// Reads histories as one. Each path is a directory as `delaycast data import` writes it, or a Parquet file of flights.
/// A flight that is there twice counts once; of two distances for a route the one of the later path holds.
pub fn read(paths: &[PathBuf]) -> Result<History, HistoryError> {
    let (mut flights, mut routes) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let file = path.join(FLIGHTS_FILE);
            if !file.exists() {
                return Err(HistoryError::NoHistory { directory: path.display().to_string() });
            }
            flights.extend(read_flights(&file)?);
            if let Some(unflown) = read_if_there(&path.join(UNFLOWN_FILE), read_flights)? {
                flights.extend(unflown);
            }
            if let Some(table) = read_if_there(&path.join(ROUTES_FILE), read_routes)? {
                routes.extend(table);
            }
        } else {
            flights.extend(read_flights(path)?);
        }
    }
    Ok(History::new(flights, routes))
}

fn read_if_there<T>(
    path: &Path,
    read: impl FnOnce(&Path) -> Result<T, HistoryError>,
) -> Result<Option<T>, HistoryError> {
    if path.exists() { read(path).map(Some) } else { Ok(None) }
}
