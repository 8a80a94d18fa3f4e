//! Follows the answers of an embedded database by their row numbers.
//!
//! Answers are numbered in the order of their commits, are never deleted, and one writer commits at a time. So the rows
//! above the last number that was read are new, and none appears below it. Timestamps are used at the start alone, to
//! find the first row.

use std::{
    borrow::Cow,
    fmt,
    marker::PhantomData,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    answer::ModelVersion,
    delivery::Unavailable,
    domain::{DIMENSIONS_MAX, Dimension, Domain, Field},
    sqlite::{Database, unavailable},
    store::{Landed, Page, Tail},
};

/// Upper bound on the delay between scoring and landing within which a tail that starts later finds an answer.
const LANDS_WITHIN: TimeDelta = TimeDelta::minutes(15);
/// Time after which a page ends early.
const PAGE_TIMEOUT: Duration = Duration::from_secs(3);

const ROWS: &str = "SELECT seq, document FROM answers WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// Reads with a connection of its own, and holds no statement open between pages.
pub(super) struct EmbeddedTail<D> {
    connection: Connection,
    path: PathBuf,
    since: DateTime<Utc>,
    /// The number of the last row that was read.
    after: i64,
    /// True once the end was reached: later rows have just landed, whatever their timestamps.
    is_at_end: bool,
    database: Arc<Database>,
    domain: PhantomData<fn() -> D>,
}

impl<D: Domain> EmbeddedTail<D> {
    pub(super) fn start(database: &Arc<Database>, since: DateTime<Utc>) -> Result<Self, Unavailable> {
        let (connection, path) = (database.connect()?, database.path().to_owned());
        let after = before::<D>(&connection, since - LANDS_WITHIN).map_err(|error| unavailable(&error, &path))?;
        Ok(EmbeddedTail {
            connection,
            path,
            since,
            after,
            is_at_end: false,
            database: Arc::clone(database),
            domain: PhantomData,
        })
    }

    /// Returns a page, and the number of its last row. After an error the page is read again.
    fn page(&self, rows_max: usize) -> rusqlite::Result<(Page<D>, i64)> {
        let (started, mut after) = (Instant::now(), self.after);
        let mut statement = self.connection.prepare_cached(ROWS)?;
        let mut found = statement.query(params![after, rows_max as i64])?;
        let (mut rows, mut seen) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            after = row.get(0)?;
            seen += 1;
            // A document that cannot be read was changed by another program, and is not counted.
            let landed = row.get_ref(1)?.as_str().ok().and_then(landed::<D>);
            rows.extend(landed.filter(|landed| self.is_at_end || landed.scored_at >= self.since));
            if started.elapsed() >= PAGE_TIMEOUT {
                return Ok((Page { rows, more: true }, after));
            }
        }
        Ok((Page { rows, more: seen == rows_max }, after))
    }
}

impl<D: Domain> Tail<D> for EmbeddedTail<D> {
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable> {
        self.database.intact()?;
        let (page, after) = self.page(rows_max).map_err(|error| unavailable(&error, &self.path))?;
        self.after = after;
        self.is_at_end |= !page.more;
        Ok(page)
    }
}

/// Finds by bisection a row number up to which all answers were scored before a moment: answers land roughly in the
/// order in which they are scored.
fn before<D: Domain>(connection: &Connection, moment: DateTime<Utc>) -> rusqlite::Result<i64> {
    let last: Option<i64> = connection.query_row("SELECT max(seq) FROM answers", [], |row| row.get(0))?;
    let mut at = connection.prepare("SELECT document FROM answers WHERE seq = ?1")?;
    let (mut low, mut high) = (0, last.unwrap_or(0));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let document: Option<String> = at.query_row([middle], |row| row.get(0)).optional()?;
        let scored_at = document.and_then(|document| landed::<D>(&document)).map(|landed| landed.scored_at);
        if scored_at.is_some_and(|scored_at| scored_at < moment) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(low)
}

/// The fields of a stored answer that are counted; the others are skipped unread.
struct Counted<'a> {
    id: Cow<'a, str>,
    model: Cow<'a, str>,
    scored_at: Cow<'a, str>,
    /// In the order of the domain's dimensions.
    fields: [Field<'a>; DIMENSIONS_MAX],
}

/// Reads the fields of a document that a domain counts by.
struct CountedVisitor(&'static [Dimension]);

impl<'a> Visitor<'a> for CountedVisitor {
    type Value = Counted<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the document of an answer")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Counted<'a>, A::Error> {
        let (mut id, mut model, mut scored_at, mut fields) =
            (None, None, None, <[Field<'a>; DIMENSIONS_MAX]>::default());
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "_id" => id = Some(map.next_value::<Text<'a>>()?.0),
                "ModelVersion" => model = Some(map.next_value::<Text<'a>>()?.0),
                "ScoredAt" => scored_at = Some(map.next_value::<Date<'a>>()?.date),
                name => match self.0.iter().position(|dimension| dimension.field == name) {
                    Some(dimension) => fields[dimension] = map.next_value::<FieldValue<'a>>()?.0,
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
            }
        }
        let missing = A::Error::missing_field;
        Ok(Counted {
            id: id.ok_or_else(|| missing("_id"))?,
            model: model.ok_or_else(|| missing("ModelVersion"))?,
            scored_at: scored_at.ok_or_else(|| missing("ScoredAt"))?,
            fields,
        })
    }
}

/// A text, borrowed unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Date<'a> {
    #[serde(borrow, rename = "$date")]
    date: Cow<'a, str>,
}

/// A field that is counted: a text or a number.
struct FieldValue<'a>(Field<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for FieldValue<'a> {
    fn deserialize<T: Deserializer<'de>>(deserializer: T) -> Result<Self, T::Error> {
        deserializer.deserialize_any(FieldVisitor).map(FieldValue)
    }
}

struct FieldVisitor;

impl<'a> Visitor<'a> for FieldVisitor {
    type Value = Field<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Field<'a>, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<'a>, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<'a>, E> {
        Ok(Field::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field<'a>, E> {
        Ok(Field::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'a>, E> {
        Ok(Field::Number(number as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field<'a>, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Field<'a>, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut values: A) -> Result<Field<'a>, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut values: A) -> Result<Field<'a>, A::Error> {
        while values.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

fn landed<D: Domain>(document: &str) -> Option<Landed<D>> {
    const { assert!(D::DIMENSIONS.len() <= DIMENSIONS_MAX, "a domain has too many dimensions") };
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let Counted { id, model, scored_at, fields } = deserializer.deserialize_map(CountedVisitor(D::DIMENSIONS)).ok()?;
    deserializer.end().ok()?;
    Some(Landed {
        id: id.into_owned(),
        scored_at: DateTime::parse_from_rfc3339(&scored_at).ok()?.to_utc(),
        labels: D::labels(fields.get(..D::DIMENSIONS.len())?)?,
        model: ModelVersion::new(&model),
    })
}
