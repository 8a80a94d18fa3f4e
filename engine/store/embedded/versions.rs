//! Versions of followed answers, and the requests that are followed.

use rusqlite::{Connection, params};

use crate::{
    document::to_text,
    domain::Domain,
    follow::{Begin, Followed, FollowedVersion, Stage, Version},
    log::{Offset, PartitionId, Position},
    sqlite::Row,
};

/// The query of the versions above a number.
const FIND: &str = "SELECT document FROM versions WHERE id = ?1 AND number > ?2 ORDER BY number";

/// A version in the form that its table takes.
pub(super) struct VersionRow {
    id: String,
    number: u32,
    document: String,
    change: Change,
}

/// The change of the record of the followed request.
enum Change {
    Add { begin: Begin, began_at_ms: i64 },
    None,
    Remove,
}

impl VersionRow {
    pub(super) fn new<D: Domain>(version: &Version<D>) -> Self {
        VersionRow {
            id: version.answer.id().as_str().to_owned(),
            number: version.number,
            // A document is a map of values that all have a JSON form.
            document: to_text(&version.to_document()),
            change: match &version.stage {
                Stage::Begins(begin) => {
                    Change::Add { begin: begin.clone(), began_at_ms: version.answer.scored_at.timestamp_millis() }
                }
                Stage::GoesOn | Stage::Refused(_) => Change::None,
                Stage::Last => Change::Remove,
            },
        }
    }
}

impl Row for VersionRow {
    fn bytes(&self) -> usize {
        let message = if let Change::Add { begin, .. } = &self.change { begin.message.len() } else { 0 };
        self.id.len() + self.document.len() + message + size_of::<Self>()
    }

    /// The first version of a number wins. All changes are made in one transaction.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO versions (id, number, document) VALUES (?1, ?2, ?3) ON CONFLICT (id, number) DO NOTHING",
            )?
            .execute(params![self.id, self.number, self.document])?;
        match &self.change {
            Change::None => Ok(()),
            Change::Add { begin: Begin { message, position: Position { partition, offset }, until }, began_at_ms } => {
                connection
                    .prepare_cached(
                        "INSERT INTO followed (id, message, partition, \"offset\", until_ms, began_at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
                    )?
                    .execute(params![self.id, message, partition.0, offset.0.cast_signed(), until, began_at_ms])
                    .map(drop)
            }
            Change::Remove => {
                connection.prepare_cached("DELETE FROM followed WHERE id = ?1")?.execute([&self.id]).map(drop)
            }
        }
    }
}

/// Returns the versions of an answer whose numbers are above `after`.
pub(super) fn find(connection: &Connection, id: &str, after: u32) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached(FIND)?.query_map(params![id, after], |row| row.get(0))?.collect()
}

/// Returns the requests that are followed. A record without a version is left out: all were dropped for their age.
pub(super) fn followed(connection: &Connection) -> rusqlite::Result<Vec<Followed>> {
    let mut query = connection.prepare(
        "SELECT f.message, f.partition, f.\"offset\", f.until_ms, f.began_at_ms, v.document
         FROM followed f JOIN versions v
           ON v.id = f.id AND v.number = (SELECT max(number) FROM versions WHERE id = f.id)",
    )?;
    let rows = query.query_map([], |row| {
        let (partition, offset) = (PartitionId(row.get(1)?), Offset(row.get::<_, i64>(2)?.cast_unsigned()));
        let begin = Begin { message: row.get(0)?, position: Position { partition, offset }, until: row.get(3)? };
        Ok((begin, row.get(4)?, row.get::<_, String>(5)?))
    })?;
    rows.filter_map(|row| match row {
        Err(error) => Some(Err(error)),
        Ok((begin, began_at, document)) => {
            let last = FollowedVersion::of(&serde_json::from_str(&document).unwrap_or_default());
            last.followed(begin, began_at).map(Ok)
        }
    })
    .collect()
}
