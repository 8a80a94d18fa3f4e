//! Dead letters: rows of a table, read in the order in which they were written.
//!
//! A group's offset among them is stored in the table of committed offsets, under the topic's name and `.dlq`: a topic
//! without partitions, so that it retains no message.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    delivery::Unavailable,
    log::{
        DEAD_LETTER_BYTES_MAX, DeadLetter, DeadLetterReader, DeadLetterReason, DeadLetterSpan, DeadLettersFrom, Offset,
        PartitionId, Payload, Position,
    },
    request::RequestId,
    sqlite::{self, Database, now_ms, unavailable},
};

/// A dead letter as the table takes it. Its identity is topic, partition and offset: a second writing does nothing.
pub(super) struct DeadLetterRow {
    topic: i64,
    letter: DeadLetter,
}

impl DeadLetterRow {
    pub(super) fn new(topic: i64, letter: &DeadLetter) -> Self {
        DeadLetterRow { topic, letter: letter.clone() }
    }
}

impl sqlite::Row for DeadLetterRow {
    fn bytes(&self) -> usize {
        self.letter.payload.bytes().len() + self.letter.reason.len() + size_of::<Self>()
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let DeadLetter { position, id, reason, kind, payload, found_at, attempt, .. } = &self.letter;
        connection
            .prepare_cached(
                "INSERT INTO dead_letters
                 (topic, partition, \"offset\", id, reason, bytes, length, sha256, found_at_ms, attempt, kind)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                self.topic,
                position.partition.0,
                position.offset.0.cast_signed(),
                id.as_ref().map(|id| id.as_str()),
                reason,
                payload.bytes(),
                payload.len() as i64,
                payload.sha256(),
                found_at.timestamp_millis(),
                attempt,
                kind.name(),
            ])
            .map(drop)
    }
}

/// Approximate upper bound on the bytes of a page.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// Reads with a connection of its own, and holds no statement open between pages.
pub(super) struct EmbeddedDeadLetterReader {
    // Before the database, so that it is closed before the last handle is.
    connection: Connection,
    database: Arc<Database>,
    topic: i64,
    /// The number of the last letter read.
    after: i64,
    /// The number of the last letter to read; `None` if later ones are read, too.
    end: Option<i64>,
    /// The topic and the group under which the position is committed.
    group: Option<(i64, String)>,
}

impl EmbeddedDeadLetterReader {
    pub(super) fn start(
        database: &Arc<Database>,
        topic: i64,
        name: &str,
        own_group: &str,
        span: DeadLetterSpan<'_>,
    ) -> Result<Self, Unavailable> {
        let connection = database.connect()?;
        let group = match span.from {
            DeadLettersFrom::Group(group) => Some((positions_topic(database, name)?, format!("{own_group}.{group}"))),
            DeadLettersFrom::Moment(_) => None,
        };
        let find = || -> rusqlite::Result<(i64, i64)> {
            let last = connection.query_row(
                "SELECT coalesce(max(seq), 0) FROM dead_letters WHERE topic = ?1",
                [topic],
                |row| row.get(0),
            )?;
            let after = match (&group, span.from) {
                (Some((positions, group)), _) => committed(&connection, *positions, group)?,
                (None, DeadLettersFrom::Moment(since)) => {
                    let first: Option<i64> = connection.query_row(
                        "SELECT min(seq) FROM dead_letters WHERE topic = ?1 AND found_at_ms >= ?2",
                        params![topic, since.timestamp_millis()],
                        |row| row.get(0),
                    )?;
                    first.map_or(last, |first| first - 1)
                }
                (None, DeadLettersFrom::Group(_)) => 0,
            };
            Ok((after, last))
        };
        let (after, last) = find().map_err(|error| unavailable(&error, database.path()))?;
        let end = (!span.follow).then_some(last);
        Ok(EmbeddedDeadLetterReader { database: Arc::clone(database), connection, topic, after, end, group })
    }

