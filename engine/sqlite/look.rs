//! Read-only connections for inspection: they create no file, change nothing and leave nothing behind.
//!
//! A connection in WAL mode makes `-wal` and `-shm` if they are not there, even if it is read-only. So a file without a
//! `-wal`, which no process has open, is read as one that does not change.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    OpenError, checkpoint,
    identity::beside,
    open, place, schema,
    wal::{self, HEADER_BYTES},
};
use crate::finding::Finding;

/// A reading connection waits this long for a lock; it meets one only while a crashed process's log is recovered.
const BUSY: Duration = Duration::from_secs(2);
/// A file that is being closed is looked at this often,
const CLOSING_LOOKS: u32 = 5;
/// at this interval.
const CLOSING: Duration = Duration::from_millis(20);
/// Characters that would mean something else in the path of a `file:` URI.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// A file that is looked at, whether a process has it open or not.
pub(super) struct Look {
    path: PathBuf,
}

impl Look {
    /// At the database at `path`, if there is one.
    pub(super) fn at(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Folder { path: path.to_owned(), source };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::Missing { path: path.to_owned() });
            }
            Err(error) => return Err(io(error)),
            Ok(metadata) if metadata.is_file() && metadata.len() == 0 => {
                return Err(OpenError::Missing { path: path.to_owned() });
            }
            Ok(_) => {}
        }
        let path = place::canonical(path).map_err(io)?;
        if let Some(kind) = place::network_file_system(path.parent().unwrap_or(Path::new("/"))).map_err(io)? {
            return Err(OpenError::Network { path, kind });
        }
        let look = Look { path };
        let connection = look.connect()?;
        schema::check_readable(&connection, &look.path)?;
        Ok(look)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection for one question. It is not kept: what it reads may not change under it.
    pub(super) fn connect(&self) -> Result<Connection, OpenError> {
        // The last process that closes the file removes the -shm a moment before the -wal.
        for _ in 0..CLOSING_LOOKS {
            match self.try_connect() {
                Err(OpenError::Unrecovered { .. }) => thread::sleep(CLOSING),
                done => return done,
            }
        }
        self.try_connect()
    }

    fn try_connect(&self) -> Result<Connection, OpenError> {
        let length = |suffix| fs::metadata(beside(&self.path, suffix)).map(|metadata| metadata.len()).ok();
        let of_sqlite = |error| OpenError::of_sqlite(&self.path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match (length("-wal"), length("-shm")) {
            (Some(bytes), None) if bytes > HEADER_BYTES as u64 => {
                return Err(OpenError::Unrecovered { path: self.path.clone(), bytes });
            }
            (None, _) | (_, None) => {
                let path = self.path.to_string_lossy();
                let uri = format!("file:{}?immutable=1", utf8_percent_encode(&path, NOT_IN_A_PATH));
                Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
            }
            (Some(_), Some(_)) => Connection::open_with_flags(&self.path, flags),
        };
        let connection = connection.map_err(of_sqlite)?;
        // The last connection would write the log into the file and remove it.
        let kept = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        kept.and_then(|_| connection.busy_timeout(BUSY)).map_err(of_sqlite)?;
        Ok(connection)
    }

    /// Returns the findings on the files beside the database: a log that a reader holds, a crash that is not
    /// recovered yet, another link. None if all is well.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (wal, shm) = (fs::metadata(beside(&self.path, "-wal")), fs::metadata(beside(&self.path, "-shm")));
        if let (Ok(wal), Ok(shm)) = (&wal, &shm)
            && let Some((found, advice)) = checkpoint::finding(wal.len(), shm.ino(), &self.path)
        {
            findings.push(Finding::warn("wal", found, advice));
        }
        findings.extend(self.crash());
        if let Some(words) = more_links(&self.path) {
            findings.push(Finding::warn("file", words, "remove the other link, or make it a copy"));
        }
        findings
    }

    fn crash(&self) -> Option<Finding> {
        // To close a descriptor drops the locks of this process on the file, so it has no connection to it.
        if open::is_open_here(&self.path) {
            return None;
        }
        let file = File::open(&self.path).ok()?;
        if place::is_in_use(&file) {
            return None;
        }
        let contents = wal::found(&self.path, &file).ok()??;
        if place::is_in_use(&file) {
            return None;
        }
        let (is_serious, words) = wal::told(&self.path, &contents);
        Some(match is_serious {
            true => Finding::fail("wal", words, "copy the -wal aside before anything starts; see the runbook"),
            false => Finding::warn("wal", words, "start `delaycast up` or a scorer: it recovers what is there"),
        })
    }
}

/// Says that the file has several names, if so: opened under two of them it gets two logs, and is damaged.
pub(super) fn more_links(path: &Path) -> Option<String> {
    let links = fs::metadata(path).ok()?.nlink();
    (links > 1).then(|| {
        format!("{} has {links} hard links: opened under another of its names it would be damaged", path.display())
    })
}
