//! Writes documents: unordered inserts, acknowledged by a majority.
//!
//! 1. A duplicate that the server does not attribute to `_id` counts as one of `_id` if the server lists no other
//!    unique index, before the insert and after it. Else it is looked up by `_id`, and in the collection of answers by
//!    `UUID` as well, as an index on that field may be unique. A document that is found stands. One that is not found
//!    is a duplicate in another index, and refused for good.
//! 2. An answer is not written if another system's exists under the same UUID: see [`super::takeover`].

use std::{collections::HashSet, sync::Arc, time::Duration};

use mongodb::bson::{RawArrayBuf, RawDocumentBuf, rawdoc};

use super::{
    client::MongoClient,
    encoding::to_bson,
    insert_reply::{InsertResult, parse_insert_reply},
    lookup::existing,
    takeover::TakeoverDetector,
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    document,
};

/// Approximate upper bound on the documents of one command; a server takes 16 MiB.
const INSERT_BYTES_MAX: usize = 8 << 20;
/// Upper bound on a document, set by the server.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// Time for which a server waits for a majority, ms.
const MAJORITY_MS: i32 = 5000;
/// Timeout of one command: server selection, the majority, and a margin.
const INSERT_TIMEOUT: Duration = Duration::from_secs(12);

/// Writes rows of one collection.
pub(super) struct DocumentWriter<T> {
    pub(super) client: Arc<MongoClient>,
    pub(super) collection: &'static str,
    pub(super) document: fn(&T) -> document::Document,
    /// Detects answers of another system, if the collection may have some.
    pub(super) takeover: Option<Arc<TakeoverDetector>>,
    /// True if the server lists no unique index but the one on `_id`; `None` before the first check.
    only_id_is_unique: Option<bool>,
}

impl<T> DocumentWriter<T> {
    pub(super) fn new(
        client: Arc<MongoClient>,
        collection: &'static str,
        document: fn(&T) -> document::Document,
        takeover: Option<Arc<TakeoverDetector>>,
    ) -> Self {
        DocumentWriter { client, collection, document, takeover, only_id_is_unique: None }
    }

    fn insert(&mut self, batch: &mut Batch, refusals: &mut Vec<Refusal>) -> Result<(), Unavailable> {
        let Batch { mut rows, mut documents, .. } = std::mem::take(batch);
        if let Some(takeover) = &self.takeover
            && !rows.is_empty()
            && takeover.is_active(&self.client)?
        {
            let ids: Vec<String> = documents.iter().filter_map(id).collect();
            let answered = existing(&self.client, self.collection, "UUID", &ids)?;
            let mut open = documents.iter().map(|document| id(document).is_none_or(|id| !answered.contains(&id)));
            rows.retain(|_| open.next().unwrap_or(true));
            documents.retain(|document| id(document).is_none_or(|id| !answered.contains(&id)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        if self.only_id_is_unique.is_none() {
            self.only_id_is_unique = Some(self.client.only_id_is_unique(self.collection)?);
        }
        let ids: Vec<Option<String>> = documents.iter().map(id).collect();
        let command = rawdoc! {
            "insert": self.collection,
            "documents": RawArrayBuf::from_iter(documents),
            "ordered": false,
            "writeConcern": { "w": "majority", "wtimeout": MAJORITY_MS },
        };
        let doing = format!("cannot write to {}", self.collection);
        let insert = |database: mongodb::Database| async move { database.run_raw_command(command).await };
        let reply = self.client.call(&doing, INSERT_TIMEOUT, insert)?;
        let InsertResult { refused, ambiguous } = parse_insert_reply(&reply, rows.len())
            .map_err(|error| Unavailable { reason: format!("{doing}: {}", error.reason), ..error })?;
        let ambiguous = if self.are_on_id(&ambiguous)? { Vec::new() } else { ambiguous };
        let id_of = |refusal: &Refusal| ids.get(refusal.row).cloned().flatten();
        let existing = self.existing(&ambiguous.iter().filter_map(id_of).collect::<Vec<_>>())?;
        let ambiguous = ambiguous.into_iter().filter(|refusal| id_of(refusal).is_none_or(|id| !existing.contains(&id)));
        let duplicates = ambiguous.map(|Refusal { row, reason }| Refusal {
            row,
            reason: format!("a unique index on something else than _id holds the same value: {reason}"),
        });
        let refused = refused.into_iter().chain(duplicates);
        refusals
            .extend(refused.filter_map(|Refusal { row, reason }| rows.get(row).map(|&row| Refusal { row, reason })));
        Ok(())
    }

    /// Returns whether these duplicates can only be of the index on `_id`.
    fn are_on_id(&mut self, ambiguous: &[Refusal]) -> Result<bool, Unavailable> {
        if ambiguous.is_empty() {
            return Ok(true);
        }
        let before = self.only_id_is_unique;
        let now = self.client.only_id_is_unique(self.collection)?;
        self.only_id_is_unique = Some(now);
        Ok(before == Some(true) && now)
    }

    /// Returns those of these ids for which a document exists.
    fn existing(&self, ids: &[String]) -> Result<HashSet<String>, Unavailable> {
        let mut found = existing(&self.client, self.collection, "_id", ids)?;
        if self.collection == self.client.collections.answers {
            let others: Vec<String> = ids.iter().filter(|id| !found.contains(*id)).cloned().collect();
            found.extend(existing(&self.client, self.collection, "UUID", &others)?);
        }
        Ok(found)
    }
}

/// Returns the id of a document.
fn id(document: &RawDocumentBuf) -> Option<String> {
    document.get_str("_id").ok().map(str::to_owned)
}

/// The documents of a command, and the indexes of their rows.
#[derive(Default)]
struct Batch {
    rows: Vec<usize>,
    documents: Vec<RawDocumentBuf>,
    bytes: usize,
}

impl<T> Writer<T> for DocumentWriter<T> {
    fn write(&mut self, rows: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        let (mut refusals, mut batch) = (Vec::new(), Batch::default());
        for (row, value) in rows.iter().enumerate() {
            let document = match encode(&(self.document)(value)) {
                Ok(document) => document,
                Err(reason) => {
                    refusals.push(Refusal { row, reason });
                    continue;
                }
            };
            let bytes = document.as_bytes().len();
            if batch.bytes + bytes > INSERT_BYTES_MAX {
                self.insert(&mut batch, &mut refusals)?;
            }
            batch.rows.push(row);
            batch.documents.push(document);
            batch.bytes += bytes;
        }
        self.insert(&mut batch, &mut refusals)?;
        refusals.sort_unstable_by_key(|refusal| refusal.row);
        Ok(refusals)
    }
}

/// Returns a document as BSON, or the reason why a server would not take it.
fn encode(document: &document::Document) -> Result<RawDocumentBuf, String> {
    let bytes = to_bson(document);
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("the document has {} bytes, and a server takes 16 MiB", bytes.len()));
    }
    RawDocumentBuf::from_bytes(bytes).map_err(|error| format!("the document cannot be encoded: {error}"))
}
