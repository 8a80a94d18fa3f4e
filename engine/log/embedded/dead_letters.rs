//! Keeps dead letters.

use rusqlite::{Connection, params};

use crate::{log::DeadLetter, sqlite::Row};

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

impl Row for DeadLetterRow {
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
