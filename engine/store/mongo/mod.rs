//! The prediction store in MongoDB: the collections of the wire contract.
//!
//! A document's `_id` is the request's UUID, and it is only ever inserted: so the first answer wins, and writing it
//! again changes nothing. Clients of the old system look answers up by `UUID`, so that field has an index, and not a
//! unique one, since old data may hold duplicates. [`takeover`] has the rules for a collection that the old system
//! has written to.

mod address;
mod calls;
mod fault;
mod inspect;
mod lookup;
mod reference;
mod render;
mod shadow;
mod tail;
mod takeover;
mod verdict;
mod writer;

use std::{marker::PhantomData, sync::Arc};

use chrono::{DateTime, Utc};
use mongodb::bson::doc;
use tokio::runtime;

use super::{Lookup, ReferenceTable, Store, Tail};
use crate::{
    address::OpenError,
    answer::{Answer, Rejection},
    delivery::{Unavailable, Writer},
    domain::Domain,
    finding::Finding,
    shadow::{Comparison, ShadowAnswer},
};

use address::Settings;
use calls::Calls;
use lookup::MongoLookup;
use reference::MongoReference;
use takeover::Watch;
use writer::DocumentWriter;

/// A database of answers and rejections.
pub struct MongoStore<D> {
    calls: Arc<Calls>,
    /// Shared by all writers of answers.
    takeover: Arc<Watch>,
    domain: PhantomData<D>,
}

impl<D: Domain> MongoStore<D> {
    /// Opens `mongodb://host:27017/DATABASE?…`. The parameter `takeover` is read here, all others are the driver's.
    /// It connects to nothing yet.
    pub(crate) fn open(url: &str) -> Result<Self, OpenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mongo")
            .enable_all()
            .build()
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        let Settings { options, database, takeover } = address::parse(&runtime, url, D::COLLECTIONS.database)?;
        Ok(MongoStore {
            calls: Arc::new(Calls::new(runtime, options, database, D::COLLECTIONS)),
            takeover: Arc::new(Watch::new(takeover, D::COLLECTIONS.answers)),
            domain: PhantomData,
        })
    }
}

impl<D: Domain> Store<D> for MongoStore<D> {
    fn describe(&self) -> String {
        let hosts: Vec<_> = self.calls.options().hosts.iter().map(ToString::to_string).collect();
        format!("database {} at mongodb://{}", self.calls.database(), hosts.join(","))
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable> {
        let calls = Arc::clone(&self.calls);
        // Look-ups of the old system's documents need it.
        calls.index(D::COLLECTIONS.answers, doc! { "key": { "UUID": 1 }, "name": "UUID_1" })?;
        let takeover = Some(Arc::clone(&self.takeover));
        Ok(Box::new(DocumentWriter::new(calls, D::COLLECTIONS.answers, Answer::to_document, takeover)))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        let calls = Arc::clone(&self.calls);
        Ok(Box::new(DocumentWriter::new(calls, D::COLLECTIONS.rejections, Rejection::to_document, None)))
    }

    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer<D>>>, Unavailable> {
        shadow::expire(&self.calls)?;
        let calls = Arc::clone(&self.calls);
        Ok(Box::new(DocumentWriter::new(calls, D::COLLECTIONS.shadows, ShadowAnswer::to_document, None)))
    }

    fn compared(&self) -> Result<Vec<Comparison>, Unavailable> {
        shadow::compared(&self.calls)
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(MongoLookup { calls: Arc::clone(&self.calls), takeover: Arc::clone(&self.takeover) }))
    }

    fn reference(&self) -> Option<Box<dyn ReferenceTable>> {
        let reference = D::COLLECTIONS.reference?;
        Some(Box::new(MongoReference { calls: Arc::clone(&self.calls), reference }))
    }

    fn inspect(&self) -> Vec<Finding> {
        inspect::inspect(self)
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable> {
        let calls = Arc::clone(&self.calls);
        calls.index(D::COLLECTIONS.answers, doc! { "key": { "ScoredAt": 1, "_id": 1 }, "name": "ScoredAt_1__id_1" })?;
        Ok(Box::new(tail::MongoTail::new(calls, since)))
    }
}

#[cfg(test)]
mod tests;
