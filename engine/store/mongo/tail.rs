//! Follows the answers of a database by the moment of their scoring.
//!
//! Several scorers have several clocks, and an answer may land after one that was scored later. So a pass through the
//! answers starts a little before the latest one that the pass before has seen, and leaves out what was seen; [`scan`]
//! has the rules, also for clocks that are set. An answer that lands later than that behind the others is missed until
//! the next start, as are those of a scorer whose clock is behind both this machine's and the other scorers'.

mod scan;

use std::{borrow::Cow, marker::PhantomData, ops::Range, sync::Arc};

use chrono::{DateTime, Utc};
use mongodb::{
    Database,
    bson::{self, Bson, Document, doc},
};

use self::scan::{Place, Scan, Stamps};
use super::{
    calls::Calls,
    lookup::{FIND, QUERY},
};
use crate::{
    answer::ModelVersion,
    clock::{Clock, SystemClock},
    delivery::Unavailable,
    domain::{DIMENSIONS_MAX, Domain, Field},
    store::{Landed, Page, Tail},
};

/// Reads page by page; nothing is held open on the server.
pub(super) struct MongoTail<D> {
    calls: Arc<Calls>,
    scan: Scan,
    /// The last answer of the pass under way.
    after: Option<Place>,
    domain: PhantomData<fn() -> D>,
}

impl<D: Domain> MongoTail<D> {
    pub(super) fn new(calls: Arc<Calls>, since: DateTime<Utc>) -> Self {
        let reading = SystemClock.read();
        let scan = Scan::since(since, reading.nearest(), reading.since_boot);
        MongoTail { calls, scan, after: None, domain: PhantomData }
    }
}

impl<D: Domain> Tail<D> for MongoTail<D> {
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable> {
        if self.after.is_none() {
            let reading = SystemClock.read();
            self.scan.begin(reading.nearest(), reading.since_boot);
        }
        let (floor, skipped, after) = (self.scan.floor(), self.scan.skipped(), self.after.clone());
        let documents = self.calls.call("cannot follow the answers", FIND, move |database| {
            find::<D>(database, filter(floor, skipped, after), rows_max as i64)
        })?;
        let more = documents.len() == rows_max;
        let mut rows = Vec::new();
        for document in &documents {
            let Some(place) = place(document) else { continue };
            let new = self.scan.is_news(&place);
            self.after = Some(place);
            rows.extend(landed(document).filter(|_| new));
        }
        if !more {
            self.after = None;
        }
        // In the middle of a pass, too: a pass through a backlog is long.
        self.scan.move_on();
        Ok(Page { rows, more })
    }
}

/// Answers from a floor on, or behind a place, without those that are skipped.
fn filter(floor: DateTime<Utc>, skipped: Vec<Stamps>, after: Option<Place>) -> Document {
    let date = |at: DateTime<Utc>| bson::DateTime::from_millis(at.timestamp_millis());
    let from = after.as_ref().map_or(floor, |(at, _)| *at);
    // Only texts are at least the empty one: a document of another hand has another id, and is not ours to count.
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
        .max_time(QUERY)
        .await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// `None` for a document that has no text as its id: not one of ours.
fn place(document: &Document) -> Option<Place> {
    Some((scored_at(document)?, document.get_str("_id").ok()?.to_owned()))
}

fn scored_at(document: &Document) -> Option<DateTime<Utc>> {
    let Some(Bson::DateTime(at)) = document.get("ScoredAt") else { return None };
    DateTime::from_timestamp_millis(at.timestamp_millis())
}

/// A field as the domain counts by it.
fn field<'a>(document: &'a Document, name: &str) -> Field<'a> {
    match document.get(name) {
        Some(Bson::String(text)) => Field::Text(Cow::Borrowed(text)),
        Some(Bson::Double(number)) => Field::Number(*number),
        _ => Field::Other,
    }
}

fn landed<D: Domain>(document: &Document) -> Option<Landed<D>> {
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
