//! Retention: the rows that are dropped, and when.
//!
//! 1. A message is dropped once it is older than the retention of its topic *and* every group that has ever committed
//!    an offset of its topic has committed one beyond it. While no group has, nothing is dropped. The retention is
//!    [`LOG_AGE_MAX`], unless the topic was given one of its own.
//! 2. Dead letters, rejections, what shadows say and versions of followed answers are dropped when older than
//!    [`DEAD_AGE_MAX`], and the oldest first while there are more than [`DEAD_BYTES_MAX`] of any of them. How many were
//!    is counted, and logged.
//! 3. Answers are kept. So are the records of requests that are followed: a scorer bounds their number and time.
//! 4. Age is elapsed time, and never a difference of stamps (see [`elapsed`]): a clock that is wrong, was wrong or is
//!    set drops nothing early, and no row shields or condemns another one. Age is known to [`MARK_EVERY`]; while the
//!    wall clock jumps nothing is dropped by age. The bounds in bytes hold without any clock.
//! 5. The time in which the machine is off, or no process has the file open across a start of the machine, is no age.
//!
//! Rows are dropped in small steps on the writing thread, each in its own transaction, so that no write waits long.

pub(super) mod elapsed;

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use self::elapsed::Elapsed;
use crate::clock::Reading;

/// Minimum age of a message that is dropped, in a topic without a retention of its own: 7 days.
pub const LOG_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Maximum age of dead letters and rejections: 30 days.
pub const DEAD_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Upper bound on the bytes of dead letters, and on those of rejections: 1 GiB.
pub const DEAD_BYTES_MAX: u64 = 1 << 30;
/// Interval of the steps of the writing thread, unless there is more to drop.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Resolution of age: interval at which the last row of each table is marked.
pub const MARK_EVERY: Duration = Duration::from_secs(3600);
/// Time for which the wall clock must have kept pace with the boot clock before something is dropped by age.
pub const STEADY: Duration = Duration::from_secs(3600);
/// Upper bound on the rows of a table or partition that a step drops.
const STEP_ROWS_MAX: i64 = 500;
/// About the upper bound on their bytes.
const STEP_BYTES_MAX: i64 = 16 << 20;

/// The bounds of a sweep.
pub(super) struct Limits {
    pub(super) log_age_ms: i64,
    pub(super) dead_age_ms: i64,
    pub(super) dead_bytes: i64,
    pub(super) mark_every_ms: i64,
    pub(super) steady_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        let ms = |age: Duration| age.as_millis() as i64;
        Limits {
            log_age_ms: ms(LOG_AGE_MAX),
            dead_age_ms: ms(DEAD_AGE_MAX),
            dead_bytes: DEAD_BYTES_MAX as i64,
            mark_every_ms: ms(MARK_EVERY),
            steady_ms: ms(STEADY),
        }
    }
}

/// The result of a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Swept {
    pub(super) dropped: usize,
    /// True if there may be more to drop at once.
    pub(super) more: bool,
}

/// Takes one step, in one transaction, at a reading of the clocks.
pub(super) fn sweep(connection: &mut Connection, reading: &Reading, limits: &Limits) -> rusqlite::Result<Swept> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let elapsed = elapsed::advance(&transaction, reading, limits.steady_ms)?;
    let age_max_ms = limits.log_age_ms.max(limits.dead_age_ms).max(longest_retention_ms(&transaction)?);
    elapsed::mark(&transaction, elapsed, limits.mark_every_ms, age_max_ms)?;
    let mut swept = Swept { dropped: 0, more: false };
    let mut add = |(dropped, more): (usize, bool)| {
        swept.dropped += dropped;
        swept.more |= more;
    };
    for HandledPartition { topic, partition, next, retention_ms } in behind_all_groups(&transaction)? {
        let of = elapsed::partition(topic, partition);
        let old = elapsed::older_than(&transaction, &of, elapsed, retention_ms.unwrap_or(limits.log_age_ms))?;
        add(drop_messages(&transaction, topic, partition, next.min(old))?);
    }
    for table in [DEAD_LETTERS, REJECTIONS, SHADOW_ANSWERS, VERSIONS] {
        add(drop_oldest(&transaction, &table, elapsed, limits)?);
    }
    transaction.commit()?;
    Ok(swept)
}

/// Returns the longest retention that a topic was given; 0 if none was.
fn longest_retention_ms(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT coalesce(max(retention_ms), 0) FROM topics")?.query_row([], |row| row.get(0))
}

/// A partition of a topic that some group has committed an offset of.
struct HandledPartition {
    topic: i64,
    partition: i64,
    /// The offset that all groups of the topic have committed.
    next: i64,
    /// The retention that the topic was given.
    retention_ms: Option<i64>,
}

