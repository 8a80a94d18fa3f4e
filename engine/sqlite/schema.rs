//! The tables, and how a connection is set up.

use std::{
    ops::RangeInclusive,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::error::{OpenError, is_busy};
use crate::runtime::Backoff;

/// The application id of the file: "dlyc". `file` and `sqlite3` show it.
pub(super) const APPLICATION_ID: i32 = 0x646c_7963;
/// The version of the tables below.
pub(super) const VERSION: i32 = 8;
/// The migrations from each version to the next, from version 1 on.
const MIGRATIONS: [&str; VERSION as usize - 1] = [
    "
ALTER TABLE messages ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
CREATE INDEX dead_letters_by_time ON dead_letters (topic, found_at_ms);
",
    SHADOW_TABLES,
    // Without a kind in letters of earlier versions: readers tell it by the reason.
    "ALTER TABLE dead_letters ADD COLUMN kind TEXT;",
    READERS_TABLE,
    // Without one of its own a topic has the retention of all, which programs of earlier versions have built in: they
    // would drop events that a state is rebuilt from, so they must not open the file.
    "ALTER TABLE topics ADD COLUMN retention_ms INTEGER;",
    FOLLOW_TABLES,
    BATCH_TABLES,
];
/// The answers of shadow models, from version 3 on.
const SHADOW_TABLES: &str = "
CREATE TABLE shadow_answers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    shadow TEXT NOT NULL,
    current TEXT NOT NULL,
    agrees INTEGER NOT NULL,
    change REAL NOT NULL,
    scored_at_ms INTEGER NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT document_has_at_most_16_mib CHECK (octet_length(document) <= 16777216)
) STRICT;
INSERT INTO tallies (name) VALUES ('shadow_answers');
CREATE TRIGGER shadow_answers_in AFTER INSERT ON shadow_answers BEGIN
    UPDATE tallies SET rows = rows + 1, bytes = bytes + octet_length(new.id) + octet_length(new.document)
    WHERE name = 'shadow_answers';
END;
CREATE TRIGGER shadow_answers_out AFTER DELETE ON shadow_answers BEGIN
    UPDATE tallies SET rows = rows - 1, bytes = bytes - octet_length(old.id) - octet_length(old.document)
    WHERE name = 'shadow_answers';
END;
";

/// The versions of followed answers, and the requests that are followed now, from version 7 on.
const FOLLOW_TABLES: &str = "
CREATE TABLE versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (id, number),
    CONSTRAINT document_has_at_most_16_mib CHECK (octet_length(document) <= 16777216)
) STRICT;
INSERT INTO tallies (name) VALUES ('versions');
CREATE TRIGGER versions_in AFTER INSERT ON versions BEGIN
    UPDATE tallies SET rows = rows + 1, bytes = bytes + octet_length(new.id) + octet_length(new.document)
    WHERE name = 'versions';
END;
CREATE TRIGGER versions_out AFTER DELETE ON versions BEGIN
    UPDATE tallies SET rows = rows - 1, bytes = bytes - octet_length(old.id) - octet_length(old.document)
    WHERE name = 'versions';
END;
CREATE TABLE followed (
    id TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    partition INTEGER NOT NULL,
    \"offset\" INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    began_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The tasks of batches and their results, from version 8 on.
const BATCH_TABLES: &str = "
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT message_has_at_most_16_mib CHECK (octet_length(message) <= 16777216)
) STRICT;
CREATE INDEX tasks_by_stamp ON tasks (stamp);
CREATE TABLE results (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT document_has_at_most_16_mib CHECK (octet_length(document) <= 16777216)
) STRICT;
CREATE INDEX results_by_stamp ON results (stamp);
";

/// The readers that are open, each with its process, from version 5 on.
const READERS_TABLE: &str = "
CREATE TABLE readers (
    topic INTEGER NOT NULL,
    consumer_group TEXT NOT NULL,
    share INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (topic, consumer_group, place, pid, started, share)
) STRICT, WITHOUT ROWID;
";

