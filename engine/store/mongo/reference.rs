//! The table of the domain's reference data: documents like `{"_id": "A-B", "From": "A", "To": "B", "Value": 21.0}`.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Bson, Document, doc};
use serde_json::{Map, Value};

use super::{
    calls::Calls,
    lookup::having,
    render::to_json,
    verdict::{Verdict, verdict},
};
use crate::{
    delivery::{Refusal, Unavailable},
    domain::Reference,
    store::{Entry, ReferenceTable},
};

/// One call takes at most this long.
const CALL: Duration = Duration::from_secs(30);
/// A server gives the query up after this long.
const QUERY: Duration = Duration::from_secs(20);
/// So many updates go into one command. FerretDB has been seen to hang at more than a hundred.
const UPDATES_MAX: usize = 50;

pub(super) struct MongoReference {
    pub(super) calls: Arc<Calls>,
    pub(super) reference: Reference,
}

impl MongoReference {
    fn run(&self, doing: &str, command: Document) -> Result<Document, Unavailable> {
        self.calls.call(doing, CALL, |database| async move { database.run_command(command).await })
    }

    /// The fields of the key with the values of a row.
    fn key(&self, Entry { key, .. }: &Entry) -> Document {
        self.reference.key.iter().zip(key).map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect()
    }

    /// Its id is its key, so that two who load at once cannot both insert it. Those of other systems have ids of their
    /// own.
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
        self.calls.call(&format!("cannot read {name}"), CALL, |database| async move {
            // In the order of their ids, so that everybody takes the same of two that contradict each other.
            let collection = database.collection::<Document>(name);
            let query = collection.find(doc! {}).sort(doc! { "_id": 1 });
            let mut cursor = query.limit(documents_max as i64).max_time(QUERY).await?;
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
        self.calls.index(collection, doc! { "key": fields, "name": name.join("_") })?;
        let documents: Vec<Document> = entries.iter().map(|entry| self.document(entry)).collect();
        let command = doc! {
            "insert": collection, "documents": documents, "ordered": false, "writeConcern": { "w": "majority" },
        };
        let Verdict { mut refused, mut unclear } = verdict(&self.run(&doing, command)?, entries.len())?;
        // A duplicate of another unique index is no row that is there.
        let id = |refusal: &Refusal| entries.get(refusal.row).map(id);
        let there = having(&self.calls, collection, "_id", &unclear.iter().filter_map(id).collect::<Vec<_>>())?;
        unclear.retain(|refusal| id(refusal).is_none_or(|id| !there.contains(&id)));
        refused.append(&mut unclear);
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
