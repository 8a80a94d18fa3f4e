//! The output folder: its lock, and files that are not complete yet.
//!
//! `NAME.part` grows; `NAME.part.json` is a note of the version that it is a part of. The note is written while the
//! part is empty, so all bytes of the part belong to the note, however this process ends. After a power cut either may
//! be lost, which is harmless: a file gets its name only when its members match their checksums.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::report::FetchError;

/// The file that is locked while a fetch runs. It stays, empty: removing it could remove the lock of another fetch.
const LOCK_FILE: &str = ".fetch.lock";
/// Upper bound on the bytes of a note that are read.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// A folder that this fetch has locked. The operating system releases the lock when the process ends.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates the folder if it does not exist, and locks it.
    pub(super) fn lock(path: &Path) -> Result<Self, FetchError> {
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

/// The version of a file on the server: its URL, length and HTTP validators. A part belongs to one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceVersion {
    pub(super) url: String,
    /// The entity tag, if it is strong: versions with the same tag are equal byte for byte.
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) bytes_total: Option<u64>,
}

impl SourceVersion {
    /// Returns the validator for `If-Range`.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }

    /// Returns false if the versions contradict each other. Dates are compared only if a tag is missing: servers
    /// behind one name may report different dates for one file.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let same_total =
            self.bytes_total.is_none() || other.bytes_total.is_none() || self.bytes_total == other.bytes_total;
        let tagged = self.etag.is_some() && other.etag.is_some();
        let same = if tagged { self.etag == other.etag } else { agree(&self.last_modified, &other.last_modified) };
        self.url == other.url && same_total && same
    }

    /// Returns whether a part of this version is distinguishable from a part of another one.
    fn is_identifiable(&self) -> bool {
        self.validator().is_some() || self.bytes_total.is_some()
    }
}

/// A file that is not complete yet.
pub(super) struct PartialFile {
    path: PathBuf,
    note_path: PathBuf,
    version: SourceVersion,
    bytes: u64,
    /// Opened at the first write.
    file: Option<File>,
}

impl PartialFile {
    /// Finds the part of the file at `url` that is to be at `path`. It is empty if its version is another or unknown.
    pub(super) fn find(path: &Path, url: &str) -> Self {
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (path, note_path) = (beside(".part"), beside(".part.json"));
        let nothing = SourceVersion { url: url.to_owned(), ..SourceVersion::default() };
        let version = read_note(&note_path).filter(|version| version.url == url && version.is_identifiable());
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let bytes_total = version.as_ref().and_then(|version| version.bytes_total).unwrap_or(u64::MAX);
        let version = version.filter(|_| bytes <= bytes_total);
        let (version, bytes) = version.map_or((nothing, 0), |version| (version, bytes));
        PartialFile { path, note_path, version, bytes, file: None }
    }

    /// Returns the bytes that are there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the version that the part belongs to.
    pub(super) fn version(&self) -> &SourceVersion {
        &self.version
    }

    /// Returns the path of the part.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether all bytes are there; false if their number is unknown.
    pub(super) fn is_complete(&self) -> bool {
        self.bytes > 0 && self.version.bytes_total == Some(self.bytes)
    }

    /// Empties the part and writes the note of a version.
    pub(super) fn start(&mut self, version: SourceVersion) -> Result<(), FetchError> {
        let file = File::options().create(true).write(true).truncate(true).open(&self.path);
        self.file = Some(file.map_err(|source| self.write_error(source))?);
        self.bytes = 0;
        let note = serde_json::to_vec(&version).map_err(|error| self.write_error(error.into()))?;
        fs::write(&self.note_path, note).map_err(|source| FetchError::io("write", &self.note_path, source))?;
        self.version = version;
        Ok(())
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        if self.file.is_none() {
            let file = File::options().append(true).open(&self.path).map_err(|source| self.write_error(source))?;
            self.file = Some(file);
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        written.map_err(|source| self.write_error(source))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Removes the part and its note.
    pub(super) fn discard(&mut self) -> Result<(), FetchError> {
        self.file = None;
        self.bytes = 0;
        self.version = SourceVersion { url: std::mem::take(&mut self.version.url), ..SourceVersion::default() };
        for path in [&self.path, &self.note_path] {
            remove(path)?;
        }
        Ok(())
    }

    /// Syncs the complete file and renames it to `path`. Returns its bytes.
    pub(super) fn finish(self, path: &Path) -> Result<u64, FetchError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|source| self.write_error(source))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let renamed = fs::rename(&self.path, path).and_then(|()| File::open(folder)?.sync_all());
        renamed.map_err(|source| FetchError::io("write", path, source))?;
        remove(&self.note_path)?;
        Ok(self.bytes)
    }

    fn write_error(&self, source: io::Error) -> FetchError {
        FetchError::io("write", &self.path, source)
    }
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FetchError::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn read_note(path: &Path) -> Option<SourceVersion> {
    let mut note = Vec::new();
    File::open(path).ok()?.take(NOTE_BYTES_MAX).read_to_end(&mut note).ok()?;
    serde_json::from_slice(&note).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(etag: Option<&str>, date: Option<&str>, bytes_total: Option<u64>) -> SourceVersion {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        SourceVersion { url: "u".to_owned(), etag: owned(etag), last_modified: owned(date), bytes_total }
    }

    #[test]
    fn versions_differ_if_tag_date_or_length_contradict() {
        let known = version(Some("a"), Some("Mon"), Some(9));
        for same in [(Some("a"), Some("Tue"), Some(9)), (None, Some("Mon"), Some(9)), (None, None, None)] {
            assert!(known.may_equal(&version(same.0, same.1, same.2)), "{same:?}");
        }
        for other in [(Some("b"), Some("Mon"), Some(9)), (None, Some("Tue"), Some(9)), (Some("a"), None, Some(8))] {
            assert!(!known.may_equal(&version(other.0, other.1, other.2)), "{other:?}");
        }
    }

    #[test]
    fn a_part_is_resumed_only_with_its_note() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.zip");
        let found = |url: &str| PartialFile::find(&path, url).bytes();
        let start = |version: SourceVersion| {
            let mut partial = PartialFile::find(&path, "u");
            partial.start(version).unwrap();
            partial.write(b"abc").unwrap();
        };
        start(version(Some("a"), None, Some(9)));
        assert_eq!((found("u"), found("v")), (3, 0));
        let mut partial = PartialFile::find(&path, "u");
        partial.write(b"def").unwrap();
        assert_eq!((partial.bytes(), fs::read(partial.path()).unwrap()), (6, b"abcdef".to_vec()));

        start(version(None, None, Some(2)));
        assert_eq!(found("u"), 0, "longer than the file");
        start(version(None, None, None));
        assert_eq!(found("u"), 0, "of nothing known");
        start(version(None, Some("Mon"), None));
        assert_eq!(found("u"), 3);
        fs::write(dir.path().join("x.zip.part.json"), "{\"url\":").unwrap();
        assert_eq!(found("u"), 0, "a note that was cut off");
        PartialFile::find(&path, "u").discard().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
