//! Finds the files below the paths that are given.

use std::{
    collections::HashSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    ImportError, PassedOver,
    bounds::{DEPTH_MAX, ENTRIES_MAX},
};

/// A file to read.
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    /// Its size; none for a pipe.
    pub(super) bytes: Option<u64>,
}

/// A path that was given, and the files that it stands for.
pub(super) struct Given {
    pub(super) path: PathBuf,
    pub(super) is_directory: bool,
    pub(super) files: Vec<InputFile>,
    /// Entries of the directory that will not be read.
    pub(super) passed_over: Vec<PassedOver>,
}

impl Given {
    fn pass_over(&mut self, path: &Path, reason: &str) {
        self.passed_over.push(PassedOver { file: path.display().to_string(), reason: reason.to_owned() });
    }
}

/// Names that writers and file systems put beside data: of Spark and Hive (`_SUCCESS`, `_temporary`, `.part.crc`),
/// macOS (`__MACOSX`, `._flights.csv`, `.DS_Store`) and Windows. Spark itself passes over names that begin like these.
pub(super) fn is_bookkeeping(name: &str) -> bool {
    let of_windows = ["Thumbs.db", "desktop.ini"].iter().any(|known| known.eq_ignore_ascii_case(name));
    name.starts_with(['.', '_']) || name.ends_with(".crc") || of_windows
}

pub(super) const BOOKKEEPING: &str = "is bookkeeping of the program or system that wrote the folder";

/// The files that a path names: itself, or those in and below a directory, sorted by name.
pub(super) fn find(path: &Path) -> Result<Given, ImportError> {
    let failed = |source| read_failed(path, source);
    let metadata = fs::metadata(path).map_err(failed)?;
    let mut given =
        Given { path: path.to_owned(), is_directory: metadata.is_dir(), files: Vec::new(), passed_over: Vec::new() };
    if !given.is_directory {
        given.files.push(InputFile { path: path.to_owned(), bytes: metadata.is_file().then_some(metadata.len()) });
        return Ok(given);
    }
    let mut walk = Walk { entries: 0, seen: HashSet::new(), root: path };
    walk.enter(path, &metadata, 0, &mut given)?;
    Ok(given)
}

fn read_failed(path: &Path, source: io::Error) -> ImportError {
    ImportError::Read { file: path.display().to_string(), source }
}

struct Walk<'a> {
    entries: usize,
    /// The directories entered, by device and inode: links may go in circles.
    seen: HashSet<(u64, u64)>,
    root: &'a Path,
}

impl Walk<'_> {
    fn enter(
        &mut self,
        directory: &Path,
        metadata: &fs::Metadata,
        depth: usize,
        given: &mut Given,
    ) -> Result<(), ImportError> {
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return Ok(());
        }
        let failed = |source| read_failed(directory, source);
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(ImportError::TooManyEntries {
                    file: self.root.display().to_string(),
                    entries: ENTRIES_MAX,
                });
            }
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if is_bookkeeping(&name) {
                given.pass_over(&path, BOOKKEEPING);
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth == DEPTH_MAX => {
                    given.pass_over(&path, &format!("lies deeper than {DEPTH_MAX} folders: give it by itself"));
                }
                Ok(metadata) if metadata.is_dir() => self.enter(&path, &metadata, depth + 1, given)?,
                Ok(metadata) if metadata.is_file() => given.files.push(InputFile { path, bytes: Some(metadata.len()) }),
                Ok(_) => given.pass_over(&path, "is no regular file"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    given.pass_over(&path, "is a link to something that is not there");
                }
                Err(error) => return Err(read_failed(&path, error)),
            }
        }
        Ok(())
    }
}
