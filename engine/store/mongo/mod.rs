//! The prediction store in MongoDB: the collections of the wire contract.
//!
//! A document's `_id` is the request's UUID, and documents are only inserted: the first answer wins, and writing it
//! again changes nothing. Clients of the old system look up answers by `UUID`, so that field has an index. The index is
//! not unique, since old data may hold duplicates. [`takeover`] has the rules for a collection that the old system has
//! written to.

mod batches;
mod client;
mod config;
mod encoding;
mod insert_reply;
mod inspect;
mod lookup;
mod reference;
mod shadow;
mod tail;
mod takeover;
mod version_writer;
mod versions;
mod writer;

use std::{marker::PhantomData, sync::Arc};

use chrono::{DateTime, Utc};
use mongodb::bson::doc;
use tokio::runtime;

use super::{Batches, Lookup, ReferenceTable, Store, Tail};
use crate::{
    address::OpenError,
    answer::Rejection,
    batch::BatchAnswer,
    delivery::{Unavailable, Writer},
    domain::{Answer, BatchCollections, Domain},
    finding::Finding,
    follow::{Followed, Version},
    shadow::{Comparison, ShadowAnswer},
};

use batches::MongoBatches;
use client::MongoClient;
use config::Settings;
pub use encoding::to_bson;
use lookup::MongoLookup;
use reference::MongoReference;
use takeover::TakeoverDetector;
use version_writer::VersionWriter;
use writer::DocumentWriter;

/// A database of answers and rejections.
pub struct MongoStore<D> {
    client: Arc<MongoClient>,
    /// Shared by all writers of answers.
    takeover: Arc<TakeoverDetector>,
    domain: PhantomData<D>,
}

impl<D: Domain> MongoStore<D> {
    /// Opens `mongodb://host:27017/DATABASE?…`. All options except `takeover` are the driver's. Connects to nothing
    /// yet.
    pub(crate) fn open(url: &str) -> Result<Self, OpenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mongo")
            .enable_all()
            .build()
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        let Settings { options, database, takeover } = config::parse(&runtime, url, D::COLLECTIONS.database)?;
        Ok(MongoStore {
            client: Arc::new(MongoClient::new(runtime, options, database, D::COLLECTIONS)),
            takeover: Arc::new(TakeoverDetector::new(takeover, D::COLLECTIONS.answers)),
            domain: PhantomData,
        })
    }
}

impl<D: Domain> Store<D> for MongoStore<D> {
    fn describe(&self) -> String {
        let hosts: Vec<_> = self.client.options().hosts.iter().map(ToString::to_string).collect();
        format!("database {} at mongodb://{}", self.client.database(), hosts.join(","))
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable> {
        let client = Arc::clone(&self.client);
        // For look-ups of the old system's documents.
        client.create_index(D::COLLECTIONS.answers, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })?;
        let takeover = Some(Arc::clone(&self.takeover));
        Ok(Box::new(DocumentWriter::new(client, D::COLLECTIONS.answers, Answer::to_document, takeover)))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        let client = Arc::clone(&self.client);
        Ok(Box::new(DocumentWriter::new(client, D::COLLECTIONS.rejections, Rejection::to_document, None)))
    }

    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer<D>>>, Unavailable> {
        shadow::expire(&self.client, D::COLLECTIONS.shadows)?;
        let client = Arc::clone(&self.client);
        Ok(Box::new(DocumentWriter::new(client, D::COLLECTIONS.shadows, ShadowAnswer::to_document, None)))
    }

    fn compared(&self) -> Result<Vec<Comparison>, Unavailable> {
        shadow::compared(&self.client)
    }

    fn versions(&self) -> Result<Box<dyn Writer<Version<D>>>, Unavailable> {
        let missing = || Unavailable::needs_operator("the domain has no collections of followed answers");
        Ok(Box::new(VersionWriter::new(&self.client, D::COLLECTIONS.followed.ok_or_else(missing)?)?))
    }

    fn followed(&self) -> Result<Vec<Followed>, Unavailable> {
        D::COLLECTIONS.followed.map_or(Ok(Vec::new()), |collections| versions::followed(&self.client, collections))
    }

    fn batches(&self) -> Result<Box<dyn Batches>, Unavailable> {
        Ok(Box::new(MongoBatches::new(&self.client, batch_collections::<D>()?)))
    }

    fn results(&self) -> Result<Box<dyn Writer<BatchAnswer<D>>>, Unavailable> {
        let BatchCollections { results, .. } = batch_collections::<D>()?;
        Ok(Box::new(DocumentWriter::new(Arc::clone(&self.client), results, BatchAnswer::to_document, None)))
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(MongoLookup { client: Arc::clone(&self.client), takeover: Arc::clone(&self.takeover) }))
    }

    fn reference(&self) -> Option<Box<dyn ReferenceTable>> {
        let reference = D::COLLECTIONS.reference?;
        Some(Box::new(MongoReference { client: Arc::clone(&self.client), reference }))
    }

    fn inspect(&self) -> Vec<Finding> {
        inspect::inspect::<D>(&self.client, self.takeover.takeover(), &self.describe())
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable> {
        let client = Arc::clone(&self.client);
        client.create_index(
            D::COLLECTIONS.answers,
            doc! { "key": { "ScoredAt": 1, "_id": 1 }, "name": "ScoredAt_1__id_1" },
        )?;
        Ok(Box::new(tail::MongoTail::new(client, since)))
    }
}

fn batch_collections<D: Domain>() -> Result<BatchCollections, Unavailable> {
    D::COLLECTIONS.batch.ok_or_else(|| Unavailable::needs_operator("the domain has no collections of batches"))
}

#[cfg(test)]
mod tests;
