//! Consumer groups: what each keeps in the log, when an idle one expires, and how one is removed.
//!
//! 1. Messages that a group has not committed are kept for it (see [`super::retention`]), once it has ever committed
//!    an offset.
//! 2. A group whose commits have not changed for [`GROUP_AGE_MAX`] of elapsed time (see [`super::retention`]: no
//!    stamp and no wall clock decides) expires: its offsets are removed, with a warning. Two never expire: the group
//!    of a topic that has committed last, so that the only scorer may be stopped for any time, and one that a process
//!    reads for.
//! 3. From [`REMIND_AFTER`] on a group that keeps messages is named in the log once a day.
//! 4. A group that is removed, or has expired, starts at the earliest message when it comes back: the first answer
//!    stands.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

use super::{
    readers,
    retention::{STEADY, elapsed},
    schema,
};
use crate::clock::Reading;

/// Time without a commit after which a group expires: 30 days.
pub const GROUP_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Time without a commit after which the log names a group that retains messages: a day.
pub(super) const REMIND_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Interval of these reminders.
const REMIND_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Prefix of the names under which the retention clock stores the commits of groups.
const NAME_PREFIX: &str = "group/";
/// Number of messages from which the bytes of all are estimated.
const SAMPLE: i64 = 200;

/// A consumer group of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
    /// Messages that it has not committed.
    pub to_go: u64,
    /// When it has committed last.
    pub committed_at: DateTime<Utc>,
    /// True if a process reads for it now.
    pub is_read: bool,
    /// The messages in the log that it alone keeps.
    pub keeps: Retained,
}

/// Messages that are retained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Retained {
    /// Number of messages.
    pub messages: u64,
    /// Number of bytes, estimated from a sample of the messages.
    pub bytes: u64,
}

impl Group {
    /// Returns the time since its last commit, by the wall clock.
    pub fn idle(&self, now: DateTime<Utc>) -> Duration {
        (now - self.committed_at).to_std().unwrap_or_default()
    }

    /// Says what it retains, and until when; `is_last` means that no other group of its topic has committed later.
    pub(crate) fn describe(&self, now: DateTime<Utc>, is_last: bool) -> String {
        describe(self, self.idle(now), is_last)
    }

    /// Returns whether no process reads for it while it keeps messages that all others have read: a reason to look
    /// after it.
    pub(crate) fn retains_alone(&self) -> bool {
        !self.is_read && self.keeps.messages > 0
    }
}

/// The progress of a group in a partition.
struct PartitionProgress {
    topic: i64,
    name: String,
    group: String,
    partition: i64,
    next: i64,
    end: i64,
    committed_at_ms: i64,
}

