//! Writes rows to a table and names those that it refuses.

use std::sync::Arc;

use rusqlite::Connection;

use super::{Database, refuses_row};
use crate::delivery::{Refusal, Unavailable, Writer};

/// Rows are written in parts of about this many bytes (or one row, if it is larger).
const PART_BYTES_MAX: usize = 8 << 20;

/// A row in the form that its table takes.
pub(crate) trait Row: Send + 'static {
    /// About how much memory it takes.
    fn bytes(&self) -> usize;

    /// Inserts it; does nothing if it is there already.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()>;
}

/// A [`Writer`] that turns each `T` into a row.
pub(crate) struct RowWriter<F> {
    database: Arc<Database>,
    row_of: F,
}

impl<F> RowWriter<F> {
    /// Writes to this database the rows that `row_of` makes.
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
        self.database.change(bytes, move |connection| {
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
