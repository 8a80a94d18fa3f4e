//! Compares the open file with its path: an SQLite connection goes on writing into a file that was deleted or
//! replaced, and its writes are gone after a restart.
//!
//! 1. Device and inode of the file, of its `-wal` and of its `-shm` are taken at opening and compared with the path's
//!    at least every second, before each connection is made, and after each commit, before it is acknowledged.
//! 2. A mismatch is final: this process acknowledges nothing and reads nothing through that file any more, and says
//!    so once in the log and at each call. Only a new start opens a file again.
//! 3. Content that is not this file's own under the same inode counts as a mismatch: another SQLite header, a change
//!    counter that went back (a backup that was copied over it), a `-wal` without its header.
//! 4. A path that cannot be examined (permission, I/O error) fails that commit only.
//! 5. A `-wal` and a `-shm` exist for as long as a connection is open: SQLite removes them with the last connection of
//!    all processes, and only empties them before. So a checkpoint, or the end of another process, is no mismatch.
//!
//! Two descriptors stay open: the file's, to read its header, and the `-wal`'s. Closing any descriptor of a file drops
//! all POSIX locks that the process has on it, SQLite's included, so they are closed after the last connection, and the
//! `-shm` is never opened.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};

use super::{filesystem::companion, schema::APPLICATION_ID, wal};
use crate::{clock, delivery::Unavailable, runtime::Mutex};

/// Interval of checks while nothing is committed.
pub(super) const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Number of reads of a header that looks foreign: a checkpoint of another process may be writing it.
const HEADER_READS: u32 = 3;
/// Time between two such reads.
const HEADER_PAUSE: Duration = Duration::from_millis(5);
/// End of the fields of SQLite's header that are read.
const HEADER_BYTES: usize = 72;

/// Device and inode of a file.
type FileId = (u64, u64);

/// A mismatch between the open files and what is at their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// There is no file at its path.
    FileGone,
    /// The file's path names another file.
    FileReplaced,
    /// The file is the same one, but its content is foreign.
    FileOverwritten,
    /// There is no `-wal` at its path.
    WalGone,
    /// The `-wal`'s path names another file.
    WalReplaced,
    /// The `-wal` is the same file, but its header is gone.
    WalOverwritten,
    /// There is no `-shm` at its path, or another one.
    ShmGone,
}

impl Mismatch {
    /// Returns the finding, and the consequence for acknowledged content.
    fn describe(self) -> (&'static str, &'static str) {
        const LOST: &str = "may be lost";
        match self {
            Mismatch::FileGone => ("it was deleted or moved away", LOST),
            Mismatch::FileReplaced => ("its path names another file", LOST),
            Mismatch::FileOverwritten => ("other content was copied over it", LOST),
            Mismatch::WalGone => {
                ("its -wal was deleted", "is written into the file now: wait for that line in the log")
            }
            Mismatch::WalReplaced => ("its -wal was replaced by another file", LOST),
            Mismatch::WalOverwritten => ("its -wal was emptied or overwritten", LOST),
            Mismatch::ShmGone => ("its -shm was deleted or replaced", "is in the file and its -wal"),
        }
    }
}

/// The path of an open database, and the files that it named at opening.
pub(crate) struct Identity {
    path: PathBuf,
    wal_path: PathBuf,
    shm_path: PathBuf,
    ids: [FileId; 3],
    file: File,
    wal_file: File,
    last_check: Mutex<LastCheck>,
    lost: OnceLock<(Mismatch, Unavailable)>,
}

/// The last check without a mismatch.
struct LastCheck {
    at: DateTime<Utc>,
    application_id: i32,
    change_counter: u32,
}

fn id(path: &Path) -> io::Result<Option<FileId>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns application id and change counter in SQLite's header; `None` if it has no such header.
fn header(file: &File) -> io::Result<Option<(i32, u32)>> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let field = |at: usize| bytes[at..].first_chunk().map_or(0, |chunk| u32::from_be_bytes(*chunk));
    Ok(bytes.starts_with(b"SQLite format 3\0").then(|| (field(68).cast_signed(), field(24))))
}

impl Identity {
    /// Takes the identity of a database that is open for writing, of which `file` was opened before: if the path still
    /// names that file, SQLite has opened it, too.
    pub(super) fn of(path: &Path, file: File) -> io::Result<Self> {
        let (wal_path, shm_path) = (companion(path, "-wal"), companion(path, "-shm"));
        let metadata = file.metadata()?;
        let wal_file = File::open(&wal_path)?;
        let wal_metadata = wal_file.metadata()?;
        let ids = [(metadata.dev(), metadata.ino()), (wal_metadata.dev(), wal_metadata.ino())];
        let missing = || io::Error::new(io::ErrorKind::NotFound, "it was deleted while it was being opened");
        let shm_id = id(&shm_path)?.ok_or_else(missing)?;
        let (application_id, change_counter) = header(&file)?.unwrap_or_default();
        let identity = Identity {
            path: path.to_owned(),
            wal_path,
            shm_path,
            ids: [ids[0], ids[1], shm_id],
            file,
            wal_file,
            last_check: Mutex::new(LastCheck { at: clock::now(), application_id, change_counter }),
            lost: OnceLock::new(),
        };
        match identity.mismatch(false)? {
            None => Ok(identity),
            Some(mismatch) => Err(io::Error::other(format!("while it was being opened {}", mismatch.describe().0))),
        }
    }

