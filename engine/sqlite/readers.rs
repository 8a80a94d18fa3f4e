//! The readers that are open, each with its process: they tell the doctor that a scorer runs.
//!
//! A row is written when a reader starts and removed when it is dropped. A process that was killed leaves its rows;
//! they name it by process id and start time, which no later process has, so they are told from living ones at once,
//! and are removed by the next reader of their group. No heartbeat is written.

use std::{
    fs,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, params};
use rustix::process::{Pid, test_kill_process};

use super::{Change, DEADLINE, Database, schema};
use crate::{delivery::Unavailable, log::Share};

/// A process, for as long as the machine runs and wherever its numbers are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its number.
    pid: i32,
    /// When it started, in ticks since the machine did; 0 where that is not known.
    started: i64,
    /// The boot of the machine and the name space that the number is of; empty where that is not known.
    place: String,
}

/// The state of a process, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs.
    Runs,
    /// It does not run any more.
    Ended,
    /// Its number is one of another container, where it cannot be looked for.
    Elsewhere,
}

impl Process {
    /// This one.
    pub(super) fn own() -> &'static Process {
        static OWN: OnceLock<Process> = OnceLock::new();
        OWN.get_or_init(|| {
            let pid = std::process::id().cast_signed();
            Process { pid, started: started(pid).unwrap_or(0), place: place() }
        })
    }

    /// Looks whether it runs.
    pub(super) fn life(&self) -> Life {
        let own = Process::own();
        if self == own {
            return Life::Runs;
        }
        let (boot, space) = self.place.split_once(' ').unwrap_or_default();
        let (own_boot, own_space) = own.place.split_once(' ').unwrap_or_default();
        if boot != own_boot {
            // Another boot of this machine; a file on the disk of two machines at once is refused elsewhere.
            return Life::Ended;
        }
        if space != own_space {
            return Life::Elsewhere;
        }
        let runs = match started(self.pid) {
            Some(started) => started == self.started,
            // Without /proc the number alone has to do.
            None => own.started == 0 && Pid::from_raw(self.pid).is_some_and(|pid| test_kill_process(pid).is_ok()),
        };
        if runs { Life::Runs } else { Life::Ended }
    }

    /// Says that a process read for a group whose number this process has by now.
    #[cfg(test)]
    pub(super) fn insert_ended(connection: &Connection, topic: i64, group: &str) -> rusqlite::Result<()> {
        let Process { pid, started, place } = Process::own();
        let row = params![topic, group, pid, started - 1, place];
        connection.execute("INSERT INTO readers VALUES (?1, ?2, 0, ?3, ?4, ?5)", row).map(drop)
    }

    /// Reads the columns `pid`, `started` and `place`, from `column` on.
    pub(super) fn of_row(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Self> {
        Ok(Process { pid: row.get(column)?, started: row.get(column + 1)?, place: row.get(column + 2)? })
    }
}

/// When a process started, from its line in `/proc`; a zombie counts as ended.
fn started(pid: i32) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything. The first field after it is number 3, the state.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(22 - 4)?.parse().ok()?;
    (state != "Z").then_some(started)
}

fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    match boot.trim() {
        "" => String::new(),
        boot => format!("{boot} {}", space.display()),
    }
}

/// A reader that is open. Dropping it removes its row.
pub(crate) struct Registration {
    database: Arc<Database>,
    topic: i64,
    group: Arc<str>,
    share: i64,
}

impl Registration {
    /// Says that this process reads a share of a topic for a group.
    pub(crate) fn start(database: &Arc<Database>, topic: i64, group: &Arc<str>, share: Share) -> Self {
        let (index, group) = (share.index as i64, Arc::clone(group));
        let registration = Registration { database: Arc::clone(database), topic, group, share: index };
        registration.submit(true);
        registration
    }

    /// Handed over and not waited for: reading goes on without it.
    fn submit(&self, is_open: bool) {
        let (topic, group, share) = (self.topic, Arc::clone(&self.group), self.share);
        self.database.submit(Box::new(Registering {
            topic,
            group,
            share,
            is_open,
            deadline: Instant::now() + DEADLINE,
        }));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.submit(false);
    }
}

