//! Finds the files of the input paths, and reads them.

use std::{
    collections::HashSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    bounds::{DEPTH_MAX, ENTRIES_MAX},
    collector::Collector,
    error::{ImportError, SkippedFile},
    text::PartHeader,
    unpack::{BOOKKEEPING, InputFile, is_bookkeeping, read_file},
};

/// An input path, and its files.
pub(super) struct InputPath {
    pub(super) path: PathBuf,
    pub(super) is_directory: bool,
    pub(super) files: Vec<InputFile>,
    /// Entries of the directory that are not read.
    pub(super) skipped: Vec<SkippedFile>,
}

impl InputPath {
    fn pass_over(&mut self, path: &Path, reason: &str) {
        self.skipped.push(SkippedFile { file: path.display().to_string(), reason: reason.to_owned() });
    }
}

/// Finds the files of a path: itself, or those in and below a directory, sorted by name.
pub(super) fn find(path: &Path) -> Result<InputPath, ImportError> {
    let failed = |source| read_failed(path, source);
    let metadata = fs::metadata(path).map_err(failed)?;
    let mut input =
        InputPath { path: path.to_owned(), is_directory: metadata.is_dir(), files: Vec::new(), skipped: Vec::new() };
    if !input.is_directory {
        input.files.push(InputFile { path: path.to_owned(), bytes: metadata.is_file().then_some(metadata.len()) });
        return Ok(input);
    }
    let mut walk = Walk { entries: 0, visited: HashSet::new(), root: path };
    walk.enter(path, &metadata, 0, &mut input)?;
    Ok(input)
}

fn read_failed(path: &Path, source: io::Error) -> ImportError {
    ImportError::Read { file: path.display().to_string(), source }
}

struct Walk<'a> {
    entries: usize,
    /// The directories entered, by device and inode: links may form cycles.
    visited: HashSet<(u64, u64)>,
    root: &'a Path,
}

impl Walk<'_> {
    fn enter(
        &mut self,
        directory: &Path,
        metadata: &fs::Metadata,
        depth: usize,
        input: &mut InputPath,
    ) -> Result<(), ImportError> {
        if !self.visited.insert((metadata.dev(), metadata.ino())) {
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
                input.pass_over(&path, BOOKKEEPING);
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && depth == DEPTH_MAX => {
                    input.pass_over(&path, &format!("lies deeper than {DEPTH_MAX} folders: give it by itself"));
                }
                Ok(metadata) if metadata.is_dir() => self.enter(&path, &metadata, depth + 1, input)?,
                Ok(metadata) if metadata.is_file() => input.files.push(InputFile { path, bytes: Some(metadata.len()) }),
                Ok(_) => input.pass_over(&path, "is no regular file"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    input.pass_over(&path, "is a link to something that is not there");
                }
                Err(error) => return Err(read_failed(&path, error)),
            }
        }
        Ok(())
    }
}

/// Reads the files of a path, and skips those of a directory without anything to import. Returns the number of
/// files from which rows were read.
pub(super) fn read(input: &InputPath, collector: &mut Collector<'_>) -> Result<usize, ImportError> {
    let before = collector.skipped_counts();
    for SkippedFile { file, reason } in &input.skipped {
        collector.pass_over(file, reason);
    }
    let (mut part_header, mut files_read) = (PartHeader::default(), 0);
    for file in &input.files {
        match read_file(file, &mut part_header, collector) {
            Ok(()) => files_read += 1,
            Err(error) => {
                // A path may be empty, because a pattern like part-* matches empty files.
                let may_skip = input.is_directory || matches!(error, ImportError::Empty { .. });
                match error.reason_to_skip().filter(|_| may_skip) {
                    Some(reason) => collector.pass_over(&file.path.display().to_string(), &reason),
                    None => return Err(error),
                }
            }
        }
        collector.report_progress();
    }
    if files_read == 0 && input.is_directory {
        return Err(collector.nothing_inside(&input.path.display().to_string(), before));
    }
    Ok(files_read)
}
