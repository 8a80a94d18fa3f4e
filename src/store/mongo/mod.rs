//! The prediction store in MongoDB: the collections of the wire contract.
//!
//! A document's `_id` is the request's UUID, and it is only ever inserted: so the first answer wins, and writing it
//! again changes nothing. Clients of the old system look answers up by `UUID`, so that field has an index, and not a
//! unique one, since old data may hold duplicates.

mod address;
mod calls;
mod fault;
mod lookup;
mod render;
mod tail;
mod verdict;
mod writer;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use mongodb::bson::doc;
use tokio::runtime;

use super::{Lookup, Store, Tail};
use crate::{
    address::OpenError,
    answer::{Answer, Rejection},
    delivery::{Unavailable, Writer},
};

use calls::Calls;
use lookup::MongoLookup;
use writer::DocumentWriter;

/// The database, unless the URL names another.
pub const DATABASE: &str = "agile_data_science";
/// The collection of answers.
pub const ANSWERS: &str = "flight_delay_classification_response";
/// The collection of rejections.
pub const REJECTIONS: &str = "flight_delay_classification_rejection";

/// Making an index on a large collection takes a while; it goes on where it was given up.
const INDEX: Duration = Duration::from_secs(30);

/// Unauthorized, IndexOptionsConflict, IndexKeySpecsConflict.
const NOT_OURS_TO_INDEX: [i32; 3] = [13, 85, 86];

/// A database of answers and rejections.
pub struct MongoStore {
    calls: Arc<Calls>,
}

impl MongoStore {
    /// Opens `mongodb://host:27017/DATABASE?…`; all parameters are the driver's. It connects to nothing yet.
    pub(crate) fn open(url: &str) -> Result<Self, OpenError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mongo")
            .enable_all()
            .build()
            .map_err(|error| Unavailable::transient(format!("cannot start a thread: {error}")))?;
        let (options, database) = address::parse(&runtime, url)?;
        Ok(MongoStore { calls: Arc::new(Calls::new(runtime, options, database)) })
    }

    /// Makes the index that look-ups of the old system's documents need, and the one that tails need.
    fn make_index(&self) -> Result<(), Unavailable> {
        let command = doc! {
            "createIndexes": ANSWERS,
            "indexes": [
                { "key": { "UUID": 1 }, "name": "UUID_1" },
                { "key": { "ScoredAt": 1, "_id": 1 }, "name": "ScoredAt_1__id_1" },
            ],
        };
        let refused =
            self.calls.call("cannot make the index on UUID and that on ScoredAt", INDEX, |database| async move {
                match database.run_command(command).await {
                    Ok(_) => Ok(None),
                    // Somebody has made another one, or reserves that for himself: both are his to decide.
                    Err(error) if fault::code(&error).is_some_and(|code| NOT_OURS_TO_INDEX.contains(&code)) => {
                        Ok(Some(error))
                    }
                    Err(error) => Err(error),
                }
            })?;
        if let Some(error) = refused {
            tracing::warn!(
                "no indexes made in {ANSWERS}, so look-ups by UUID and following the answers may be slow: {}",
                error.kind
            );
        }
        Ok(())
    }
}

impl Store for MongoStore {
    fn describe(&self) -> String {
        let hosts: Vec<_> = self.calls.options().hosts.iter().map(ToString::to_string).collect();
        format!("database {} at mongodb://{}", self.calls.database(), hosts.join(","))
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer>>, Unavailable> {
        self.make_index()?;
        let calls = Arc::clone(&self.calls);
        Ok(Box::new(DocumentWriter { calls, collection: ANSWERS, document: Answer::to_document }))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        let calls = Arc::clone(&self.calls);
        Ok(Box::new(DocumentWriter { calls, collection: REJECTIONS, document: Rejection::to_document }))
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(MongoLookup { calls: Arc::clone(&self.calls) }))
    }

    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail>, Unavailable> {
        Ok(Box::new(tail::MongoTail::new(Arc::clone(&self.calls), since)))
    }
}

#[cfg(test)]
mod tests;
