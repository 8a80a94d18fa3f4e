//! Looks requests up, by id.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use mongodb::{
    Collection, Database,
    bson::{Document, doc},
    options::{ReadConcern, ReadPreference, SelectionCriteria},
};

use super::{
    calls::Calls,
    render::to_json,
    takeover::{Examined, Watch, examine, first},
};
use crate::{
    delivery::Unavailable,
    domain::Collections,
    store::{Lookup, Outcome},
};

/// A look-up takes at most this long.
pub(super) const FIND: Duration = Duration::from_secs(5);
/// A server gives a query up after this long.
pub(super) const QUERY: Duration = Duration::from_secs(3);

/// Of the documents under one UUID this many are read, those with the smallest `_id`. A string is smaller than an
/// ObjectId, and an ObjectId begins with its time: so our own document and the first of another system are among
/// them.
const ANSWERS_READ_MAX: i64 = 16;
/// One query of [`having`] takes at most this long: FerretDB scans, and compares each document with each id.
const MANY: Duration = Duration::from_secs(12);
/// A server gives it up after this long.
const MANY_QUERY: Duration = Duration::from_secs(10);
/// One query of [`having`] asks for this many ids at most.
const IDS_MAX: usize = 1000;

/// Reads answers and rejections.
pub(super) struct MongoLookup {
    pub(super) calls: Arc<Calls>,
    pub(super) takeover: Arc<Watch>,
}

impl Lookup for MongoLookup {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        let (id, takeover, collections) = (id.to_owned(), Arc::clone(&self.takeover), self.calls.collections);
        let find = |database| async move { find(&database, collections, &id, &takeover).await };
        match self.calls.call("cannot look up a request", FIND, find)? {
            Found::Nothing => Ok(None),
            Found::Answer(document) => Ok(Some(Outcome::Answered(to_json(document)))),
            Found::Rejection(document) => {
                Ok(Some(Outcome::Rejected(document.get_str("Reason").unwrap_or_default().to_owned())))
            }
        }
    }
}

enum Found {
    Answer(Document),
    Rejection(Document),
    Nothing,
}

/// An answer of ours has the request's id as its own; one of the old job names it in a field, which has an index.
async fn find(
    database: &Database,
    collections: Collections,
    id: &str,
    takeover: &Watch,
) -> mongodb::error::Result<Found> {
    let answers = database.collection::<Document>(collections.answers);
    let ours = answers.find_one(doc! { "_id": id }).read_concern(ReadConcern::majority()).max_time(QUERY).await?;
    if let Some(ours) = ours {
        let others = match takeover.known() {
            Some(known) => known,
            None => {
                let began_at = Instant::now();
                let examined = examine(database, collections.answers).await?;
                takeover.learn(examined, began_at.elapsed());
                examined == Examined::Some
            }
        };
        let documents = if others { under(&answers, id).await? } else { Vec::new() };
        return Ok(Found::Answer(first(documents).unwrap_or(ours)));
    }
    if let Some(other) = first(under(&answers, id).await?) {
        // Another system has written it: from now on others are looked for.
        takeover.learn(Examined::Some, Duration::ZERO);
        return Ok(Found::Answer(other));
    }
    let rejections = database.collection::<Document>(collections.rejections);
    let query = rejections.find_one(doc! { "_id": id }).read_concern(ReadConcern::majority()).max_time(QUERY);
    Ok(query.await?.map_or(Found::Nothing, Found::Rejection))
}

/// The documents under a UUID, whatever their `_id` is.
async fn under(answers: &Collection<Document>, id: &str) -> mongodb::error::Result<Vec<Document>> {
    let query = answers.find(doc! { "UUID": id }).sort(doc! { "_id": 1 }).limit(ANSWERS_READ_MAX);
    let mut cursor = query.read_concern(ReadConcern::majority()).max_time(QUERY).await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// Returns those of `ids` that are in `field` of a document that a majority has. The field has an index, or is `_id`.
pub(super) fn having(
    calls: &Calls,
    collection: &'static str,
    field: &'static str,
    ids: &[String],
) -> Result<HashSet<String>, Unavailable> {
    let doing = format!("cannot look {collection} up by {field}");
    let (mut found, mut rest, mut ids_max) = (HashSet::new(), ids, IDS_MAX);
    while !rest.is_empty() {
        let (ids, others) = rest.split_at(ids_max.min(rest.len()));
        let (ids, began_at, asked) = (ids.to_vec(), Instant::now(), ids.len());
        let some = calls.call(&doing, MANY, move |database| async move {
            let collection = database.collection::<Document>(collection);
            let mut wanted = doc! { "_id": 0 };
            wanted.insert(field, 1);
            let query = collection.find(doc! { field: { "$in": ids } }).projection(wanted).max_time(MANY_QUERY);
            // Whatever the URL says of reading: another member may not have it yet.
            let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
            let mut cursor = query.read_concern(ReadConcern::majority()).selection_criteria(primary).await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.extend(cursor.deserialize_current()?.get_str(field).map(str::to_owned));
            }
            Ok(found)
        });
        match some {
            // A server that scans compares each document with each id: it may have time for fewer.
            Err(_) if asked > 1 && began_at.elapsed() >= MANY_QUERY => ids_max = asked / 8 + 1,
            Err(error) => return Err(error),
            Ok(some) => {
                found.extend(some);
                rest = others;
            }
        }
    }
    Ok(found)
}
