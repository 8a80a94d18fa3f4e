//! Inspection of an embedded database: it creates and changes nothing.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, Row, config::DbConfig, params};

use super::{
    checkpoint,
    error::{OpenError, unavailable},
    filesystem::{canonical, companion, hard_links_warning, is_in_use, network_file_system},
    groups::{self, Group, Retained},
    open::{is_open_here, path_of},
    readers,
    schema::{self, READ_BUSY},
    wal::{self, HEADER_BYTES},
};
use crate::{
    address::{self, Address},
    clock::now_ms,
    delivery::Unavailable,
    finding::Finding,
    log::{Offset, PartitionId, Position},
};

/// Attempts to open a file that is being closed.
const CLOSING_ATTEMPTS: u32 = 5;
/// Pause between two of them.
const CLOSING_PAUSE: Duration = Duration::from_millis(20);
/// Characters with another meaning in the path of a `file:` URI.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// Inspects an embedded database. Each call opens a read-only connection and closes it again.
pub struct Inspector {
    file: ReadOnlyFile,
}

/// A dead letter as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDeadLetter {
    /// Numbers dead letters in the order in which they were written.
    pub seq: u64,
    /// The position of the record in the log.
    pub position: Position,
    /// The request's id, if it could be read.
    pub id: Option<String>,
    /// The reason.
    pub reason: String,
    /// The record, cut at [`crate::log::DEAD_LETTER_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Number of bytes of the record.
    pub length: u64,
    /// SHA-256 of all bytes of the record.
    pub sha256: Vec<u8>,
    /// Time at which it was found.
    pub found_at: DateTime<Utc>,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The consumer group.
    pub group: String,
    /// The partition.
    pub partition: PartitionId,
    /// The next offset to read.
    pub next: Offset,
    /// The offset that the next message will get.
    pub end: Offset,
    /// Time of the last commit.
    pub committed_at: DateTime<Utc>,
}

/// The statistics of a table that is bounded by size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStats {
    /// The table.
    pub name: String,
    /// Number of rows.
    pub rows: u64,
    /// Number of bytes, without keys and numbers.
    pub bytes: u64,
    /// Number of rows that were dropped because they were too old or too many.
    pub dropped: u64,
}

impl Inspector {
    /// Opens the database at `path`; fails if there is none.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Inspector { file: ReadOnlyFile::at(path)? })
    }

    /// Opens the database that a URL names; fails if there is none.
    pub(crate) fn at(address: &Address) -> Result<Self, address::OpenError> {
        Ok(Inspector::open(path_of(address)?)?)
    }

    /// Returns its path.
    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Returns the findings on the file itself; none if all is well.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.file.findings()
    }

    /// Returns the number of partitions of a topic; 0 if there is no such topic.
    pub fn partitions(&self, topic: &str) -> Result<u32, Unavailable> {
        let counts: Vec<u32> = self.list(
            "SELECT count(*) FROM partitions WHERE topic = (SELECT id FROM topics WHERE name = ?1)",
            params![topic],
            |row| row.get(0),
        )?;
        Ok(counts.into_iter().sum())
    }

    /// Returns the groups that have committed an offset of any topic.
    pub fn groups(&self) -> Result<Vec<Group>, Unavailable> {
        self.query(|connection| groups::list(connection, now_ms()))
    }

    /// Returns whether a process reads a topic for a group now.
    pub fn is_read(&self, topic: &str, group: &str) -> Result<bool, Unavailable> {
        self.query(|connection| readers::is_read_by_name(connection, topic, group))
    }

    /// Returns the number and the bytes of all messages of a topic, the bytes estimated from a sample.
    pub fn retained(&self, topic: &str) -> Result<Retained, Unavailable> {
        self.query(|connection| groups::retained(connection, topic))
    }

    /// Returns the dead letters of a topic after number `after`, oldest first, at most `count_max`.
    pub fn dead_letters(
        &self,
        topic: &str,
        after: u64,
        count_max: usize,
    ) -> Result<Vec<StoredDeadLetter>, Unavailable> {
        self.list(
            "SELECT d.seq, d.partition, d.\"offset\", d.id, d.reason, d.bytes, d.length, d.sha256, d.found_at_ms
             FROM dead_letters d JOIN topics t ON t.id = d.topic
             WHERE t.name = ?1 AND d.seq > ?2 ORDER BY d.seq LIMIT ?3",
            params![topic, after as i64, count_max as i64],
            |row| {
                Ok(StoredDeadLetter {
                    seq: unsigned(row, 0)?,
                    position: Position { partition: PartitionId(row.get(1)?), offset: Offset(unsigned(row, 2)?) },
                    id: row.get(3)?,
                    reason: row.get(4)?,
                    bytes: row.get(5)?,
                    length: unsigned(row, 6)?,
                    sha256: row.get(7)?,
                    found_at: timestamp(row, 8)?,
                })
            },
        )
    }

    /// Returns the committed offsets of a topic, by group and partition.
    pub fn committed_offsets(&self, topic: &str) -> Result<Vec<Committed>, Unavailable> {
        self.list(
            "SELECT c.consumer_group, c.partition, c.next_offset, p.next_offset, c.committed_at_ms
             FROM topics t JOIN committed_offsets c ON c.topic = t.id
             JOIN partitions p ON p.topic = t.id AND p.partition = c.partition
             WHERE t.name = ?1 ORDER BY 1, 2",
            params![topic],
            |row| {
                Ok(Committed {
                    group: row.get(0)?,
                    partition: PartitionId(row.get(1)?),
                    next: Offset(unsigned(row, 2)?),
                    end: Offset(unsigned(row, 3)?),
                    committed_at: timestamp(row, 4)?,
                })
            },
        )
    }

    /// Returns the number of answered requests.
    pub fn answers(&self) -> Result<u64, Unavailable> {
        let counts = self.list("SELECT count(*) FROM answers", params![], |row| unsigned(row, 0))?;
        Ok(counts.into_iter().sum())
    }

    /// Returns the statistics of the tables that are bounded by size: `dead_letters` and `rejections`.
    pub fn table_stats(&self) -> Result<Vec<TableStats>, Unavailable> {
        self.list("SELECT name, rows, bytes, dropped FROM tallies ORDER BY name", params![], |row| {
            Ok(TableStats {
                name: row.get(0)?,
                rows: unsigned(row, 1)?,
                bytes: unsigned(row, 2)?,
                dropped: unsigned(row, 3)?,
            })
        })
    }

    fn list<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Unavailable> {
        self.query(|connection| connection.prepare(sql)?.query_map(parameters, read)?.collect())
    }

    fn query<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Unavailable> {
        let connection = self.file.connect().map_err(|error| match &error {
            OpenError::Sqlite { source, .. } => unavailable(source, self.path()),
            _ => Unavailable::needs_operator(&error),
        })?;
        read(&connection).map_err(|error| unavailable(&error, self.path()))
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    row.get(column).map(|ms| DateTime::from_timestamp_millis(ms).unwrap_or_default())
}

