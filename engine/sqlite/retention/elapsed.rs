//! The time that has elapsed for a file, and marks of the row that each of its tables had reached by then.
//!
//! 1. Elapsed time is the sum of the boot clock's advances between consecutive looks of any process that has the file
//!    open. The time between two starts of the machine is not counted, as only the wall clock could tell it: a file
//!    on a machine that is off does not age.
//! 2. The wall clock is compared with it. It has jumped if since the look before it went ahead or back by more than
//!    [`JUMP_MS`] (after a new start of the machine: ahead by more than [`OFF_MS`]), or if it is out of bounds: one
//!    process says so, once, with both readings, and nothing is dropped by age until it has kept pace for
//!    `steady_ms`.
//! 3. A mark is made every `mark_every_ms`: at this elapsed time a table reached up to this
//!    row. Rows up to it are at least as old as the mark, whatever their own stamps say. So a stamp of a clock that
//!    was wrong neither shields a row nor condemns one.
//!
//! The tables are made when they are first needed, and a build without them passes them over.

use rusqlite::{Connection, OptionalExtension, params};

use crate::clock::{Reading, of_seconds};

/// The wall clock has jumped if it has gone by this much more or less than the boot clock.
const JUMP_MS: i64 = 60_000;
/// After a new start of the machine, the wall clock has jumped if it is later than before by more than this: 1 day.
const OFF_MS: i64 = 24 * 3600 * 1000;
/// Interval at which the time is saved if there is nothing else to save: more often would slow down a backlog.
const SAVE_MS: i64 = 10_000;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS retention_clock (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    elapsed_ms INTEGER NOT NULL,
    boot BLOB NOT NULL,
    since_boot_ms INTEGER NOT NULL,
    wall_ms INTEGER,
    steady_from_ms INTEGER NOT NULL,
    marked_ms INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS retention_marks (
    name TEXT NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    reach INTEGER NOT NULL,
    PRIMARY KEY (name, elapsed_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retention_values (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The elapsed time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sqlite) struct Elapsed {
    /// Time since the first call of [`advance`], ms.
    pub(super) ms: i64,
    /// True if the wall clock has kept pace for long enough to drop something by age.
    pub(super) is_steady: bool,
}

/// The state of the clock, as it was last saved.
struct ClockState {
    elapsed_ms: i64,
    boot: [u8; 16],
    since_boot_ms: i64,
    /// `None` if it was out of bounds.
    wall_ms: Option<i64>,
    steady_from_ms: i64,
    /// The time of the last marks.
    marked_ms: Option<i64>,
}

/// Adds the time that has elapsed since the last call, of this or of another process.
pub(in crate::sqlite) fn advance(
    connection: &Connection,
    reading: &Reading,
    steady_ms: i64,
) -> rusqlite::Result<Elapsed> {
    connection.execute_batch(TABLES)?;
    let (boot, since_boot_ms) = (reading.boot.0.to_be_bytes(), reading.since_boot.as_millis() as i64);
    let wall_ms = reading.wall.ok().map(|at| at.timestamp_millis());
    let Some(before) = load(connection)? else {
        let first = ClockState { elapsed_ms: 0, boot, since_boot_ms, wall_ms, steady_from_ms: 0, marked_ms: None };
        save(connection, &first)?;
        return Ok(Elapsed { ms: 0, is_steady: false });
    };
    let same_boot = before.boot == boot;
    // Another process may have advanced it after this one has read its clocks.
    let gone_ms = if same_boot { (since_boot_ms - before.since_boot_ms).max(0) } else { 0 };
    let elapsed_ms = before.elapsed_ms.saturating_add(gone_ms);
    let jumped = match (before.wall_ms, wall_ms) {
        (Some(before_ms), Some(now_ms)) => {
            let ahead_ms = now_ms - before_ms - gone_ms;
            let most_ms = if same_boot { JUMP_MS } else { OFF_MS };
            ahead_ms < -JUMP_MS || ahead_ms > most_ms
        }
        // Also while it stays out of bounds: the pace can be held once it is back.
        _ => true,
    };
    if jumped {
        warn(&before, reading, same_boot, gone_ms, steady_ms);
    }
    let steady_from_ms = if jumped { elapsed_ms } else { before.steady_from_ms };
    if jumped || !same_boot || gone_ms >= SAVE_MS {
        let marked_ms = before.marked_ms;
        save(connection, &ClockState { elapsed_ms, boot, since_boot_ms, wall_ms, steady_from_ms, marked_ms })?;
    }
    Ok(Elapsed { ms: elapsed_ms, is_steady: elapsed_ms - steady_from_ms >= steady_ms })
}

fn warn(before: &ClockState, reading: &Reading, same_boot: bool, gone_ms: i64, steady_ms: i64) {
    let wait = format!("nothing is dropped by age until it has kept pace for {} minutes", steady_ms / 60_000);
    let at = |ms: i64| of_seconds(ms.div_euclid(1000), 0).map_or_else(|wrong| wrong.to_string(), |at| at.to_rfc3339());
    match (before.wall_ms, reading.wall) {
        (Some(before_ms), Ok(now)) if same_boot => tracing::warn!(
            "the clock was set: it says {now}, and by the time that has elapsed it is {}; {wait}. If it is wrong, set it",
            at(before_ms + gone_ms),
        ),
        (Some(before_ms), Ok(now)) => tracing::warn!(
            "the clock says {now}, and at the last look, before the machine was started, it said {}; the time between is \
             not counted, and {wait}. If it is wrong, set it",
            at(before_ms),
        ),
        (None, Ok(now)) => tracing::warn!("the clock is within bounds again: it says {now}; {wait}"),
        (Some(_), Err(wrong)) => tracing::warn!("{wrong}; {wait}"),
        // That it is out of bounds has been said.
        (None, Err(_)) => {}
    }
}

fn load(connection: &Connection) -> rusqlite::Result<Option<ClockState>> {
    let mut query = connection.prepare_cached(
        "SELECT elapsed_ms, boot, since_boot_ms, wall_ms, steady_from_ms, marked_ms FROM retention_clock",
    )?;
    let row = query.query_row([], |row| {
        Ok(ClockState {
            elapsed_ms: row.get(0)?,
            boot: row.get(1)?,
            since_boot_ms: row.get(2)?,
            wall_ms: row.get(3)?,
            steady_from_ms: row.get(4)?,
            marked_ms: row.get(5)?,
        })
    });
    row.optional()
}

fn save(connection: &Connection, state: &ClockState) -> rusqlite::Result<()> {
    let ClockState { elapsed_ms, boot, since_boot_ms, wall_ms, steady_from_ms, marked_ms } = state;
    connection
        .prepare_cached("INSERT OR REPLACE INTO retention_clock VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![elapsed_ms, boot, since_boot_ms, wall_ms, steady_from_ms, marked_ms])
        .map(drop)
}

/// Makes marks, if they are due: of each table whose rows are numbered in the order of arrival, the next number.
/// Removes marks without a use: for each table those before the newest one that is older than `age_max_ms`.
pub(super) fn mark(
    connection: &Connection,
    elapsed: Elapsed,
    mark_every_ms: i64,
    age_max_ms: i64,
) -> rusqlite::Result<()> {
    let marked_ms: Option<i64> = connection.query_row("SELECT marked_ms FROM retention_clock", [], |row| row.get(0))?;
    if marked_ms.is_some_and(|marked_ms| elapsed.ms - marked_ms < mark_every_ms) {
        return Ok(());
    }
    connection.execute(
        "INSERT OR REPLACE INTO retention_marks
         SELECT 'messages/' || topic || '/' || partition, ?1, next_offset FROM partitions
         UNION ALL SELECT 'dead_letters', ?1, coalesce(max(seq), 0) + 1 FROM dead_letters
         UNION ALL SELECT 'rejections', ?1, coalesce(max(seq), 0) + 1 FROM rejections
         UNION ALL SELECT 'shadow_answers', ?1, coalesce(max(seq), 0) + 1 FROM shadow_answers
         UNION ALL SELECT 'versions', ?1, coalesce(max(seq), 0) + 1 FROM versions",
        [elapsed.ms],
    )?;
    connection.execute(
        "DELETE FROM retention_marks WHERE elapsed_ms < (SELECT max(older.elapsed_ms) FROM retention_marks older
         WHERE older.name = retention_marks.name AND older.elapsed_ms <= ?1)",
        [elapsed.ms - age_max_ms],
    )?;
    connection.execute("UPDATE retention_clock SET marked_ms = ?1", [elapsed.ms]).map(drop)
}

/// The messages of a partition, as marks name them.
pub(super) fn partition(topic: i64, partition: i64) -> String {
    format!("messages/{topic}/{partition}")
}

/// The number below which everything of a table is at least so old; 0 if nothing is, or if the clock is not steady.
/// Marks that can tell nothing more are removed.
pub(super) fn older_than(connection: &Connection, name: &str, elapsed: Elapsed, age_ms: i64) -> rusqlite::Result<i64> {
    if !elapsed.is_steady {
        return Ok(0);
    }
    let mark: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT elapsed_ms, reach FROM retention_marks WHERE name = ?1 AND elapsed_ms <= ?2
             ORDER BY elapsed_ms DESC LIMIT 1",
        )?
        .query_row(params![name, elapsed.ms.saturating_sub(age_ms)], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((at_ms, reach)) = mark else { return Ok(0) };
    connection
        .prepare_cached("DELETE FROM retention_marks WHERE name = ?1 AND elapsed_ms < ?2")?
        .execute(params![name, at_ms])?;
    Ok(reach)
}

/// The elapsed time, ms, for which something has had this value at every look; none while the clock is not steady.
/// A value is remembered by its name until [`forget_all_but`] drops it. For what has no row number to mark, such as
/// what a consumer group has committed.
pub(in crate::sqlite) fn unchanged_for(
    connection: &Connection,
    name: &str,
    value: &str,
    elapsed: Elapsed,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "INSERT INTO retention_values VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, since_ms = excluded.since_ms
             WHERE value <> excluded.value",
        )?
        .execute(params![name, value, elapsed.ms])?;
    let since_ms: i64 = connection
        .prepare_cached("SELECT since_ms FROM retention_values WHERE name = ?1")?
        .query_row([name], |row| row.get(0))?;
    Ok(elapsed.is_steady.then_some(elapsed.ms - since_ms))
}

/// Forgets the values whose names start with `prefix`, except those of these names.
pub(in crate::sqlite) fn forget_all_but(
    connection: &Connection,
    prefix: &str,
    names: &[String],
) -> rusqlite::Result<()> {
    let mut query = connection.prepare_cached("SELECT name FROM retention_values WHERE substr(name, 1, ?2) = ?1")?;
    let rows = query.query_map(params![prefix, prefix.chars().count() as i64], |row| row.get::<_, String>(0))?;
    let known: Vec<String> = rows.collect::<Result<_, _>>()?;
    for name in known.iter().filter(|name| !names.contains(name)) {
        connection.prepare_cached("DELETE FROM retention_values WHERE name = ?1")?.execute([name])?;
    }
    Ok(())
}
