//! Follows the answers of an embedded database by their row numbers.
//!
//! Answers are numbered in the order of their commits, are never deleted, and one writer commits at a time: so what
//! stands above the last number seen is new, and nothing appears below it. Stamps matter at the start alone, to find
//! where the window begins.

use std::{
    borrow::Cow,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;

use crate::{
    answer::ModelVersion,
    classes::DelayClass,
    delivery::Unavailable,
    sqlite::{Database, unavailable},
    store::{Landed, Page, Tail},
};

/// Answers may land by so much later than they were scored, and are still found by a tail that starts afterwards.
const LANDS_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// A page ends early after this time.
const PAGE: Duration = Duration::from_secs(3);

const ROWS: &str = "SELECT seq, document FROM answers WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// Reads with a connection of its own, and holds no statement open between pages.
pub(super) struct EmbeddedTail {
    connection: Connection,
    path: PathBuf,
    since: DateTime<Utc>,
    /// The number of the last row seen.
    after: i64,
    /// The end has been in sight: what comes now has just landed, whatever its stamp says.
    is_at_end: bool,
    database: Arc<Database>,
}

impl EmbeddedTail {
    pub(super) fn start(database: &Arc<Database>, since: DateTime<Utc>) -> Result<Self, Unavailable> {
        let (connection, path) = (database.connect()?, database.path().to_owned());
        let after = before(&connection, since - LANDS_WITHIN).map_err(|error| unavailable(&error, &path))?;
        Ok(EmbeddedTail { connection, path, since, after, is_at_end: false, database: Arc::clone(database) })
    }

    /// A page, and the number of its last row. What cannot be read to its end is read again.
    fn page(&self, rows_max: usize) -> rusqlite::Result<(Page, i64)> {
        let (started, mut after) = (Instant::now(), self.after);
        let mut statement = self.connection.prepare_cached(ROWS)?;
        let mut found = statement.query(params![after, rows_max as i64])?;
        let (mut rows, mut seen) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            after = row.get(0)?;
            seen += 1;
            // An answer is written by this program; one that another hand has changed is nothing to count.
            let landed = row.get_ref(1)?.as_str().ok().and_then(landed);
            rows.extend(landed.filter(|landed| self.is_at_end || landed.scored_at >= self.since));
            if started.elapsed() >= PAGE {
                return Ok((Page { rows, more: true }, after));
            }
        }
        Ok((Page { rows, more: seen == rows_max }, after))
    }
}

impl Tail for EmbeddedTail {
    fn next(&mut self, rows_max: usize) -> Result<Page, Unavailable> {
        self.database.intact()?;
        let (page, after) = self.page(rows_max).map_err(|error| unavailable(&error, &self.path))?;
        self.after = after;
        self.is_at_end |= !page.more;
        Ok(page)
    }
}

/// A row number below which all answers were scored before a moment: by bisection, as answers land roughly in the order
/// in which they are scored.
fn before(connection: &Connection, moment: DateTime<Utc>) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection.query_row("SELECT max(seq) FROM answers", [], |row| row.get(0))?;
    let mut at = connection.prepare("SELECT document FROM answers WHERE seq = ?1")?;
    let (mut low, mut high) = (0, last.unwrap_or(0));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let document: Option<String> = at.query_row([middle], |row| row.get(0)).optional()?;
        let scored_at = document.and_then(|document| landed(&document)).map(|landed| landed.scored_at);
        if scored_at.is_some_and(|scored_at| scored_at < moment) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

/// The fields of a stored answer that are counted; the others are skipped unread.
#[derive(Deserialize)]
struct Counted<'a> {
    #[serde(borrow, rename = "_id")]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "Origin")]
    origin: Cow<'a, str>,
    #[serde(borrow, rename = "Carrier")]
    carrier: Cow<'a, str>,
    #[serde(rename = "Prediction")]
    prediction: f64,
    #[serde(borrow, rename = "ModelVersion")]
    model: Cow<'a, str>,
    #[serde(borrow, rename = "ScoredAt")]
    scored_at: Date<'a>,
}

#[derive(Deserialize)]
struct Date<'a> {
    #[serde(borrow, rename = "$date")]
    date: Cow<'a, str>,
}

fn landed(document: &str) -> Option<Landed> {
    let Counted { id, origin, carrier, prediction, model, scored_at } = serde_json::from_str(document).ok()?;
    Some(Landed {
        id: id.into_owned(),
        scored_at: DateTime::parse_from_rfc3339(&scored_at.date).ok()?.to_utc(),
        class: DelayClass::of_wire_value(prediction)?,
        carrier: carrier.parse().ok()?,
        origin: origin.parse().ok()?,
        model: ModelVersion::new(&model),
    })
}
