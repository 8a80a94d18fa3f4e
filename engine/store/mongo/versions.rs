//! Reads versions of followed answers, and the requests that are followed.

use std::{collections::HashMap, time::Duration};

use chrono::DateTime;
use mongodb::{
    bson::{Document, doc},
    options::ReadConcern,
};
use serde_json::{Map, Value as Json};

use super::{
    client::{FIND_TIMEOUT, MongoClient, QUERY_TIMEOUT},
    encoding::to_json,
};
use crate::{
    delivery::Unavailable,
    document::{self, Value},
    domain::FollowedCollections,
    follow::{Begin, Followed, FollowedVersion},
    live::EventTime,
    log::{Offset, PartitionId, Position},
    request::RequestId,
};

/// Upper bound on the requests in one query of their versions.
const IDS_MAX: usize = 100;
/// Timeout of reading all records.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The record of a followed request.
pub(super) struct Record {
    pub(super) id: RequestId,
    pub(super) begin: Begin,
    pub(super) began_at: EventTime,
}

impl Record {
    pub(super) fn to_document(&self) -> document::Document<'_> {
        let Record { id, begin: Begin { message, position, until }, began_at } = self;
        let date = |ms: EventTime| DateTime::from_timestamp_millis(ms).map_or(Value::Null, Value::Date);
        vec![
            ("_id", Value::text(id.as_str())),
            ("UUID", Value::text(id.as_str())),
            ("Message", Value::text(message)),
            ("Partition", Value::Text(position.partition.0.to_string().into())),
            ("Offset", Value::Text(position.offset.0.to_string().into())),
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
