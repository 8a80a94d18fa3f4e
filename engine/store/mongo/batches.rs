//! The tasks of batches and their results, in collections of their own.
//!
//! Those of the old system have an ObjectId as `_id`, and tasks may lack a `UUID`: such a task goes by its `_id`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::NaiveDate;
use mongodb::{
    bson::{Bson, Document, doc},
    options::ReadConcern,
};
use serde_json::{Map, Value};

use super::{
    client::{MongoClient, QUERY_TIMEOUT},
    encoding::to_json,
    insert_reply::{InsertResult, parse_insert_reply},
};
use crate::{
    batch::{Place, Task, first_stamp, stamps_of},
    delivery::{Refusal, Unavailable},
    domain::BatchCollections,
    store::{Batches, DayCounts, ResultPage},
};

/// Timeout of a read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(12);
/// Time for which a server waits for a majority, ms.
const MAJORITY_MS: i32 = 5000;

/// Reads tasks and results, and writes tasks.
pub(super) struct MongoBatches {
    client: Arc<MongoClient>,
    collections: BatchCollections,
    /// The indexes were created. Not at the start: a page starts while the server is down.
    has_indexes: AtomicBool,
}

impl MongoBatches {
    pub(super) fn new(client: &Arc<MongoClient>, collections: BatchCollections) -> Self {
        MongoBatches { client: Arc::clone(client), collections, has_indexes: AtomicBool::new(false) }
    }

    /// Creates the indexes at the first call that succeeds.
    fn create_indexes(&self) -> Result<(), Unavailable> {
        if self.has_indexes.load(Ordering::Relaxed) {
            return Ok(());
        }
        let BatchCollections { tasks, results, stamp } = self.collections;
        for collection in [tasks, results] {
            let mut key = Document::new();
            key.insert(stamp, 1);
            key.insert("_id", 1);
            self.client.create_index(collection, doc! { "key": key, "name": format!("{stamp}_1__id_1") })?;
        }
        self.has_indexes.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the query of the rows of a day from a stamp on.
    fn query(&self, day: NaiveDate, first: String) -> Document {
        let mut query = Document::new();
        query.insert(self.collections.stamp, doc! { "$gte": first, "$lt": stamps_of(day).1 });
        query
    }

    fn page(
        &self,
        collection: &'static str,
        day: NaiveDate,
        from: &Place,
        rows_max: usize,
    ) -> Result<Vec<Document>, Unavailable> {
        self.create_indexes()?;
        let (query, skip) = (self.query(day, first_stamp(day, from)), u64::from(from.seen));
        let mut order = Document::new();
        order.insert(self.collections.stamp, 1);
        order.insert("_id", 1);
        self.client.call(&format!("cannot read {collection}"), READ_TIMEOUT, |database| async move {
            let collection = database.collection::<Document>(collection);
            let find = collection.find(query).sort(order);
            let find = find.skip(skip).limit(rows_max as i64).read_concern(ReadConcern::majority());
            let mut cursor = find.max_time(QUERY_TIMEOUT).await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.push(cursor.deserialize_current()?);
            }
            Ok(found)
        })
    }

    fn count(&self, collection: &'static str, day: NaiveDate) -> Result<u64, Unavailable> {
        let query = self.query(day, stamps_of(day).0);
        self.client.call(&format!("cannot count {collection}"), READ_TIMEOUT, |database| async move {
            database.collection::<Document>(collection).count_documents(query).max_time(QUERY_TIMEOUT).await
        })
    }

    fn task(&self, document: Document) -> Task {
        let stamp = document.get_str(self.collections.stamp).unwrap_or_default().to_owned();
        let id = match document.get("_id") {
            Some(Bson::String(id)) => id.clone(),
            Some(Bson::ObjectId(id)) => id.to_hex(),
            _ => String::new(),
        };
        let mut message = to_json(document);
        message.remove("_id");
        if !matches!(message.get("UUID"), Some(Value::String(_))) {
            message.insert("UUID".to_owned(), Value::String(id.clone()));
        }
        Task { id, stamp, message }
    }
}

/// Returns the document of a task: its message under its id.
fn to_document(task: &Task) -> Result<Document, String> {
    let mut document = doc! { "_id": &task.id };
    let message = Bson::try_from(Value::Object(task.message.clone())).map_err(|error| error.to_string())?;
    let Bson::Document(message) = message else { return Err("the message is no object".to_owned()) };
    document.extend(message);
    Ok(document)
}

impl Batches for MongoBatches {
    fn add(&self, tasks: &[Task]) -> Result<Vec<Refusal>, Unavailable> {
        let (mut refusals, mut rows, mut documents) = (Vec::new(), Vec::new(), Vec::new());
        for (row, task) in tasks.iter().enumerate() {
            match to_document(task) {
                Ok(document) => {
                    rows.push(row);
                    documents.push(document);
                }
                Err(reason) => refusals.push(Refusal { row, reason }),
            }
        }
        if rows.is_empty() {
            return Ok(refusals);
        }
        self.create_indexes()?;
        let collection = self.collections.tasks;
        let doing = format!("cannot write to {collection}");
        let command = doc! {
            "insert": collection, "documents": documents, "ordered": false,
            "writeConcern": { "w": "majority", "wtimeout": MAJORITY_MS },
        };
        let insert = |database: mongodb::Database| async move { database.run_command(command).await };
        let reply = self.client.call(&doing, WRITE_TIMEOUT, insert)?;
        // A duplicate that the server does not attribute to an index is one of `_id`: there is no other unique one.
        let InsertResult { refused, ambiguous: _ } = parse_insert_reply(&reply, rows.len())
            .map_err(|error| Unavailable { reason: format!("{doing}: {}", error.reason), ..error })?;
        refusals.extend(
            refused.into_iter().filter_map(|Refusal { row, reason }| Some(Refusal { row: *rows.get(row)?, reason })),
        );
        Ok(refusals)
    }

    fn tasks(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<Vec<Task>, Unavailable> {
        let documents = self.page(self.collections.tasks, day, from, rows_max)?;
        Ok(documents.into_iter().map(|document| self.task(document)).collect())
    }

    fn results(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<ResultPage, Unavailable> {
        let documents = self.page(self.collections.results, day, from, rows_max)?;
        let stamps = documents.iter().map(|document| document.get_str(self.collections.stamp).unwrap_or_default());
        let next = from.after(stamps);
        Ok(ResultPage { rows: documents.into_iter().map(to_json).collect::<Vec<Map<_, _>>>(), next })
    }

    fn counts(&self, day: NaiveDate) -> Result<DayCounts, Unavailable> {
        self.create_indexes()?;
        let BatchCollections { tasks, results, .. } = self.collections;
        Ok(DayCounts { tasks: self.count(tasks, day)?, results: self.count(results, day)? })
    }
}
