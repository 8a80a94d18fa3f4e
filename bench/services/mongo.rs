//! A database for a measurement, through the plain driver.

use std::time::Instant;

use delaycast::domain::{Answer, Flights};
use engine::{
    document::{self, Value},
    domain::Domain,
};
use mongodb::{
    Client, Database,
    bson::{Bson, DateTime, Document, doc},
    options::WriteConcern,
};
use tokio::runtime::Runtime;

pub(super) const ANSWERS: &str = Flights::COLLECTIONS.answers;

/// Dropped with the value.
pub(crate) struct TestDatabase {
    pub(crate) runtime: Runtime,
    pub(crate) handle: Database,
    url: String,
}

impl TestDatabase {
    pub(crate) fn make(mongo: &str, name: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let name = format!("delaycast_bench_{}_{name}", std::process::id());
        let url = format!("{}/{name}", mongo.trim_end_matches('/'));
        let handle = runtime.block_on(Client::with_uri_str(&url))?.database(&name);
        Ok(TestDatabase { runtime, handle, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn count(&self) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(self.handle.collection::<Document>(ANSWERS).count_documents(doc! {}).into_future())?)
    }

    /// Documents per second that concurrent tasks insert in batches, into a collection with the store's index.
    pub(super) fn insert(&self, documents: Vec<Document>, tasks: usize, batch: usize) -> anyhow::Result<f64> {
        let count = documents.len();
        let share = count.div_ceil(tasks);
        let shares: Vec<Vec<Document>> = documents.chunks(share).map(<[Document]>::to_vec).collect();
        drop(documents);
        let index = doc! { "createIndexes": ANSWERS, "indexes": [{ "key": { "UUID": 1 }, "name": "UUID_1" }] };
        let database = &self.handle;
        self.runtime.block_on(async {
            database.run_command(index).await?;
            let started = Instant::now();
            let insert = |share: Vec<Document>| {
                let collection = database.collection::<Document>(ANSWERS);
                tokio::spawn(async move {
                    for documents in share.chunks(batch) {
                        let insert = collection.insert_many(documents).ordered(false);
                        insert.write_concern(WriteConcern::majority()).await?;
                    }
                    mongodb::error::Result::Ok(())
                })
            };
            let running: Vec<_> = shares.into_iter().map(insert).collect();
            for task in running {
                task.await??;
            }
            Ok(count as f64 / started.elapsed().as_secs_f64())
        })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A database that stays does no harm.
        let _ = self.runtime.block_on(self.handle.drop().into_future());
    }
}

/// The document of an answer, as the store writes it.
pub(super) fn document(answer: &Answer) -> Document {
    to_bson_document(answer.to_document())
}

fn to_bson_document(document: document::Document<'_>) -> Document {
    document.into_iter().map(|(name, value)| (name.to_owned(), to_bson(value))).collect()
}

fn to_bson(value: Value<'_>) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(truth) => Bson::Boolean(truth),
        Value::Text(text) => Bson::String(text.into_owned()),
        Value::Int32(number) => Bson::Int32(number),
        Value::Double(number) => Bson::Double(number),
        Value::Date(at) => Bson::DateTime(DateTime::from_millis(at.timestamp_millis())),
        Value::Doubles(numbers) => Bson::Array(numbers.into_iter().map(Bson::Double).collect()),
        Value::Document(fields) => Bson::Document(to_bson_document(fields)),
    }
}
