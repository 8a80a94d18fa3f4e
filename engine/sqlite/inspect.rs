//! Reads what an operator may want to see of an embedded database, and makes and changes nothing.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::{
    OpenError,
    groups::{self, Group, Kept},
    look::Look,
    now_ms, open, readers, unavailable,
};
use crate::{
    address::{self, Address},
    delivery::Unavailable,
    finding::Finding,
    log::{Offset, PartitionId, Position},
};

/// Looks into an embedded database. Every call opens a read-only connection of its own and closes it again.
pub struct Inspector {
    look: Look,
}

/// A dead letter as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDeadLetter {
    /// Numbers dead letters in the order in which they were written.
    pub seq: u64,
    /// Where in the log the record stands.
    pub position: Position,
    /// The request's id, if that much could be read.
    pub id: Option<String>,
    /// Why it is dead.
    pub reason: String,
    /// The record, cut at [`crate::log::DEAD_LETTER_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// How many bytes the record had.
    pub length: u64,
    /// The SHA-256 of all of them.
    pub sha256: Vec<u8>,
    /// When it was found dead.
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
    /// When it was committed last.
    pub committed_at: DateTime<Utc>,
}

/// What is counted of a table that is bounded by size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The table.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes, keys and numbers aside.
    pub bytes: u64,
    /// How many rows were dropped because they were too old or too many.
    pub dropped: u64,
}

impl Inspector {
    /// Looks at the database at `path`; fails if there is none.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Inspector { look: Look::at(path)? })
    }

    /// Looks at the one that a URL names.
    pub(crate) fn at(address: &Address) -> Result<Self, address::OpenError> {
        Ok(Inspector::open(open::path_of(address)?)?)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.look.path()
    }

    /// Returns the findings on the file itself; none if all is well.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.look.findings()
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

    /// The groups that have committed an offset of any topic.
    pub fn groups(&self) -> Result<Vec<Group>, Unavailable> {
        self.ask(|connection| groups::list(connection, now_ms()))
    }

    /// Returns whether a process reads a topic for a group now.
    pub fn is_read(&self, topic: &str, group: &str) -> Result<bool, Unavailable> {
        self.ask(|connection| readers::is_read_by_name(connection, topic, group))
    }

    /// Returns the number and the bytes of all messages of a topic, the bytes estimated from a sample.
    pub fn retained(&self, topic: &str) -> Result<Kept, Unavailable> {
        self.ask(|connection| groups::retained(connection, topic))
    }

    /// The dead letters of a topic after number `after`, oldest first, at most `count_max`.
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
                    found_at: moment(row, 8)?,
                })
            },
        )
    }

    /// The committed offsets of a topic, by group and partition.
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
                    committed_at: moment(row, 4)?,
                })
            },
        )
    }

    /// How many requests are answered.
    pub fn answers(&self) -> Result<u64, Unavailable> {
        let counts = self.list("SELECT count(*) FROM answers", params![], |row| unsigned(row, 0))?;
        Ok(counts.into_iter().sum())
    }

    /// The tables that are bounded by size: `dead_letters` and `rejections`.
    pub fn tallies(&self) -> Result<Vec<Tally>, Unavailable> {
        self.list("SELECT name, rows, bytes, dropped FROM tallies ORDER BY name", params![], |row| {
            Ok(Tally {
                name: row.get(0)?,
                rows: unsigned(row, 1)?,
                bytes: unsigned(row, 2)?,
                dropped: unsigned(row, 3)?,
            })
        })
    }

    fn list<T>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Unavailable> {
        self.ask(|connection| connection.prepare(query)?.query_map(parameters, read)?.collect())
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Unavailable> {
        let connection = self.look.connect().map_err(|error| match &error {
            OpenError::Sqlite { source, .. } => unavailable(source, self.path()),
            _ => Unavailable::needs_operator(&error),
        })?;
        question(&connection).map_err(|error| unavailable(&error, self.path()))
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    row.get(column).map(|ms| DateTime::from_timestamp_millis(ms).unwrap_or_default())
}
