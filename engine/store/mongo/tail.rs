//! Follows the answers of a database by the time of their scoring.
//!
//! The clocks of scorers differ, and an answer may be written after one that was scored later. A pass through the
//! answers therefore starts a little before the latest answer of the previous pass, and skips answers that were read;
//! [`scan`] has the rules, also for clocks that are set. An answer that is written later than that after the others is
//! missed until the next start, as are those of a scorer whose clock is behind both this machine's and the other
//! scorers'.

mod scan;

use std::{borrow::Cow, marker::PhantomData, ops::Range, sync::Arc};

use chrono::{DateTime, Utc};
use mongodb::{
    Database,
    bson::{self, Bson, Document, doc},
};

use self::scan::{Scan, ScanPosition, TimeRange};
use super::client::{FIND_TIMEOUT, MongoClient, QUERY_TIMEOUT};
use crate::{
    answer::ModelVersion,
    clock::{Clock, SystemClock},
    delivery::Unavailable,
    domain::{DIMENSIONS_MAX, Domain, Field},
    store::{Landed, Page, Tail},
};

/// Reads page by page, without a cursor that stays open on the server.
pub(super) struct MongoTail<D> {
    client: Arc<MongoClient>,
    scan: Scan,
    /// The last answer of the current pass.
    after: Option<ScanPosition>,
    domain: PhantomData<fn() -> D>,
}

impl<D: Domain> MongoTail<D> {
    pub(super) fn new(client: Arc<MongoClient>, since: DateTime<Utc>) -> Self {
        let reading = SystemClock.read();
        let scan = Scan::since(since, reading.nearest(), reading.since_boot);
        MongoTail { client, scan, after: None, domain: PhantomData }
    }
}

impl<D: Domain> Tail<D> for MongoTail<D> {
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable> {
        if self.after.is_none() {
            let reading = SystemClock.read();
            self.scan.begin(reading.nearest(), reading.since_boot);
        }
        let (floor, skipped, after) = (self.scan.floor(), self.scan.skipped(), self.after.clone());
        let documents = self.client.call("cannot follow the answers", FIND_TIMEOUT, move |database| {
            find::<D>(database, filter(floor, skipped, after), rows_max as i64)
        })?;
        let more = documents.len() == rows_max;
        let mut rows = Vec::new();
        for document in &documents {
            let Some(position) = position(document) else { continue };
            let is_new = self.scan.is_new(&position);
            self.after = Some(position);
            rows.extend(to_landed(document).filter(|_| is_new));
        }
        if !more {
            self.after = None;
        }
        // Also within a pass: a pass through a backlog is long.
        self.scan.advance();
        Ok(Page { rows, more })
    }
}

/// Returns the filter for answers from a floor on, or after a position, without skipped ranges.
fn filter(floor: DateTime<Utc>, skipped: Vec<TimeRange>, after: Option<ScanPosition>) -> Document {
    let date = |at: DateTime<Utc>| bson::DateTime::from_millis(at.timestamp_millis());
    let from = after.as_ref().map_or(floor, |(at, _)| *at);
    // Only strings compare with the empty one: documents of another system have other ids and are not counted.
    let mut filter = doc! { "ScoredAt": { "$gte": date(from) }, "_id": { "$gte": "" } };
    let mut all = Vec::new();
    if let Some((at, id)) = after {
        all.push(doc! { "$or": [{ "ScoredAt": { "$gt": date(at) } }, { "_id": { "$gt": id } }] });
    }
    for Range { start, end } in skipped {
        all.push(doc! { "$or": [{ "ScoredAt": { "$lt": date(start) } }, { "ScoredAt": { "$gte": date(end) } }] });
    }
    if !all.is_empty() {
        filter.insert("$and", all);
    }
    filter
}

/// Returns the documents that match a filter, in the order of the scan.
async fn find<D: Domain>(database: Database, filter: Document, rows_max: i64) -> mongodb::error::Result<Vec<Document>> {
    let mut wanted = doc! { "ScoredAt": 1, "ModelVersion": 1 };
    wanted.extend(D::DIMENSIONS.iter().map(|dimension| (dimension.field.to_owned(), Bson::Int32(1))));
    let mut cursor = database
        .collection::<Document>(D::COLLECTIONS.answers)
        .find(filter)
        .projection(wanted)
        .sort(doc! { "ScoredAt": 1, "_id": 1 })
        .limit(rows_max)
        .max_time(QUERY_TIMEOUT)
        .await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// Returns the position of a document; `None` if its id is not a string: it is of another system.
fn position(document: &Document) -> Option<ScanPosition> {
    Some((scored_at(document)?, document.get_str("_id").ok()?.to_owned()))
}

fn scored_at(document: &Document) -> Option<DateTime<Utc>> {
    let Some(Bson::DateTime(at)) = document.get("ScoredAt") else { return None };
    DateTime::from_timestamp_millis(at.timestamp_millis())
}

/// Returns a field in the types that the domain counts by.
fn field<'a>(document: &'a Document, name: &str) -> Field<'a> {
    match document.get(name) {
        Some(Bson::String(text)) => Field::Text(Cow::Borrowed(text)),
        Some(Bson::Double(number)) => Field::Number(*number),
        _ => Field::Other,
    }
}

fn to_landed<D: Domain>(document: &Document) -> Option<Landed<D>> {
    let mut fields = <[Field<'_>; DIMENSIONS_MAX]>::default();
    fields.iter_mut().zip(D::DIMENSIONS).for_each(|(of, dimension)| *of = field(document, dimension.field));
    let text = |name| document.get_str(name).ok();
    Some(Landed {
        id: text("_id")?.to_owned(),
        scored_at: scored_at(document)?,
        labels: D::labels(fields.get(..D::DIMENSIONS.len())?)?,
        model: ModelVersion::new(text("ModelVersion")?),
    })
}