/// A database file that is opened read-only, whether a process has it open or not. A connection in WAL mode creates
/// `-wal` and `-shm` if they do not exist, even a read-only one. So a file without a `-wal`, which no process has open,
/// is opened as immutable.
struct ReadOnlyFile {
    path: PathBuf,
}

impl ReadOnlyFile {
    /// Checks that there is a readable database at `path`.
    fn at(path: &Path) -> Result<Self, OpenError> {
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
        let path = canonical(path).map_err(io)?;
        if let Some(kind) = network_file_system(path.parent().unwrap_or(Path::new("/"))).map_err(io)? {
            return Err(OpenError::Network { path, kind });
        }
        let file = ReadOnlyFile { path };
        let connection = file.connect()?;
        schema::check_readable(&connection, &file.path)?;
        Ok(file)
    }

    /// Opens a connection for one query. It is not kept: an immutable file must not change while it is open.
    fn connect(&self) -> Result<Connection, OpenError> {
        // The last process that closes the file removes the -shm a little before the -wal.
        for _ in 0..CLOSING_ATTEMPTS {
            match self.try_connect() {
                Err(OpenError::Unrecovered { .. }) => thread::sleep(CLOSING_PAUSE),
                done => return done,
            }
        }
        self.try_connect()
    }

    fn try_connect(&self) -> Result<Connection, OpenError> {
        let length = |suffix| fs::metadata(companion(&self.path, suffix)).map(|metadata| metadata.len()).ok();
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
        kept.and_then(|_| connection.busy_timeout(READ_BUSY)).map_err(of_sqlite)?;
        Ok(connection)
    }

    /// Returns the findings on the files beside the database: a log that a reader holds, a crash that is not
    /// recovered yet, another link. None if all is well.
    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (wal, shm) = (fs::metadata(companion(&self.path, "-wal")), fs::metadata(companion(&self.path, "-shm")));
        if let (Ok(wal), Ok(shm)) = (&wal, &shm)
            && let Some((found, advice)) = checkpoint::finding(wal.len(), shm.ino(), &self.path)
        {
            findings.push(Finding::warn("wal", found, advice));
        }
        findings.extend(self.crash_finding());
        if let Some(warning) = hard_links_warning(&self.path) {
            findings.push(Finding::warn("file", warning, "remove the other link, or make it a copy"));
        }
        findings
    }

    fn crash_finding(&self) -> Option<Finding> {
        // Closing a descriptor drops the locks of this process on the file, so this process must not have it open.
        if is_open_here(&self.path) {
            return None;
        }
        let file = File::open(&self.path).ok()?;
        if is_in_use(&file) {
            return None;
        }
        let contents = wal::examine(&self.path, &file).ok()??;
        if is_in_use(&file) {
            return None;
        }
        let (is_damaged, report) = wal::report(&self.path, &contents);
        Some(match is_damaged {
            true => Finding::fail("wal", report, "copy the -wal aside before anything starts; see the runbook"),
            false => Finding::warn("wal", report, "start `delaycast up` or a scorer: it recovers what is there"),
        })
    }
}
