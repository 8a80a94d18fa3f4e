//! Versions of followed answers, and the requests that are followed, each in a collection of its own.
//!
//! A record of a request is inserted after its version 1, and deleted after its last version. So a record may be left
//! of a request whose last version has landed: it counts for nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::DateTime;
use mongodb::{
    bson::{Document, doc},
    options::ReadConcern,
};
use serde_json::{Map, Value as Json};

use super::{
    client::{FIND_TIMEOUT, MongoClient, QUERY_TIMEOUT},
    encoding::to_json,
    shadow::expire,
    writer::DocumentWriter,
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    document::{self, Value},
    domain::{Domain, FollowedCollections},
    follow::{Begin, Followed, FollowedVersion, Stage, Version},
    live::EventTime,
    log::{Offset, PartitionId, Position},
    request::RequestId,
};

/// Upper bound on the requests in one query of their versions.
const IDS_MAX: usize = 100;
/// Timeout of reading all records.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of deleting records.
const DELETE_TIMEOUT: Duration = Duration::from_secs(12);

/// The record of a followed request.
struct Record {
    id: RequestId,
    begin: Begin,
    began_at: EventTime,
}

impl Record {
    fn to_document(&self) -> document::Document {
        let Record { id, begin: Begin { message, position, until }, began_at } = self;
        let date = |ms: EventTime| DateTime::from_timestamp_millis(ms).map_or(Value::Null, Value::Date);
        vec![
            ("_id", Value::Text(id.as_str().to_owned())),
            ("UUID", Value::Text(id.as_str().to_owned())),
            ("Message", Value::Text(message.clone())),
            ("Partition", Value::Text(position.partition.0.to_string())),
            ("Offset", Value::Text(position.offset.0.to_string())),
            ("Until", date(*until)),
            ("ScoredAt", date(*began_at)),
        ]
    }

    fn of(document: &Document) -> Option<Self> {
        let text = |name| document.get_str(name).ok();
        let ms = |name| Some(document.get_datetime(name).ok()?.timestamp_millis());
        let position = Position {
            partition: PartitionId(text("Partition")?.parse().ok()?),
            offset: Offset(text("Offset")?.parse().ok()?),
        };
        let begin = Begin { message: text("Message")?.to_owned(), position, until: ms("Until")? };
        Some(Record { id: RequestId::new(text("_id")?).ok()?, begin, began_at: ms("ScoredAt")? })
    }
}

/// Writes versions and the records of their requests.
pub(super) struct VersionWriter<D: Domain> {
    versions: DocumentWriter<Version<D>>,
    records: DocumentWriter<Record>,
    client: Arc<MongoClient>,
    requests: &'static str,
}

impl<D: Domain> VersionWriter<D> {
    /// Creates the indexes that it needs.
    pub(super) fn new(client: &Arc<MongoClient>, collections: FollowedCollections) -> Result<Self, Unavailable> {
        let FollowedCollections { versions, requests } = collections;
        client.create_index(versions, doc! { "key": { "UUID": 1, "Version": 1 }, "name": "UUID_1_Version_1" })?;
        expire(client, versions)?;
        // Those of scorers that are never started again.
        expire(client, requests)?;
        Ok(VersionWriter {
            versions: DocumentWriter::new(Arc::clone(client), versions, Version::to_document, None),
            records: DocumentWriter::new(Arc::clone(client), requests, Record::to_document, None),
            client: Arc::clone(client),
            requests,
        })
    }

    fn remove(&self, ids: Vec<String>) -> Result<(), Unavailable> {
        let requests = self.requests;
        self.client.call(&format!("cannot delete from {requests}"), DELETE_TIMEOUT, |database| async move {
            database.collection::<Document>(requests).delete_many(doc! { "_id": { "$in": ids } }).await.map(drop)
        })
    }
}

