//! Write operations: rows of a table, of which it names those that are refused, and the registration of readers.

use std::{sync::Arc, time::Instant};

use rusqlite::Connection;

use super::{
    database::Database,
    error::refuses_row,
    queue::{DEADLINE, WriteOp},
    readers,
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    log::Share,
};

/// Upper bound on the bytes of a part, each written by one operation; one row may be larger.
const PART_BYTES_MAX: usize = 8 << 20;

/// A row in the form that its table takes.
pub(crate) trait Row: Send + 'static {
    /// Returns about how much memory it takes.
    fn bytes(&self) -> usize;

    /// Inserts it; does nothing if it exists.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()>;
}

/// A [`Writer`] that turns each `T` into a row.
pub(crate) struct RowWriter<F> {
    database: Arc<Database>,
    row_of: F,
}

impl<F> RowWriter<F> {
    /// Returns a writer to this database, of the rows that `row_of` returns.
    pub(crate) fn new(database: &Arc<Database>, row_of: F) -> Self {
        RowWriter { database: Arc::clone(database), row_of }
    }
}

impl<T, R: Row, F: Fn(&T) -> R + Send> Writer<T> for RowWriter<F> {
    fn write(&mut self, rows: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        let (mut refusals, mut part, mut bytes, mut first) = (Vec::new(), Vec::new(), 0, 0);
        for (index, row) in rows.iter().map(&self.row_of).enumerate() {
            bytes += row.bytes();
            part.push(row);
            if bytes >= PART_BYTES_MAX || index + 1 == rows.len() {
                let refused = self.insert(std::mem::take(&mut part), std::mem::take(&mut bytes))?;
                refusals.extend(refused.into_iter().map(|(row, reason)| Refusal { row: first + row, reason }));
                first = index + 1;
            }
        }
        Ok(refusals)
    }
}

impl<F> RowWriter<F> {
    fn insert<R: Row>(&self, part: Vec<R>, bytes: usize) -> Result<Vec<(usize, String)>, Unavailable> {
        self.database.write(bytes, move |connection| {
            let mut refused = Vec::new();
            for (index, row) in part.iter().enumerate() {
                match row.insert(connection) {
                    Err(error) if refuses_row(&error) => refused.push((index, error.to_string())),
                    done => done?,
                }
            }
            Ok(refused)
        })
    }
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
            true => readers::insert(connection, self.topic, &self.group, self.share),
            false => readers::remove(connection, self.topic, &self.group, self.share),
        }
    }

    fn done(self: Box<Self>, outcome: Result<(), Unavailable>) {
        if let Err(error) = outcome {
            tracing::debug!("a reader is not told of: {error}");
        }
    }
}
