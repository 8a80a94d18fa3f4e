//! The table of open readers, each with its process: it shows the doctor that a scorer runs.
//!
//! A row is inserted when a reader starts and removed when it is dropped. A process that was killed leaves its rows.
//! They name it by process id and start time, which no later process has, so they do not count any more, and the next
//! reader of their group removes them. No heartbeat is written.

use std::{
    fs,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, params};
use rustix::process::{Pid, test_kill_process};

use super::{
    database::Database,
    queue::{DEADLINE, WriteOp},
    schema,
};
use crate::{delivery::Unavailable, log::Share};

/// The identity of a process, across PID namespaces and restarts of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its process id.
    pid: i32,
    /// Its start time, in clock ticks since the machine started; 0 where that is not known.
    started: i64,
    /// The boot id of the machine and the PID namespace; empty where that is not known.
    place: String,
}

/// The state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessState {
    /// It runs.
    Running,
    /// It has ended.
    Ended,
    /// Its PID namespace is another container's, in which it cannot be looked up.
    Unknown,
}

impl Process {
    /// Returns this process.
    pub(super) fn own() -> &'static Process {
        static OWN: OnceLock<Process> = OnceLock::new();
        OWN.get_or_init(|| {
            let pid = std::process::id().cast_signed();
            Process { pid, started: started(pid).unwrap_or(0), place: place() }
        })
    }

    /// Returns whether it runs.
    pub(super) fn state(&self) -> ProcessState {
        let own = Process::own();
        if self == own {
            return ProcessState::Running;
        }
        let (boot, space) = self.place.split_once(' ').unwrap_or_default();
        let (own_boot, own_space) = own.place.split_once(' ').unwrap_or_default();
        if boot != own_boot {
            // An earlier boot of this machine: a file on a network file system is not opened.
            return ProcessState::Ended;
        }
        if space != own_space {
            return ProcessState::Unknown;
        }
        let runs = match started(self.pid) {
            Some(started) => started == self.started,
            // Without /proc, the process id alone counts.
            None => own.started == 0 && Pid::from_raw(self.pid).is_some_and(|pid| test_kill_process(pid).is_ok()),
        };
        if runs { ProcessState::Running } else { ProcessState::Ended }
    }

    /// Inserts a row of an ended process that had the process id of this one.
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

/// Returns the start time of a process, from its line in `/proc`; a zombie counts as ended.
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

/// Inserts the row of this process, and removes those of ended processes of the same group.
fn insert(connection: &Connection, topic: i64, group: &str, share: i64) -> rusqlite::Result<()> {
    remove_ended(connection, topic, group)?;
    let Process { pid, started, place } = Process::own();
    connection
        .prepare_cached(
            "INSERT INTO readers (topic, consumer_group, share, pid, started, place) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![topic, group, share, pid, started, place])
        .map(drop)
}

/// Removes the row of this process.
fn remove(connection: &Connection, topic: i64, group: &str, share: i64) -> rusqlite::Result<()> {
    let Process { pid, started, place } = Process::own();
    connection
        .prepare_cached(
            "DELETE FROM readers WHERE topic = ?1 AND consumer_group = ?2 AND share = ?3 AND pid = ?4
             AND started = ?5 AND place = ?6",
        )?
        .execute(params![topic, group, share, pid, started, place])
        .map(drop)
}

/// Removes the rows of processes that have ended.
fn remove_ended(connection: &Connection, topic: i64, group: &str) -> rusqlite::Result<()> {
    let mut query = connection
        .prepare_cached("SELECT DISTINCT pid, started, place FROM readers WHERE topic = ?1 AND consumer_group = ?2")?;
    let processes = query.query_map(params![topic, group], |row| Process::of_row(row, 0))?;
    let processes: Vec<Process> = processes.collect::<Result<_, _>>()?;
    for process in processes.iter().filter(|process| process.state() == ProcessState::Ended) {
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
        let is_read = match Process::of_row(row, 0)?.state() {
            ProcessState::Running => true,
            ProcessState::Ended => false,
            ProcessState::Unknown => last_commit_age.is_some_and(|age| age < RENEWED_WITHIN),
        };
        if is_read {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether a process reads a topic, by its name, for a group, in a file that may be of an earlier version.
pub(super) fn is_read_by_name(connection: &Connection, topic: &str, group: &str) -> rusqlite::Result<bool> {
    if !schema::has_readers(connection)? {
        return Ok(false);
    }
    let topic: Option<i64> =
        connection.query_row("SELECT id FROM topics WHERE name = ?1", [topic], |row| row.get(0)).optional()?;
    topic.map_or(Ok(false), |topic| is_read(connection, topic, group, None))
}

/// The registration of a reader: its row in the table of readers. Dropping it removes the row.
pub(crate) struct Registration {
    database: Arc<Database>,
    topic: i64,
    group: Arc<str>,
    share: i64,
}

impl Registration {
    /// Registers that this process reads a share of a topic for a group.
    pub(crate) fn start(database: &Arc<Database>, topic: i64, group: &Arc<str>, share: Share) -> Self {
        let (index, group) = (share.index as i64, Arc::clone(group));
        let registration = Registration { database: Arc::clone(database), topic, group, share: index };
        registration.submit(true);
        registration
    }

    /// Does not wait for the operation: reading does not depend on it.
    fn submit(&self, is_open: bool) {
        let (topic, group, share) = (self.topic, Arc::clone(&self.group), self.share);
        self.database.submit(Box::new(UpdateRegistration {
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

struct UpdateRegistration {
    topic: i64,
    group: Arc<str>,
    share: i64,
    is_open: bool,
    deadline: Instant,
}

impl WriteOp for UpdateRegistration {
    fn bytes(&self) -> usize {
        self.group.len() + 64
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        match self.is_open {
            true => insert(connection, self.topic, &self.group, self.share),
            false => remove(connection, self.topic, &self.group, self.share),
        }
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        if let Err(error) = outcome {
            tracing::debug!("a reader is not told of: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_ended_process_is_distinguished_from_a_later_one_with_its_process_id() {
        let own = Process::own().clone();
        assert_eq!(own.state(), ProcessState::Running);
        assert_eq!(Process { place: format!("{}x", own.place), ..own.clone() }.state(), ProcessState::Unknown);
        assert_eq!(Process { place: format!("x{}", own.place), ..own.clone() }.state(), ProcessState::Ended);
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id().cast_signed();
        let other = Process { pid, started: started(pid).unwrap(), place: own.place };
        assert_eq!(other.state(), ProcessState::Running);
        assert_eq!(Process { started: other.started - 1, ..other.clone() }.state(), ProcessState::Ended);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(other.state(), ProcessState::Ended);
    }
}