impl<D: Domain> Writer<Version<D>> for VersionWriter<D> {
    fn write(&mut self, rows: &[Version<D>]) -> Result<Vec<Refusal>, Unavailable> {
        let refusals = self.versions.write(rows)?;
        let is_refused = |row: usize| refusals.iter().any(|refusal| refusal.row == row);
        let landed = rows.iter().enumerate().filter(|(row, _)| !is_refused(*row)).map(|(_, version)| version);
        let record = |version: &Version<D>| match &version.stage {
            Stage::Begins(begin) => {
                let (id, began_at) = (version.answer.id().clone(), version.answer.scored_at.timestamp_millis());
                Some(Record { id, begin: begin.clone(), began_at })
            }
            _ => None,
        };
        let records: Vec<Record> = landed.clone().filter_map(record).collect();
        for Refusal { row, reason } in self.records.write(&records)? {
            let id = records.get(row).map_or("", |record| record.id.as_str());
            tracing::error!("{id} is not followed after the next start, as its record is refused: {reason}");
        }
        let ended = landed.filter(|version| version.stage == Stage::Last);
        let ended: Vec<String> = ended.map(|version| version.answer.id().as_str().to_owned()).collect();
        if !ended.is_empty() {
            self.remove(ended)?;
        }
        Ok(refusals)
    }
}

/// Returns the versions of an answer whose numbers are above `after`.
pub(super) fn find(
    client: &MongoClient,
    FollowedCollections { versions, .. }: FollowedCollections,
    id: &str,
    after: u32,
) -> Result<Vec<Map<String, Json>>, Unavailable> {
    let query = doc! { "UUID": id, "Version": { "$gt": i64::from(after) } };
    client.call("cannot look up versions", FIND_TIMEOUT, |database| async move {
        let versions = database.collection::<Document>(versions);
        let query = versions.find(query).sort(doc! { "Version": 1 });
        let mut cursor = query.read_concern(ReadConcern::majority()).max_time(QUERY_TIMEOUT).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(to_json(cursor.deserialize_current()?));
        }
        Ok(found)
    })
}

/// Returns the requests that are followed. A record whose versions are missing was left by an incomplete write: its
/// request is read again.
pub(super) fn followed(
    client: &MongoClient,
    FollowedCollections { versions, requests }: FollowedCollections,
) -> Result<Vec<Followed>, Unavailable> {
    let records = read(client, requests, Document::new(), Document::new())?;
    let records: Vec<Record> = records.iter().filter_map(Record::of).collect();
    let mut last = HashMap::<String, FollowedVersion>::new();
    for records in records.chunks(IDS_MAX) {
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let fields = doc! { "UUID": 1, "Version": 1, "Following": 1, "Told": 1 };
        for version in read(client, versions, doc! { "UUID": { "$in": ids } }, fields)? {
            let Ok(id) = version.get_str("UUID").map(str::to_owned) else { continue };
            let version = FollowedVersion::of(&to_json(version));
            let known = last.entry(id).or_insert_with(|| version.clone());
            if known.number < version.number {
                *known = version;
            }
        }
    }
    let of = |Record { id, begin, began_at }: Record| last.remove(id.as_str())?.followed(begin, began_at);
    Ok(records.into_iter().filter_map(of).collect())
}

/// Reads the majority-committed documents of a query, in these fields; all fields if none is named.
fn read(
    client: &MongoClient,
    collection: &'static str,
    query: Document,
    fields: Document,
) -> Result<Vec<Document>, Unavailable> {
    client.call(&format!("cannot read {collection}"), READ_TIMEOUT, |database| async move {
        let collection = database.collection::<Document>(collection);
        let find = collection.find(query).projection(fields);
        let mut cursor = find.read_concern(ReadConcern::majority()).max_time(READ_TIMEOUT).await?;
        let mut found = Vec::new();
        while cursor.advance().await? {
            found.push(cursor.deserialize_current()?);
        }
        Ok(found)
    })
}