    fn page(&self, letters_max: usize) -> rusqlite::Result<Vec<(i64, DeadLetter)>> {
        let mut query = self.connection.prepare_cached(
            "SELECT seq, partition, \"offset\", id, reason, bytes, length, sha256, found_at_ms, attempt, kind
             FROM dead_letters WHERE topic = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq LIMIT ?4",
        )?;
        let end = self.end.unwrap_or(i64::MAX);
        let mut rows = query.query(params![self.topic, self.after, end, letters_max as i64])?;
        let (mut letters, mut bytes) = (Vec::new(), 0);
        while bytes < PAGE_BYTES_MAX
            && let Some(row) = rows.next()?
        {
            let letter = letter(row)?;
            bytes += letter.payload.bytes().len();
            letters.push((row.get(0)?, letter));
        }
        Ok(letters)
    }
}

impl DeadLetterReader for EmbeddedDeadLetterReader {
    /// Returns the letters that are there, without waiting.
    fn next(&mut self, letters_max: usize, _: Duration) -> Result<Vec<DeadLetter>, Unavailable> {
        self.database.intact()?;
        let page = self.page(letters_max).map_err(|error| unavailable(&error, self.database.path()))?;
        match (page.last(), self.end) {
            (Some((seq, _)), _) => self.after = *seq,
            // Those in between were dropped meanwhile.
            (None, Some(end)) => self.after = self.after.max(end),
            (None, None) => {}
        }
        Ok(page.into_iter().map(|(_, letter)| letter).collect())
    }

    fn is_done(&self) -> bool {
        self.end.is_some_and(|end| self.after >= end)
    }

    fn commit(&mut self) -> Result<(), Unavailable> {
        let Some((positions, group)) = self.group.clone() else { return Ok(()) };
        let next = self.after + 1;
        self.database.write(64, move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO committed_offsets AS old (topic, consumer_group, partition, next_offset, committed_at_ms)
                     VALUES (?1, ?2, 0, ?3, ?4) ON CONFLICT (topic, consumer_group, partition) DO UPDATE SET
                     committed_at_ms = excluded.committed_at_ms, next_offset = max(old.next_offset, excluded.next_offset)",
                )?
                .execute(params![positions, group, next, now_ms()])
                .map(drop)
        })
    }
}

/// Returns the number of the topic under which positions among a topic's dead letters are committed.
fn positions_topic(database: &Database, topic: &str) -> Result<i64, Unavailable> {
    let name = format!("{topic}.dlq");
    database.write(64, move |connection| {
        connection.execute("INSERT INTO topics (name) VALUES (?1) ON CONFLICT DO NOTHING", [&name])?;
        connection.query_row("SELECT id FROM topics WHERE name = ?1", [&name], |row| row.get(0))
    })
}

/// Returns the number of the last letter that a group has committed.
fn committed(connection: &Connection, positions: i64, group: &str) -> rusqlite::Result<i64> {
    let next: Option<i64> = connection
        .query_row(
            "SELECT next_offset FROM committed_offsets WHERE topic = ?1 AND consumer_group = ?2 AND partition = 0",
            params![positions, group],
            |row| row.get(0),
        )
        .optional()?;
    Ok(next.map_or(0, |next| next - 1))
}

fn letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let (bytes, length, sha256): (Vec<u8>, i64, [u8; 32]) = (row.get(5)?, row.get(6)?, row.get(7)?);
    debug_assert!(bytes.len() <= DEAD_LETTER_BYTES_MAX);
    let offset: i64 = row.get(2)?;
    let reason: String = row.get(4)?;
    // A letter of an earlier version has no kind.
    let kind = DeadLetterReason::from_stored(row.get_ref(10)?.as_str_or_null()?, &reason);
    Ok(DeadLetter {
        position: Position { partition: PartitionId(row.get(1)?), offset: Offset(offset.cast_unsigned()) },
        id: row.get::<_, Option<String>>(3)?.and_then(|id| RequestId::new(id).ok()),
        reason,
        kind,
        payload: Payload::from_stored(bytes, usize::try_from(length).unwrap_or(usize::MAX), sha256),
        found_at: chrono::DateTime::from_timestamp_millis(row.get(8)?).unwrap_or_default(),
        attempt: row.get(9)?,
        topic_id: None,
    })
}
