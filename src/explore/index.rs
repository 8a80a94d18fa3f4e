//! An open index: a pool of connections that only read, and queries with a deadline.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use engine::runtime::{Mutex, Stop};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    build,
    error::ExploreError,
    figures::{Figures, OF_SUMS},
    schema::{APPLICATION_ID, FORMAT, READ_SETTINGS},
    source::Source,
};

/// Deadline of a query. Those of the pages take milliseconds.
const QUERY_DEADLINE: Duration = Duration::from_secs(3);
/// Instructions of SQLite's virtual machine between two looks at the clock.
const INSTRUCTIONS_PER_CHECK: i32 = 10_000;
/// Upper bound on connections that wait for the next query. Each takes a descriptor and its cache.
const IDLE_MAX: usize = 4;

/// Facts of the whole history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryFacts {
    /// The name of the history.
    pub name: String,
    /// The sums of all flights.
    pub figures: Figures,
    /// The first day with a flight.
    pub first_day: NaiveDate,
    /// The last day with a flight.
    pub last_day: NaiveDate,
}

/// An open index. Threads may share it.
#[derive(Debug)]
pub struct Index {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    deadline: Duration,
    facts: HistoryFacts,
}

impl Index {
    /// Opens the index of a history, and builds it first if there is none or one of another history. `report` is told
    /// the percentage of a build that is done.
    pub fn open_or_build(source: &Source, file: &Path, stop: &Stop, report: &dyn Fn(u8)) -> Result<Self, ExploreError> {
        let fingerprint = source.fingerprint()?;
        if stamp_of(file)?.as_deref() != Some(&fingerprint) {
            let started = Instant::now();
            tracing::info!("building the index {} of the {}", file.display(), source.name());
            build::build(source, &fingerprint, file, stop, report)?;
            tracing::info!("built the index {} in {:.1} s", file.display(), started.elapsed().as_secs_f64());
        }
        Self::open(file)
    }

    /// Opens an index.
    pub fn open(file: &Path) -> Result<Self, ExploreError> {
        let connection = connect(file).map_err(ExploreError::database(file))?;
        let facts = facts_of(&connection).map_err(ExploreError::database(file))?;
        Ok(Index { file: file.to_owned(), idle: Mutex::new(vec![connection]), deadline: QUERY_DEADLINE, facts })
    }

    /// Replaces the deadline of queries.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Index { deadline, ..self }
    }

    /// Facts of the whole history.
    pub fn facts(&self) -> &HistoryFacts {
        &self.facts
    }

    /// Runs queries within one deadline.
    pub(super) fn query<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ExploreError> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.file).map_err(ExploreError::database(&self.file))?,
        };
        let end = Instant::now() + self.deadline;
        let is_over = move || Instant::now() >= end;
        connection
            .progress_handler(INSTRUCTIONS_PER_CHECK, Some(is_over))
            .map_err(ExploreError::database(&self.file))?;
        let result = run(&connection);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        drop(idle);
        result.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => ExploreError::TimedOut,
            _ => ExploreError::database(&self.file)(error),
        })
    }
}

/// Opens a connection that only reads.
fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(READ_SETTINGS)?;
    Ok(connection)
}

/// Returns the fingerprint of an index; `None` if there is none, or one of another format. A file that is something
/// else is an error.
fn stamp_of(file: &Path) -> Result<Option<String>, ExploreError> {
    match file.metadata() {
        Err(_) => return Ok(None),
        Ok(metadata) if metadata.len() == 0 => return Ok(None),
        Ok(_) => {}
    }
    let read = |connection: &Connection| -> rusqlite::Result<(i32, i32)> {
        let pragma = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        Ok((pragma("application_id")?, pragma("user_version")?))
    };
    let marks = connect(file).and_then(|connection| Ok((read(&connection)?, connection)));
    match marks {
        Ok(((APPLICATION_ID, FORMAT), connection)) => {
            // An index without a stamp is damaged, and built anew.
            Ok(connection.query_row("SELECT fingerprint FROM stamp", [], |row| row.get(0)).ok())
        }
        Ok(((APPLICATION_ID, _), _)) => Ok(None),
        Ok(_) => Err(ExploreError::NotAnIndex(file.to_owned())),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(ExploreError::NotAnIndex(file.to_owned()))
        }
        Err(error) => Err(ExploreError::database(file)(error)),
    }
}

fn facts_of(connection: &Connection) -> rusqlite::Result<HistoryFacts> {
    let figures = connection.query_row(&format!("SELECT {OF_SUMS} FROM service"), [], |row| Figures::read(row, 0))?;
    connection.query_row(
        "SELECT history, (SELECT min(day) FROM day), (SELECT max(day) FROM day) FROM stamp",
        [],
        |row| Ok(HistoryFacts { name: row.get(0)?, figures, first_day: day(row.get(1)?), last_day: day(row.get(2)?) }),
    )
}

/// The date of a number of days since 1970, which a build has written.
pub(super) fn day(days: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(days).unwrap_or_default()
}
