//! The folder that zips are fetched to: one fetch at a time.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use super::FetchError;

/// Locked while a fetch runs. It stays, empty: whoever removed it could remove another's.
const LOCK_FILE: &str = ".fetch.lock";

/// A folder that is this fetch's alone for as long as this lives. The system lets go of it when the process dies.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and claims it.
    pub(super) fn claim(path: &Path) -> Result<Self, FetchError> {
        fs::create_dir_all(path).map_err(|source| FetchError::io("make the folder", path, source))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|source| FetchError::io("write", &lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FetchError::Locked { directory: path.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(FetchError::io("lock", &lock_path, source)),
        }
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