/// An automatic checkpoint runs after this many pages of 4 KiB in the write-ahead log: 16 MiB. More makes fewer
/// writes of the same page, less makes a shorter recovery after a crash.
pub(super) const WAL_CHECKPOINT_PAGES: u32 = 4096;
/// Length beyond which the write-ahead log is truncated.
pub const WAL_BYTES_MAX: u64 = 64 << 20;
/// Busy timeout of the writing connection: one attempt to get the lock waits this long.
pub(super) const WRITE_BUSY: Duration = Duration::from_millis(250);
/// Busy timeout of a reading connection, which meets a lock only while the log of a crashed process is recovered.
pub(super) const READ_BUSY: Duration = Duration::from_secs(2);
/// The page cache of the writing connection; those of readers keep SQLite's default of 2 MB.
const WRITER_CACHE_KIB: i32 = 64 << 10;

/// `answers` and `rejections` have a row id beside the unique id, because ids are random: the small index takes the
/// scattered writes, and the long documents are appended. As one tree by id (`WITHOUT ROWID`) it was wal_stats slower.
///
/// `tallies` counts rows and bytes of what is bounded by size, kept by triggers so that no writer can forget it.
const TABLES: &str = "
CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    retention_ms INTEGER
) STRICT;

CREATE TABLE partitions (
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    \"offset\" INTEGER NOT NULL,
    appended_at_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition, \"offset\")
) STRICT, WITHOUT ROWID;

