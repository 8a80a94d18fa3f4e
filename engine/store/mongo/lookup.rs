//! Looks up requests by id.

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

use serde_json::{Map, Value};

use super::{
    client::{FIND_TIMEOUT, MongoClient, QUERY_TIMEOUT},
    encoding::to_json,
    takeover::{OtherDocuments, TakeoverDetector, find_others, first_answer},
    versions,
};
use crate::{
    delivery::Unavailable,
    domain::Collections,
    store::{Lookup, Outcome},
};

/// Upper bound on the documents that are read under one UUID, those with the smallest `_id`. A string sorts before an
/// ObjectId, and an ObjectId begins with its time: the own document and the first one of another system are among them.
const ANSWERS_READ_MAX: i64 = 16;
/// Timeout of one query of [`existing`]: FerretDB scans, and compares each document with each id.
const FIND_MANY_TIMEOUT: Duration = Duration::from_secs(12);
/// Timeout of that query at the server.
const FIND_MANY_QUERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bound on the ids in one query of [`existing`].
const IDS_MAX: usize = 1000;

/// Reads answers and rejections.
pub(super) struct MongoLookup {
    pub(super) client: Arc<MongoClient>,
    pub(super) takeover: Arc<TakeoverDetector>,
}

impl Lookup for MongoLookup {
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable> {
        let (id, takeover, collections) = (id.to_owned(), Arc::clone(&self.takeover), self.client.collections);
        let find = |database| async move { find(&database, collections, &id, &takeover).await };
        match self.client.call("cannot look up a request", FIND_TIMEOUT, find)? {
            Found::None => Ok(None),
            Found::Answer(document) => Ok(Some(Outcome::Answered(to_json(document)))),
            Found::Rejection(document) => {
                Ok(Some(Outcome::Rejected(document.get_str("Reason").unwrap_or_default().to_owned())))
            }
        }
    }

    fn versions(&self, id: &str, after: u32) -> Result<Vec<Map<String, Value>>, Unavailable> {
        let find = |collections| versions::find(&self.client, collections, id, after);
        self.client.collections.followed.map_or(Ok(Vec::new()), find)
    }
}

enum Found {
    Answer(Document),
    Rejection(Document),
    None,
}

/// Finds a request's outcome. The `_id` of an own answer is the request's id; an answer of the old job has it in a
/// field, which has an index.
async fn find(
    database: &Database,
    collections: Collections,
    id: &str,
    takeover: &TakeoverDetector,
) -> mongodb::error::Result<Found> {
    let answers = database.collection::<Document>(collections.answers);
    let own =
        answers.find_one(doc! { "_id": id }).read_concern(ReadConcern::majority()).max_time(QUERY_TIMEOUT).await?;
    if let Some(own) = own {
        let others = match takeover.known() {
            Some(known) => known,
            None => {
                let began_at = Instant::now();
                let examined = find_others(database, collections.answers).await?;
                takeover.learn(examined, began_at.elapsed());
                examined == OtherDocuments::Some
            }
        };
        let documents = if others { with_uuid(&answers, id).await? } else { Vec::new() };
        return Ok(Found::Answer(first_answer(documents).unwrap_or(own)));
    }
    if let Some(other) = first_answer(with_uuid(&answers, id).await?) {
        // Another system has written it: from now on UUIDs are looked up before inserts.
        takeover.learn(OtherDocuments::Some, Duration::ZERO);
        return Ok(Found::Answer(other));
    }
    let rejections = database.collection::<Document>(collections.rejections);
    let query = rejections.find_one(doc! { "_id": id }).read_concern(ReadConcern::majority()).max_time(QUERY_TIMEOUT);
    Ok(query.await?.map_or(Found::None, Found::Rejection))
}

/// Returns the documents with a UUID, whatever their `_id` is.
async fn with_uuid(answers: &Collection<Document>, id: &str) -> mongodb::error::Result<Vec<Document>> {
    let query = answers.find(doc! { "UUID": id }).sort(doc! { "_id": 1 }).limit(ANSWERS_READ_MAX);
    let mut cursor = query.read_concern(ReadConcern::majority()).max_time(QUERY_TIMEOUT).await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

/// Returns those of `ids` that are in `field` of a majority-committed document. The field has an index, or is `_id`.
pub(super) fn existing(
    client: &MongoClient,
    collection: &'static str,
    field: &'static str,
    ids: &[String],
) -> Result<HashSet<String>, Unavailable> {
    let doing = format!("cannot look {collection} up by {field}");
    let (mut found, mut rest, mut ids_max) = (HashSet::new(), ids, IDS_MAX);
    while !rest.is_empty() {
        let (ids, others) = rest.split_at(ids_max.min(rest.len()));
        let (ids, began_at, asked) = (ids.to_vec(), Instant::now(), ids.len());
        let some = client.call(&doing, FIND_MANY_TIMEOUT, move |database| async move {
            let collection = database.collection::<Document>(collection);
            let mut wanted = doc! { "_id": 0 };
            wanted.insert(field, 1);
            let query =
                collection.find(doc! { field: { "$in": ids } }).projection(wanted).max_time(FIND_MANY_QUERY_TIMEOUT);
            // The read preference of the URL is overridden: a secondary may not have the document yet.
            let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
            let mut cursor = query.read_concern(ReadConcern::majority()).selection_criteria(primary).await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.extend(cursor.deserialize_current()?.get_str(field).map(str::to_owned));
            }
            Ok(found)
        });
        match some {
            // A server that scans compares each document with each id: retry with fewer ids.
            Err(_) if asked > 1 && began_at.elapsed() >= FIND_MANY_QUERY_TIMEOUT => ids_max = asked / 8 + 1,
            Err(error) => return Err(error),
            Ok(some) => {
                found.extend(some);
                rest = others;
            }
        }
    }
    Ok(found)
}
