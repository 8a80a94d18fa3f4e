//! A file that is not whole yet, and what the server said of it.
//!
//! `NAME.part` grows; `NAME.part.json` says what it is a part of. The note is written when the part is empty, so whatever
//! is in the part belongs to the note, however this process ends. After a power cut neither is sure, and nor need it be:
//! a file gets its name only when all of it holds against its checksums.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::FetchError;

/// A longer note is none of ours.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// What a server says of a file: by this a part of it is known to be of the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) url: String,
    /// Its entity tag, if it is a strong one: two files with the same are the same, byte for byte.
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) bytes_total: Option<u64>,
}

impl Origin {
    /// What `If-Range` may be asked with.
    pub(super) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }

    /// Whether nothing that is known of both speaks against their being the same file. A date is asked only where there
    /// are no tags: servers behind one name may differ in it.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let same_total =
            self.bytes_total.is_none() || other.bytes_total.is_none() || self.bytes_total == other.bytes_total;
        let tagged = self.etag.is_some() && other.etag.is_some();
        let same = if tagged { self.etag == other.etag } else { agree(&self.last_modified, &other.last_modified) };
        self.url == other.url && same_total && same
    }

    /// Whether a part of it can be told from a part of another at all.
    fn is_known(&self) -> bool {
        self.validator().is_some() || self.bytes_total.is_some()
    }
}

pub(super) struct Partial {
    path: PathBuf,
    note_path: PathBuf,
    origin: Origin,
    bytes: u64,
    /// Open once there is something to write.
    file: Option<File>,
}

impl Partial {
    /// What is there of the file that is to be at `path`, and is at `url`. Nothing, if it is of another or not known.
    pub(super) fn find(path: &Path, url: &str) -> Self {
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (path, note_path) = (beside(".part"), beside(".part.json"));
        let nothing = Origin { url: url.to_owned(), ..Origin::default() };
        let origin = read_note(&note_path).filter(|origin| origin.url == url && origin.is_known());
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let whole = origin.as_ref().and_then(|origin| origin.bytes_total).unwrap_or(u64::MAX);
        let (origin, bytes) = origin.filter(|_| bytes <= whole).map_or((nothing, 0), |origin| (origin, bytes));
        Partial { path, note_path, origin, bytes, file: None }
    }

    /// Bytes that are there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the server said of it.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The file that grows.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether all bytes are there, if it is known how many these are.
    pub(super) fn is_complete(&self) -> bool {
        self.bytes > 0 && self.origin.bytes_total == Some(self.bytes)
    }

    /// Begins anew, with a file that the server says this of.
    pub(super) fn begin(&mut self, origin: Origin) -> Result<(), FetchError> {
        let file = File::options().create(true).write(true).truncate(true).open(&self.path);
        self.file = Some(file.map_err(|source| self.failed(source))?);
        self.bytes = 0;
        let note = serde_json::to_vec(&origin).map_err(|error| self.failed(error.into()))?;
        fs::write(&self.note_path, note).map_err(|source| FetchError::io("write", &self.note_path, source))?;
        self.origin = origin;
        Ok(())
    }

    /// Adds to what is there.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        if self.file.is_none() {
            let file = File::options().append(true).open(&self.path).map_err(|source| self.failed(source))?;
            self.file = Some(file);
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        written.map_err(|source| self.failed(source))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what is there.
    pub(super) fn discard(&mut self) -> Result<(), FetchError> {
        self.file = None;
        self.bytes = 0;
        self.origin = Origin { url: std::mem::take(&mut self.origin.url), ..Origin::default() };
        for path in [&self.path, &self.note_path] {
            remove(path)?;
        }
        Ok(())
    }

    /// Gives the file its name, once the disk has confirmed it.
    pub(super) fn name(self, path: &Path) -> Result<u64, FetchError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|source| self.failed(source))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let renamed = fs::rename(&self.path, path).and_then(|()| File::open(folder)?.sync_all());
        renamed.map_err(|source| FetchError::io("write", path, source))?;
        remove(&self.note_path)?;
        Ok(self.bytes)
    }

    fn failed(&self, source: io::Error) -> FetchError {
        FetchError::io("write", &self.path, source)
    }
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FetchError::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn read_note(path: &Path) -> Option<Origin> {
    let mut note = Vec::new();
    File::open(path).ok()?.take(NOTE_BYTES_MAX).read_to_end(&mut note).ok()?;
    serde_json::from_slice(&note).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(etag: Option<&str>, date: Option<&str>, bytes_total: Option<u64>) -> Origin {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Origin { url: "u".to_owned(), etag: owned(etag), last_modified: owned(date), bytes_total }
    }

    #[test]
    fn two_files_differ_when_something_says_so() {
        let known = origin(Some("a"), Some("Mon"), Some(9));
        for same in [(Some("a"), Some("Tue"), Some(9)), (None, Some("Mon"), Some(9)), (None, None, None)] {
            assert!(known.may_be(&origin(same.0, same.1, same.2)), "{same:?}");
        }
        for other in [(Some("b"), Some("Mon"), Some(9)), (None, Some("Tue"), Some(9)), (Some("a"), None, Some(8))] {
            assert!(!known.may_be(&origin(other.0, other.1, other.2)), "{other:?}");
        }
    }

    #[test]
    fn a_part_is_found_again_only_with_its_note() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.zip");
        let found = |url: &str| Partial::find(&path, url).bytes();
        let begin = |origin: Origin| {
            let mut partial = Partial::find(&path, "u");
            partial.begin(origin).unwrap();
            partial.write(b"abc").unwrap();
        };
        begin(origin(Some("a"), None, Some(9)));
        assert_eq!((found("u"), found("v")), (3, 0));
        let mut partial = Partial::find(&path, "u");
        partial.write(b"def").unwrap();
        assert_eq!((partial.bytes(), fs::read(partial.path()).unwrap()), (6, b"abcdef".to_vec()));

        begin(origin(None, None, Some(2)));
        assert_eq!(found("u"), 0, "longer than the file");
        begin(origin(None, None, None));
        assert_eq!(found("u"), 0, "of nothing known");
        begin(origin(None, Some("Mon"), None));
        assert_eq!(found("u"), 3);
        fs::write(dir.path().join("x.zip.part.json"), "{\"url\":").unwrap();
        assert_eq!(found("u"), 0, "a note that was cut off");
        Partial::find(&path, "u").discard().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
