//! The table of the domain's reference data: documents like `{"_id": "A-B", "From": "A", "To": "B", "Value": 21.0}`.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Bson, Document, doc};
use serde_json::{Map, Value};

use super::{
    client::MongoClient,
    encoding::to_json,
    insert_reply::{InsertResult, parse_insert_reply},
    lookup::existing,
};
use crate::{
    delivery::{Refusal, Unavailable},
    domain::Reference,
    store::{Entry, ReferenceTable},
};

/// Timeout of a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of the query at the server.
const QUERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Upper bound on the updates in one command: FerretDB was seen to hang at more than a hundred.
const UPDATES_MAX: usize = 50;

pub(super) struct MongoReference {
    pub(super) client: Arc<MongoClient>,
    pub(super) reference: Reference,
}

impl MongoReference {
    fn run(&self, doing: &str, command: Document) -> Result<Document, Unavailable> {
        self.client.call(doing, CALL_TIMEOUT, |database| async move { database.run_command(command).await })
    }

    /// Returns the fields of the key with the values of a row.
    fn key(&self, Entry { key, .. }: &Entry) -> Document {
        self.reference.key.iter().zip(key).map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect()
    }

    /// Returns the document of a row. Its id is its key, so two processes that load at once cannot both insert it.
    /// Documents of other systems have other ids.
    fn document(&self, entry: &Entry) -> Document {
        let mut document = doc! { "_id": id(entry) };
        document.extend(self.key(entry));
        document.insert(self.reference.value, entry.value);
        document
    }
}

impl ReferenceTable for MongoReference {
    fn read(&self, documents_max: usize) -> Result<Vec<Map<String, Value>>, Unavailable> {
        let name = self.reference.collection;
        self.client.call(&format!("cannot read {name}"), CALL_TIMEOUT, |database| async move {
            // Sorted by id: of two contradicting documents all readers take the same.
            let collection = database.collection::<Document>(name);
            let query = collection.find(doc! {}).sort(doc! { "_id": 1 });
            let mut cursor = query.limit(documents_max as i64).max_time(QUERY_TIMEOUT).await?;
            let mut documents = Vec::new();
            while cursor.advance().await? {
                documents.push(to_json(cursor.deserialize_current()?));
            }
            Ok(documents)
        })
    }

    fn insert(&self, entries: &[Entry]) -> Result<(), Unavailable> {
        let Reference { collection, key, .. } = self.reference;
        let doing = format!("cannot write to {collection}");
        let fields: Document = key.iter().map(|name| ((*name).to_owned(), Bson::Int32(1))).collect();
        let name: Vec<String> = key.iter().map(|name| format!("{name}_1")).collect();
        self.client.create_index(collection, doc! { "key": fields, "name": name.join("_") })?;
        let documents: Vec<Document> = entries.iter().map(|entry| self.document(entry)).collect();
        let command = doc! {
            "insert": collection, "documents": documents, "ordered": false, "writeConcern": { "w": "majority" },
        };
        let InsertResult { mut refused, mut ambiguous } =
            parse_insert_reply(&self.run(&doing, command)?, entries.len())?;
        // A duplicate in another unique index is not an existing row.
        let id = |refusal: &Refusal| entries.get(refusal.row).map(id);
        let found = existing(&self.client, collection, "_id", &ambiguous.iter().filter_map(id).collect::<Vec<_>>())?;
        ambiguous.retain(|refusal| id(refusal).is_none_or(|id| !found.contains(&id)));
        refused.append(&mut ambiguous);
        let first = refused.first().and_then(|refusal| Some((id(refusal)?, &refusal.reason)));
        match first {
            None => Ok(()),
            Some((id, reason)) => Err(Unavailable::needs_operator(format!("{doing}: {id} is refused: {reason}"))),
        }
    }

    fn update(&self, entries: &[Entry]) -> Result<(), Unavailable> {
        let Reference { collection, value, .. } = self.reference;
        let doing = format!("cannot change {collection}");
        for some in entries.chunks(UPDATES_MAX) {
            let update = |entry: &Entry| {
                let mut changed = Document::new();
                changed.insert(value, entry.value);
                doc! { "q": self.key(entry), "u": { "$set": changed }, "multi": true }
            };
            let updates: Vec<Document> = some.iter().map(update).collect();
            let command = doc! { "update": collection, "updates": updates, "writeConcern": { "w": "majority" } };
            let reply = self.run(&doing, command)?;
            if let Some(error) = ["writeErrors", "writeConcernError"].iter().find_map(|name| reply.get(name)) {
                let error: String = error.to_string().chars().take(300).collect();
                return Err(Unavailable::transient(format!("{doing}: {error}")));
            }
        }
        Ok(())
    }
}

fn id(Entry { key, .. }: &Entry) -> String {
    key.join("-")
}
