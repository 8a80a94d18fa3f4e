//! The tasks of batches and their results, by stamp.

use std::sync::Arc;

use chrono::NaiveDate;
use rusqlite::{Connection, params};
use serde_json::{Map, Value as Json};

use crate::{
    batch::{BatchAnswer, Place, Task, first_stamp, stamps_of},
    delivery::{Refusal, Unavailable, Writer},
    document,
    domain::Domain,
    runtime::Mutex,
    sqlite::{Database, Row, RowWriter, unavailable},
    store::{Batches, DayCounts, ResultPage},
};

const TASKS: &str = "SELECT stamp, id, message FROM tasks WHERE stamp >= ?1 AND stamp < ?2
    ORDER BY stamp, seq LIMIT ?3 OFFSET ?4";
const RESULTS: &str = "SELECT stamp, id, document FROM results WHERE stamp >= ?1 AND stamp < ?2
    ORDER BY stamp, seq LIMIT ?3 OFFSET ?4";
const COUNTS: &str = "SELECT (SELECT count(*) FROM tasks WHERE stamp >= ?1 AND stamp < ?2),
    (SELECT count(*) FROM results WHERE stamp >= ?1 AND stamp < ?2)";

/// A task in the form that its table takes.
struct TaskRow {
    id: String,
    stamp: String,
    message: String,
}

impl TaskRow {
    fn new(task: &Task) -> Self {
        // A map of JSON always has a text.
        let message = serde_json::to_string(&task.message).unwrap_or_default();
        TaskRow { id: task.id.clone(), stamp: task.stamp.clone(), message }
    }
}

impl Row for TaskRow {
    fn bytes(&self) -> usize {
        self.id.len() + self.stamp.len() + self.message.len() + size_of::<Self>()
    }

    /// The first task of an id stands.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO tasks (id, stamp, message) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING")?
            .execute(params![self.id, self.stamp, self.message])
            .map(drop)
    }
}

/// A result in the form that its table takes.
pub(super) struct ResultRow {
    id: String,
    stamp: String,
    document: String,
}

impl ResultRow {
    pub(super) fn new<D: Domain>(result: &BatchAnswer<D>) -> Self {
        // A document is a map of values that all have a JSON form.
        let document = document::to_text(&result.to_document());
        ResultRow { id: result.answer.id().as_str().to_owned(), stamp: result.stamp.clone(), document }
    }
}

impl Row for ResultRow {
    fn bytes(&self) -> usize {
        self.id.len() + self.stamp.len() + self.document.len() + size_of::<Self>()
    }

    /// The first result of an id stands.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO results (id, stamp, document) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![self.id, self.stamp, self.document])
            .map(drop)
    }
}

/// Reads with a connection of its own. It holds the database, which is closed after the last connection.
pub(super) struct EmbeddedBatches {
    connection: Mutex<Connection>,
    database: Arc<Database>,
}

/// A row as it is stored.
struct Stored {
    stamp: String,
    id: String,
    json: String,
}

impl Stored {
    fn parse(&self) -> Result<Map<String, Json>, Unavailable> {
        let broken = |error| Unavailable::needs_operator(format!("the stored row {} is not JSON: {error}", self.id));
        serde_json::from_str(&self.json).map_err(broken)
    }
}

impl EmbeddedBatches {
    pub(super) fn new(database: &Arc<Database>) -> Result<Self, Unavailable> {
        Ok(EmbeddedBatches { connection: Mutex::new(database.connect()?), database: Arc::clone(database) })
    }

    /// Asks on the connection.
    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Unavailable> {
        self.database.intact()?;
        ask(&self.connection.lock()).map_err(|error| unavailable(&error, self.database.path()))
    }

    fn page(&self, sql: &str, day: NaiveDate, from: &Place, rows_max: usize) -> Result<Vec<Stored>, Unavailable> {
        self.ask(|connection| {
            let mut query = connection.prepare_cached(sql)?;
            let next_day = stamps_of(day).1;
            let rows = query
                .query_map(params![first_stamp(day, from), next_day, rows_max as i64, from.seen], |row| {
                    Ok(Stored { stamp: row.get(0)?, id: row.get(1)?, json: row.get(2)? })
                })?;
            rows.collect()
        })
    }
}

impl Batches for EmbeddedBatches {
    fn add(&self, tasks: &[Task]) -> Result<Vec<Refusal>, Unavailable> {
        RowWriter::new(&self.database, TaskRow::new).write(tasks)
    }

    fn tasks(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<Vec<Task>, Unavailable> {
        let task = |row: Stored| Ok(Task { message: row.parse()?, id: row.id, stamp: row.stamp });
        self.page(TASKS, day, from, rows_max)?.into_iter().map(task).collect()
    }

    fn results(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<ResultPage, Unavailable> {
        let rows = self.page(RESULTS, day, from, rows_max)?;
        let next = from.after(rows.iter().map(|row| row.stamp.as_str()));
        Ok(ResultPage { rows: rows.iter().map(Stored::parse).collect::<Result<_, _>>()?, next })
    }

    fn counts(&self, day: NaiveDate) -> Result<DayCounts, Unavailable> {
        let (first, next) = stamps_of(day);
        self.ask(|connection| {
            connection.prepare_cached(COUNTS)?.query_row([first, next], |row| {
                let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                Ok(DayCounts { tasks: count(0)?, results: count(1)? })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_8_the_rows_of_a_day_are_found_without_a_scan() {
        let dir = tempfile::tempdir().unwrap();
        let connection = Database::open(&dir.path().join("test.db")).unwrap().connect().unwrap();
        for sql in [TASKS, RESULTS] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = plan.query_map(params!["a", "b", 1, 0], |row| row.get(3)).unwrap();
            let steps = steps.collect::<Result<Vec<String>, _>>().unwrap();
            assert!(matches!(&steps[..], [step] if step.starts_with("SEARCH")), "{steps:?}");
        }
    }
}