CREATE TABLE committed_offsets (
    topic INTEGER NOT NULL,
    consumer_group TEXT NOT NULL,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    committed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (topic, consumer_group, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    \"offset\" INTEGER NOT NULL,
    id TEXT,
    reason TEXT NOT NULL,
    bytes BLOB NOT NULL,
    length INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    found_at_ms INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    kind TEXT,
    UNIQUE (topic, partition, \"offset\")
) STRICT;
CREATE INDEX dead_letters_by_time ON dead_letters (topic, found_at_ms);

CREATE TABLE answers (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL,
    CONSTRAINT document_has_at_most_16_mib CHECK (octet_length(document) <= 16777216)
) STRICT;

CREATE TABLE rejections (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    reason TEXT NOT NULL,
    rejected_at_ms INTEGER NOT NULL,
    CONSTRAINT reason_has_at_most_1_mib CHECK (octet_length(reason) <= 1048576)
) STRICT;

CREATE TABLE tallies (
    name TEXT PRIMARY KEY,
    rows INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO tallies (name) VALUES ('dead_letters'), ('rejections');

CREATE TRIGGER dead_letters_in AFTER INSERT ON dead_letters BEGIN
    UPDATE tallies SET rows = rows + 1, bytes = bytes + octet_length(new.bytes) + octet_length(new.reason)
    WHERE name = 'dead_letters';
END;
CREATE TRIGGER dead_letters_out AFTER DELETE ON dead_letters BEGIN
    UPDATE tallies SET rows = rows - 1, bytes = bytes - octet_length(old.bytes) - octet_length(old.reason)
    WHERE name = 'dead_letters';
END;
CREATE TRIGGER rejections_in AFTER INSERT ON rejections BEGIN
    UPDATE tallies SET rows = rows + 1, bytes = bytes + octet_length(new.id) + octet_length(new.reason)
    WHERE name = 'rejections';
END;
CREATE TRIGGER rejections_out AFTER DELETE ON rejections BEGIN
    UPDATE tallies SET rows = rows - 1, bytes = bytes - octet_length(old.id) - octet_length(old.reason)
    WHERE name = 'rejections';
END;
";

/// Opens a connection to an existing database, with `busy` as its busy timeout.
pub(super) fn connect(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    // Without SQLite's mutex: one thread at a time uses a connection, which the borrow checker enforces.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = configure(Connection::open_with_flags(path, flags)?, busy)?;
    // The writing connection is closed after those that read, and knows whether the file is still the one that was
    // opened.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Opens the writing connection; creates the file and its tables if there are none. Several processes may do so at
/// once, and SQLite then reports a lock without having waited for it: so this retries, for `busy` at most.
pub(super) fn create(path: &Path, busy: Duration) -> Result<Connection, OpenError> {
    let (deadline, mut backoff) = (Instant::now() + busy, Backoff::new());
    loop {
        match try_create(path, busy) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(backoff.next_pause(false).min(busy / 10));
            }
            Err(error) => return Err(OpenError::of_sqlite(path, error)),
            Ok(connection) => {
                check(&connection, path)?;
                return Ok(connection);
            }
        }
    }
}

fn try_create(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = configure(Connection::open_with_flags(path, flags)?, busy)?;
    if is_empty(&connection)? {
        // Before the first table, and never in a foreign file: this writes the header.
        connection.pragma_update(None, "journal_mode", "wal")?;
        create_tables(&mut connection)?;
    }
    migrate(&mut connection)?;
    connection.pragma_update(None, "cache_size", -i64::from(WRITER_CACHE_KIB))?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX as i64)?;
    Ok(connection)
}

fn configure(connection: Connection, busy: Duration) -> rusqlite::Result<Connection> {
    connection.busy_timeout(busy)?;
    // Every commit reaches the disk before it is acknowledged.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let entries: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((id, version, entries) == (0, 0, 0))
}

fn create_tables(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done so meanwhile.
    if is_empty(&transaction)? {
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(SHADOW_TABLES)?;
        transaction.execute_batch(READERS_TABLE)?;
        transaction.execute_batch(FOLLOW_TABLES)?;
        transaction.execute_batch(BATCH_TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Migrates the tables of an earlier version to this one, completely or not at all. An earlier program that has the
/// file open can continue, but it cannot open it again.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let of = |connection: &Connection, name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let known = |connection: &Connection| Ok::<_, rusqlite::Error>(of(connection, "application_id")? == APPLICATION_ID);
    if !known(connection)? || !(1..VERSION).contains(&of(connection, "user_version")?) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done so meanwhile.
    let from = of(&transaction, "user_version")?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(from - 1).unwrap_or(MIGRATIONS.len())) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Downgrades a file of this version to version 1, for tests.
#[cfg(test)]
pub(super) fn downgrade(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DROP INDEX dead_letters_by_time; ALTER TABLE messages DROP COLUMN attempt;
         ALTER TABLE dead_letters DROP COLUMN attempt; ALTER TABLE dead_letters DROP COLUMN kind; DROP TABLE shadow_answers;
         DELETE FROM tallies WHERE name = 'shadow_answers'; DROP TABLE readers;
         DROP TABLE versions; DELETE FROM tallies WHERE name = 'versions'; DROP TABLE followed;
         DROP TABLE tasks; DROP TABLE results;
         ALTER TABLE topics DROP COLUMN retention_ms; PRAGMA user_version = 1;",
    )
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    check_version(connection, path, VERSION..=VERSION)
}

/// Fails unless the tables can be read as they are; those of an earlier version can.
pub(super) fn check_readable(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    check_version(connection, path, 1..=VERSION)
}

/// Returns whether there is a table of readers in a file that may be of an earlier version.
pub(super) fn has_readers(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'readers'", [], |row| row.get(0))
}

fn check_version(connection: &Connection, path: &Path, known: RangeInclusive<i32>) -> Result<(), OpenError> {
    let pragma = |name| {
        connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|error| OpenError::of_sqlite(path, error))
    };
    let (id, found): (i32, i32) = (pragma("application_id")?, pragma("user_version")?);
    if id != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if !known.contains(&found) {
        return Err(OpenError::Version { path: path.to_owned(), found, known: VERSION });
    }
    Ok(())
}