fn behind_all_groups(connection: &Connection) -> rusqlite::Result<Vec<HandledPartition>> {
    let mut query = connection.prepare_cached(
        "SELECT p.topic, p.partition, min(coalesce(c.next_offset, 0)),
                (SELECT retention_ms FROM topics WHERE id = p.topic)
         FROM partitions p
         JOIN (SELECT DISTINCT topic, consumer_group FROM committed_offsets) g ON g.topic = p.topic
         LEFT JOIN committed_offsets c
           ON c.topic = p.topic AND c.consumer_group = g.consumer_group AND c.partition = p.partition
         GROUP BY p.topic, p.partition",
    )?;
    let rows = query.query_map([], |row| {
        let (topic, partition, next) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(HandledPartition { topic, partition, next, retention_ms: row.get(3)? })
    })?;
    rows.collect()
}

/// Drops the oldest messages below an offset.
fn drop_messages(connection: &Connection, topic: i64, partition: i64, below: i64) -> rusqlite::Result<(usize, bool)> {
    let mut query = connection.prepare_cached(
        "SELECT \"offset\", octet_length(body) FROM messages
         WHERE topic = ?1 AND partition = ?2 AND \"offset\" < ?3 ORDER BY \"offset\" LIMIT ?4",
    )?;
    let mut rows = query.query(params![topic, partition, below, STEP_ROWS_MAX])?;
    let (mut end, mut count, mut bytes) = (None, 0, 0);
    while bytes < STEP_BYTES_MAX
        && let Some(row) = rows.next()?
    {
        end = Some(row.get::<_, i64>(0)?);
        count += 1;
        bytes += row.get::<_, i64>(1)?;
    }
    drop(rows);
    let Some(end) = end else { return Ok((0, false)) };
    let dropped = connection
        .prepare_cached("DELETE FROM messages WHERE topic = ?1 AND partition = ?2 AND \"offset\" <= ?3")?
        .execute(params![topic, partition, end])?;
    Ok((dropped, count == STEP_ROWS_MAX || bytes >= STEP_BYTES_MAX))
}

/// A table that is bounded by age and bytes.
struct BoundedTable {
    name: &'static str,
    /// Selects seq and bytes (as `tallies` counts them) of each row, in the order of arrival.
    oldest: &'static str,
    delete: &'static str,
}

const DEAD_LETTERS: BoundedTable = BoundedTable {
    name: "dead_letters",
    oldest: "SELECT seq, octet_length(bytes) + octet_length(reason) FROM dead_letters ORDER BY seq LIMIT ?1",
    delete: "DELETE FROM dead_letters WHERE seq <= ?1",
};

const REJECTIONS: BoundedTable = BoundedTable {
    name: "rejections",
    oldest: "SELECT seq, octet_length(id) + octet_length(reason) FROM rejections ORDER BY seq LIMIT ?1",
    delete: "DELETE FROM rejections WHERE seq <= ?1",
};

const SHADOW_ANSWERS: BoundedTable = BoundedTable {
    name: "shadow_answers",
    oldest: "SELECT seq, octet_length(id) + octet_length(document) FROM shadow_answers ORDER BY seq LIMIT ?1",
    delete: "DELETE FROM shadow_answers WHERE seq <= ?1",
};

const VERSIONS: BoundedTable = BoundedTable {
    name: "versions",
    oldest: "SELECT seq, octet_length(id) + octet_length(document) FROM versions ORDER BY seq LIMIT ?1",
    delete: "DELETE FROM versions WHERE seq <= ?1",
};

fn drop_oldest(
    connection: &Connection,
    table: &BoundedTable,
    elapsed: Elapsed,
    limits: &Limits,
) -> rusqlite::Result<(usize, bool)> {
    let old = elapsed::older_than(connection, table.name, elapsed, limits.dead_age_ms)?;
    let mut bytes: i64 = connection
        .prepare_cached("SELECT bytes FROM tallies WHERE name = ?1")?
        .query_row([table.name], |row| row.get(0))?;
    let floor = bytes - STEP_BYTES_MAX;
    let mut query = connection.prepare_cached(table.oldest)?;
    let mut rows = query.query([STEP_ROWS_MAX])?;
    let (mut end, mut count) = (None, 0);
    while bytes > floor
        && let Some(row) = rows.next()?
        && (bytes > limits.dead_bytes || row.get::<_, i64>(0)? < old)
    {
        end = Some(row.get::<_, i64>(0)?);
        count += 1;
        bytes -= row.get::<_, i64>(1)?;
    }
    drop(rows);
    let Some(end) = end else { return Ok((0, false)) };
    let dropped = connection.prepare_cached(table.delete)?.execute([end])?;
    connection
        .prepare_cached("UPDATE tallies SET dropped = dropped + ?2 WHERE name = ?1")?
        .execute(params![table.name, dropped as i64])?;
    tracing::warn!("dropped the {dropped} oldest {}: too old, or too many bytes", table.name);
    Ok((dropped, count == STEP_ROWS_MAX || bytes <= floor))
}

#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod tests;
