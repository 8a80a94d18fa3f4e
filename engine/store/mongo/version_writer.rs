//! Writes versions of followed answers, and records of the requests that are followed, into collections of their own.
//!
//! A record of a request is inserted after its version 1, and deleted after its last version. So a record may be left
//! of a request whose last version has landed: it counts for nothing.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Document, doc};

use super::{client::MongoClient, shadow::expire, versions::Record, writer::DocumentWriter};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    domain::{Domain, FollowedCollections},
    follow::{Stage, Version},
};

/// Timeout of deleting records.
const DELETE_TIMEOUT: Duration = Duration::from_secs(12);

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