    /// Fails if a mismatch was found before; reads nothing.
    pub(crate) fn check_recorded(&self) -> Result<(), Unavailable> {
        self.lost.get().map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    /// Returns the mismatch that was found, if one was.
    pub(super) fn lost(&self) -> Option<Mismatch> {
        self.lost.get().map(|(mismatch, _)| *mismatch)
    }

    /// Compares, and fails if the path does not name the open file (rules 1 and 2).
    pub(crate) fn check(&self) -> Result<(), Unavailable> {
        self.compare(false)
    }

    /// Compares after a commit, which leaves a header in the `-wal`.
    pub(super) fn check_committed(&self) -> Result<(), Unavailable> {
        self.compare(true)
    }

    fn compare(&self, after_commit: bool) -> Result<(), Unavailable> {
        self.check_recorded()?;
        match self.mismatch(after_commit) {
            Ok(None) => {
                self.last_check.lock().at = clock::now();
                Ok(())
            }
            Ok(Some(mismatch)) => Err(self.record_loss(mismatch)),
            Err(error) => Err(Unavailable::transient(format!(
                "cannot see whether {} is still the file that was opened: {error}",
                self.path.display()
            ))),
        }
    }

    fn record_loss(&self, mismatch: Mismatch) -> Unavailable {
        let (found, consequence) = mismatch.describe();
        let path = self.path.display();
        let mut first = false;
        let (_, error) = self.lost.get_or_init(|| {
            first = true;
            let at = self.last_check.lock().at;
            let error = format!(
                "{path} is no longer what this process has open: {found}. Nothing is acknowledged any more; what was \
                 acknowledged until {} {consequence}. Stop all processes that use it, restore the file or start anew, and \
                 start them again; what /proc/{}/fd still holds can be copied before (see the runbook)",
                at.to_rfc3339_opts(SecondsFormat::Secs, true),
                std::process::id(),
            );
            (mismatch, Unavailable::needs_operator(error))
        });
        if first {
            tracing::error!("{error}");
        }
        error.clone()
    }

    fn mismatch(&self, after_commit: bool) -> io::Result<Option<Mismatch>> {
        let [file, wal, shm] = self.ids;
        let cases = [
            (&self.path, file, Mismatch::FileGone, Mismatch::FileReplaced),
            (&self.wal_path, wal, Mismatch::WalGone, Mismatch::WalReplaced),
            (&self.shm_path, shm, Mismatch::ShmGone, Mismatch::ShmGone),
        ];
        for (path, wanted, gone, replaced) in cases {
            match id(path)? {
                None => return Ok(Some(gone)),
                Some(found) if found != wanted => return Ok(Some(replaced)),
                Some(_) => {}
            }
        }
        if !self.wal_has_a_header(after_commit)? {
            return Ok(Some(Mismatch::WalOverwritten));
        }
        for read in 1.. {
            if self.has_own_content()? {
                break;
            }
            if read == HEADER_READS {
                return Ok(Some(Mismatch::FileOverwritten));
            }
            thread::sleep(HEADER_PAUSE);
        }
        Ok(None)
    }

    /// Returns whether the header is delaycast's and its change counter has not gone back: SQLite only counts up, and
    /// wraps around.
    fn has_own_content(&self) -> io::Result<bool> {
        let mut last = self.last_check.lock();
        let Some((application_id, counter)) = header(&self.file)? else { return Ok(false) };
        // The header of a new file is empty before its first checkpoint.
        let is_ours = application_id == APPLICATION_ID || application_id == last.application_id;
        let is_back = counter.wrapping_sub(last.change_counter).cast_signed() < 0;
        if !is_ours || is_back {
            return Ok(false);
        }
        (last.application_id, last.change_counter) = (application_id, counter);
        Ok(true)
    }

    /// Returns whether the `-wal` is as it should be: empty, or with its magic number at the start. After a commit it
    /// is not empty, unless a checkpoint of another process has emptied it since.
    fn wal_has_a_header(&self, after_commit: bool) -> io::Result<bool> {
        let mut magic = [0; 4];
        match self.wal_file.read_exact_at(&mut magic, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(error),
            Ok(()) => Ok(!after_commit || u32::from_be_bytes(magic) & !1 == wal::MAGIC),
        }
    }

    /// Returns the path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the `-wal`.
    pub(super) fn wal(&self) -> &Path {
        &self.wal_path
    }

    /// Returns the inode of the `-shm`, by which its locks are found.
    pub(super) fn shm_inode(&self) -> u64 {
        self.ids[2].1
    }

    /// Returns whether the content of the deleted `-wal` can be written into the file: the file and the `-shm` are in
    /// their place, and no process has begun another `-wal`.
    pub(super) fn can_be_rescued(&self) -> bool {
        let same = |path, wanted| id(path).is_ok_and(|found| found == Some(wanted));
        self.lost() == Some(Mismatch::WalGone)
            && same(&self.path, self.ids[0])
            && same(&self.shm_path, self.ids[2])
            && fs::metadata(&self.wal_path)
                .map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |it| it.len() == 0)
    }
}
