//! Appends messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::partitions::count_partitions;
use crate::{
    delivery::Unavailable,
    log::{Offset, PartitionId, Position, Producer, PublishCallback, PublishError},
    sqlite::{DEADLINE, Database, WriteOp, now_ms},
};

/// Upper bound on a message: 16 MiB.
pub const APPEND_BYTES_MAX: usize = 16 << 20;

/// Appends to one topic. The database's queue bounds the messages that wait.
pub(super) struct EmbeddedProducer {
    database: Arc<Database>,
    topic: i64,
    turn: AtomicU64,
}

impl EmbeddedProducer {
    pub(super) fn new(database: &Arc<Database>, topic: i64) -> Self {
        EmbeddedProducer { database: Arc::clone(database), topic, turn: AtomicU64::new(0) }
    }
}

impl Producer for EmbeddedProducer {
    fn republish(&self, key: Option<&str>, payload: Vec<u8>, attempt: u32, done: PublishCallback) {
        let bytes = payload.len();
        if bytes > APPEND_BYTES_MAX {
            return done(Err(PublishError::TooLarge { bytes, bytes_max: APPEND_BYTES_MAX }));
        }
        let slot = key.map_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed), hash);
        let deadline = Instant::now() + DEADLINE;
        self.database.submit(Box::new(Append {
            topic: self.topic,
            slot,
            payload,
            attempt,
            deadline,
            landed: None,
            done,
        }));
    }
}

/// Returns the first eight bytes of the key's SHA-256, big-endian; modulo the number of partitions this is the key's
/// partition. It is the same on every machine and in every version.
fn hash(key: &str) -> u64 {
    Sha256::digest(key.as_bytes()).iter().take(8).fold(0, |hash, &byte| hash << 8 | u64::from(byte))
}

/// A message that is to be appended.
struct Append {
    topic: i64,
    slot: u64,
    payload: Vec<u8>,
    attempt: u32,
    deadline: Instant,
    landed: Option<Position>,
    done: PublishCallback,
}

impl WriteOp for Append {
    fn bytes(&self) -> usize {
        // About the size of the operation itself, beside the payload.
        self.payload.len() + 128
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // Inside the transaction, so that all processes agree on how many partitions there are.
        let partitions = count_partitions(connection, self.topic)?.max(1);
        let partition = (self.slot % u64::from(partitions)) as u32;
        let offset: i64 = connection
            .prepare_cached(
                "UPDATE partitions SET next_offset = next_offset + 1 WHERE topic = ?1 AND partition = ?2
                 RETURNING next_offset - 1",
            )?
            .query_row(params![self.topic, partition], |row| row.get(0))?;
        connection
            .prepare_cached(
                "INSERT INTO messages (topic, partition, \"offset\", appended_at_ms, body, attempt)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![self.topic, partition, offset, now_ms(), self.payload, self.attempt])?;
        self.landed = Some(Position { partition: PartitionId(partition), offset: Offset(offset.cast_unsigned()) });
        Ok(())
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        let unmade = || Unavailable::needs_operator("a message was committed before it was appended: a defect");
        let landed = outcome.and_then(|()| self.landed.ok_or_else(unmade));
        (self.done)(landed.map_err(PublishError::from));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_keys_hash_is_the_same_everywhere() {
        // printf abc | sha256sum
        assert_eq!(super::hash("abc"), 0xba78_16bf_8f01_cfea);
    }
}