struct Registering {
    topic: i64,
    group: Arc<str>,
    share: i64,
    is_open: bool,
    deadline: Instant,
}

impl Change for Registering {
    fn bytes(&self) -> usize {
        self.group.len() + 64
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Process { pid, started, place } = Process::own();
        let row = params![self.topic, self.group, self.share, pid, started, place];
        if !self.is_open {
            return connection
                .prepare_cached(
                    "DELETE FROM readers WHERE topic = ?1 AND consumer_group = ?2 AND share = ?3 AND pid = ?4
                     AND started = ?5 AND place = ?6",
                )?
                .execute(row)
                .map(drop);
        }
        forget_ended(connection, self.topic, &self.group)?;
        connection
            .prepare_cached(
                "INSERT INTO readers (topic, consumer_group, share, pid, started, place) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(row)
            .map(drop)
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        if let Err(error) = outcome {
            tracing::debug!("a reader is not told of: {error}");
        }
    }
}

/// Removes the rows of processes that do not run any more.
fn forget_ended(connection: &Connection, topic: i64, group: &str) -> rusqlite::Result<()> {
    let mut query = connection
        .prepare_cached("SELECT DISTINCT pid, started, place FROM readers WHERE topic = ?1 AND consumer_group = ?2")?;
    let processes = query.query_map(params![topic, group], |row| Process::of_row(row, 0))?;
    let processes: Vec<Process> = processes.collect::<Result<_, _>>()?;
    for process in processes.iter().filter(|process| process.life() == Life::Ended) {
        connection
            .prepare_cached(
                "DELETE FROM readers WHERE topic = ?1 AND consumer_group = ?2 AND pid = ?3 AND started = ?4 AND place = ?5",
            )?
            .execute(params![topic, group, process.pid, process.started, process.place])?;
    }
    Ok(())
}

/// Returns whether a process reads a topic for a group. For a process of another container `last_commit_age` decides:
/// a reader renews its commits every hour.
pub(super) fn is_read(
    connection: &Connection,
    topic: i64,
    group: &str,
    last_commit_age: Option<Duration>,
) -> rusqlite::Result<bool> {
    const RENEWED_WITHIN: Duration = Duration::from_secs(2 * 3600);
    let mut query = connection
        .prepare_cached("SELECT DISTINCT pid, started, place FROM readers WHERE topic = ?1 AND consumer_group = ?2")?;
    let mut rows = query.query(params![topic, group])?;
    while let Some(row) = rows.next()? {
        let is_read = match Process::of_row(row, 0)?.life() {
            Life::Runs => true,
            Life::Ended => false,
            Life::Elsewhere => last_commit_age.is_some_and(|age| age < RENEWED_WITHIN),
        };
        if is_read {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for a topic by its name, in a file that may be of an earlier version.
pub(super) fn is_read_by_name(connection: &Connection, topic: &str, group: &str) -> rusqlite::Result<bool> {
    if !schema::has_readers(connection)? {
        return Ok(false);
    }
    let topic: Option<i64> =
        connection.query_row("SELECT id FROM topics WHERE name = ?1", [topic], |row| row.get(0)).optional()?;
    topic.map_or(Ok(false), |topic| is_read(connection, topic, group, None))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_told_from_one_that_ended_and_from_a_later_one_with_its_number() {
        let own = Process::own().clone();
        assert_eq!(own.life(), Life::Runs);
        assert_eq!(Process { place: format!("{}x", own.place), ..own.clone() }.life(), Life::Elsewhere);
        assert_eq!(Process { place: format!("x{}", own.place), ..own.clone() }.life(), Life::Ended);
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id().cast_signed();
        let other = Process { pid, started: started(pid).unwrap(), place: own.place };
        assert_eq!(other.life(), Life::Runs);
        assert_eq!(Process { started: other.started - 1, ..other.clone() }.life(), Life::Ended);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.life(), Life::Ended);
    }
}