fn progress_of_all(connection: &Connection) -> rusqlite::Result<Vec<PartitionProgress>> {
    // Offsets of dead letters belong to a topic without partitions, and retain nothing.
    let mut query = connection.prepare_cached(
        "SELECT t.id, t.name, g.consumer_group, p.partition, coalesce(c.next_offset, 0), p.next_offset,
                g.committed_at_ms
         FROM topics t
         JOIN (SELECT topic, consumer_group, max(committed_at_ms) AS committed_at_ms FROM committed_offsets
               GROUP BY topic, consumer_group) g ON g.topic = t.id
         JOIN partitions p ON p.topic = t.id
         LEFT JOIN committed_offsets c
           ON c.topic = t.id AND c.consumer_group = g.consumer_group AND c.partition = p.partition
         ORDER BY 1, 3, 4",
    )?;
    let rows = query.query_map([], |row| {
        Ok(PartitionProgress {
            topic: row.get(0)?,
            name: row.get(1)?,
            group: row.get(2)?,
            partition: row.get(3)?,
            next: row.get(4)?,
            end: row.get(5)?,
            committed_at_ms: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Returns the groups that have committed an offset of a topic.
pub(super) fn list(connection: &Connection, now_ms: i64) -> rusqlite::Result<Vec<Group>> {
    let all = progress_of_all(connection)?;
    let has_readers = schema::has_readers(connection)?;
    let mut groups: BTreeMap<(i64, &str), Group> = BTreeMap::new();
    for progress in &all {
        let PartitionProgress { topic, name, group, committed_at_ms, .. } = progress;
        let entry = groups.entry((*topic, group)).or_insert_with(|| Group {
            topic: name.clone(),
            group: group.clone(),
            to_go: 0,
            committed_at: DateTime::from_timestamp_millis(*committed_at_ms).unwrap_or_default(),
            is_read: false,
            keeps: Retained::default(),
        });
        let others = all.iter().filter(|other| {
            (other.topic, other.partition) == (*topic, progress.partition) && other.group != progress.group
        });
        // Messages that another group has not committed are retained without this one, too.
        let until = others.map(|other| other.next).min();
        let kept = kept(connection, progress, until)?;
        entry.to_go += (progress.end - progress.next).max(0).unsigned_abs();
        entry.keeps.messages += kept.messages;
        entry.keeps.bytes += kept.bytes;
    }
    for ((topic, name), group) in &mut groups {
        let age = u64::try_from(now_ms - group.committed_at.timestamp_millis()).map(Duration::from_millis);
        group.is_read = has_readers && readers::is_read(connection, *topic, name, age.ok())?;
    }
    Ok(groups.into_values().collect())
}

/// Returns the messages that a group keeps in a partition, up to where the others have committed.
fn kept(connection: &Connection, progress: &PartitionProgress, until: Option<i64>) -> rusqlite::Result<Retained> {
    let Some(until) = until.filter(|until| *until > progress.next) else { return Ok(Retained::default()) };
    let mut query = connection.prepare_cached(
        "SELECT min(\"offset\"), count(*), coalesce(sum(octet_length(body)), 0) FROM (
             SELECT \"offset\", body FROM messages
             WHERE topic = ?1 AND partition = ?2 AND \"offset\" >= ?3 AND \"offset\" < ?4 ORDER BY \"offset\" LIMIT ?5)",
    )?;
    let (first, sampled, bytes): (Option<i64>, i64, i64) = query
        .query_row(params![progress.topic, progress.partition, progress.next, until, SAMPLE], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let messages = first.map_or(0, |first| (until - first).unsigned_abs());
    let bytes = messages * bytes.unsigned_abs() / sampled.max(1).unsigned_abs();
    Ok(Retained { messages, bytes })
}

/// Removes a group's offsets of a topic. Returns the number of partitions that it had committed in.
pub(crate) fn remove(connection: &Connection, topic: &str, group: &str) -> rusqlite::Result<usize> {
    let of = "topic = (SELECT id FROM topics WHERE name = ?1) AND consumer_group = ?2";
    connection.execute(&format!("DELETE FROM readers WHERE {of}"), [topic, group])?;
    connection.execute(&format!("DELETE FROM committed_offsets WHERE {of}"), [topic, group])
}

/// The time of the last reminder of each idle group.
#[derive(Default)]
pub(super) struct Reminders(BTreeMap<(String, String), Instant>);

/// Removes the groups that have been idle for too long, and names those that retain messages (rules 2 and 3). Does
/// neither while the wall clock does not keep pace.
pub(super) fn expire(
    connection: &mut Connection,
    reading: &Reading,
    reminders: &mut Reminders,
) -> rusqlite::Result<usize> {
    let groups = list(connection, reading.nearest().timestamp_millis())?;
    let ages = ages(connection, reading)?;
    let age = |group: &Group| ages.get(&(group.topic.clone(), group.group.clone())).copied().unwrap_or_default();
    let candidates: Vec<&Group> = groups.iter().filter(|group| age(group) >= REMIND_AFTER && !group.is_read).collect();
    // A group that commits again, or is removed, is named anew.
    reminders.0.retain(|(topic, name), _| candidates.iter().any(|it| (&it.topic, &it.group) == (topic, name)));
    let mut expired = 0;
    for group in candidates {
        let mut others = groups.iter().filter(|it| it.topic == group.topic && it.group != group.group);
        let is_last = !others.any(|other| age(other) < age(group));
        let reminded = reminders.0.entry((group.topic.clone(), group.group.clone()));
        if age(group) >= GROUP_AGE_MAX && !is_last {
            expired += usize::from(remove_if_idle(connection, group)?);
        } else if group.keeps.messages > 0 {
            let is_new = matches!(reminded, Entry::Vacant(_));
            let said = reminded.or_insert_with(Instant::now);
            if is_new || said.elapsed() >= REMIND_EVERY {
                *said = Instant::now();
                tracing::warn!("{}", describe(group, age(group), is_last));
            }
        }
    }
    Ok(expired)
}

/// Returns the elapsed time for which the commits of each topic and group have not changed. Empty while the wall clock
/// does not keep pace.
fn ages(connection: &mut Connection, reading: &Reading) -> rusqlite::Result<BTreeMap<(String, String), Duration>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let elapsed = elapsed::advance(&transaction, reading, STEADY.as_millis() as i64)?;
    let mut query = transaction.prepare(
        "SELECT t.name, c.consumer_group, max(c.committed_at_ms) || '/' || sum(c.next_offset)
         FROM committed_offsets c JOIN topics t ON t.id = c.topic GROUP BY 1, 2",
    )?;
    let rows = query.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    let commits: Vec<((String, String), String)> = rows.collect::<Result<_, _>>()?;
    drop(query);
    let mut ages = BTreeMap::new();
    let mut names = Vec::new();
    for ((topic, group), value) in commits {
        let name = format!("{NAME_PREFIX}{}/{topic}/{group}", topic.len());
        if let Some(age_ms) = elapsed::unchanged_for(&transaction, &name, &value, elapsed)? {
            ages.insert((topic, group), Duration::from_millis(age_ms.max(0).unsigned_abs()));
        }
        names.push(name);
    }
    elapsed::forget_all_but(&transaction, NAME_PREFIX, &names)?;
    transaction.commit()?;
    Ok(ages)
}

/// Removes a group unless it has committed meanwhile.
fn remove_if_idle(connection: &mut Connection, group: &Group) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last: Option<i64> = transaction.query_row(
        "SELECT max(committed_at_ms) FROM committed_offsets
         WHERE topic = (SELECT id FROM topics WHERE name = ?1) AND consumer_group = ?2",
        [&group.topic, &group.group],
        |row| row.get(0),
    )?;
    if last != Some(group.committed_at.timestamp_millis()) {
        return Ok(false);
    }
    remove(&transaction, &group.topic, &group.group)?;
    transaction.commit()?;
    tracing::warn!(
        "group {} of topic {} has expired: it has committed nothing since {}. Its {} messages to go are kept no longer for \
         it; when it comes back it reads from the earliest message that is there",
        group.group,
        group.topic,
        group.committed_at,
        group.to_go
    );
    Ok(true)
}

/// Returns a time in its largest whole unit.
fn in_largest_unit(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / (24 * 3600)),
    }
}

/// Says what an idle group retains, and until when.
fn describe(group: &Group, idle: Duration, is_last: bool) -> String {
    const DAY_S: u64 = 24 * 3600;
    let Group { group: name, keeps: Retained { messages, bytes }, .. } = group;
    let left = GROUP_AGE_MAX.saturating_sub(idle).as_secs() / DAY_S;
    let expires = match is_last {
        true => "it is the last of its topic to have committed, so it does not expire".to_owned(),
        false => format!("it expires in {left} days"),
    };
    format!(
        "group {name} has committed nothing for {} and keeps {messages} messages (about {} KiB) that all others have \
         read; {expires}. `delaycast groups remove {name}` removes it",
        in_largest_unit(idle),
        bytes.div_ceil(1024),
    )
}

/// Returns the number and the bytes of all messages of a topic, the bytes estimated from a sample.
pub(super) fn retained(connection: &Connection, topic: &str) -> rusqlite::Result<Retained> {
    let mut query = connection.prepare_cached(
        "SELECT p.next_offset, min(m.\"offset\") FROM topics t JOIN partitions p ON p.topic = t.id
         LEFT JOIN messages m ON m.topic = t.id AND m.partition = p.partition
         WHERE t.name = ?1 GROUP BY p.partition",
    )?;
    let count = |row: &rusqlite::Row<'_>| {
        let (end, first): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(first.map_or(0, |first| (end - first).unsigned_abs()))
    };
    let counts: Vec<u64> = query.query_map([topic], count)?.collect::<Result<_, _>>()?;
    let mean: f64 = connection.query_row(
        "SELECT coalesce(avg(octet_length(body)), 0) FROM (SELECT body FROM messages
         WHERE topic = (SELECT id FROM topics WHERE name = ?1) LIMIT ?2)",
        params![topic, SAMPLE],
        |row| row.get(0),
    )?;
    let messages: u64 = counts.iter().sum();
    Ok(Retained { messages, bytes: (messages as f64 * mean) as u64 })
}
