//! Writes documents: unordered inserts, acknowledged by a majority.
//!
//! 1. A duplicate that the server does not say to be one of `_id` counts as one if the server lists no other unique index,
//!    before the insert and after it. Else it is looked up by `_id`, and in the collection of answers by `UUID` as well, as an index on that field may be unique. What is found stands. What is not found is
//!    a duplicate of something else, and refused for good.
//! 2. An answer is not written where another system's stands under the same UUID: see [`super::takeover`].

use std::{collections::HashSet, sync::Arc, time::Duration};

use mongodb::bson::{Bson, Document, doc};

use super::{
    calls::Calls,
    lookup::having,
    render::to_bson,
    takeover::Watch,
    verdict::{Verdict, verdict},
};
use crate::{
    delivery::{Refusal, Unavailable, Writer},
    document,
};

/// One command carries at most about this many bytes of documents; a server takes 16 MiB.
const INSERT_BYTES_MAX: usize = 8 << 20;
/// The largest document that a server takes.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// How long a server waits for a majority, ms.
const MAJORITY_MS: i32 = 5000;
/// How long one command may take: finding a server, then the majority, then a little more.
const INSERT: Duration = Duration::from_secs(12);

/// Writes rows of one collection.
pub(super) struct DocumentWriter<T> {
    pub(super) calls: Arc<Calls>,
    pub(super) collection: &'static str,
    pub(super) document: fn(&T) -> document::Document,
    /// Looks for answers of another system, where the collection may have some.
    pub(super) takeover: Option<Arc<Watch>>,
    /// Whether the server has listed no unique index but the one on `_id`; `None` before it was asked.
    only_id_is_unique: Option<bool>,
}

impl<T> DocumentWriter<T> {
    pub(super) fn new(
        calls: Arc<Calls>,
        collection: &'static str,
        document: fn(&T) -> document::Document,
        takeover: Option<Arc<Watch>>,
    ) -> Self {
        DocumentWriter { calls, collection, document, takeover, only_id_is_unique: None }
    }

    fn insert(&mut self, batch: &mut Batch, refusals: &mut Vec<Refusal>) -> Result<(), Unavailable> {
        let Batch { mut rows, mut documents, .. } = std::mem::take(batch);
        if let Some(takeover) = &self.takeover
            && !rows.is_empty()
            && takeover.looks_up(&self.calls)?
        {
            let ids: Vec<String> = documents.iter().filter_map(id).collect();
            let answered = having(&self.calls, self.collection, "UUID", &ids)?;
            let mut open = documents.iter().map(|document| id(document).is_none_or(|id| !answered.contains(&id)));
            rows.retain(|_| open.next().unwrap_or(true));
            documents.retain(|document| id(document).is_none_or(|id| !answered.contains(&id)));
        }
        if rows.is_empty() {
            return Ok(());
        }
        if self.only_id_is_unique.is_none() {
            self.only_id_is_unique = Some(self.calls.only_id_is_unique(self.collection)?);
        }
        let ids: Vec<Option<String>> = documents.iter().map(id).collect();
        let command = doc! {
            "insert": self.collection,
            "documents": documents,
            "ordered": false,
            "writeConcern": { "w": "majority", "wtimeout": MAJORITY_MS },
        };
        let doing = format!("cannot write to {}", self.collection);
        let insert = |database: mongodb::Database| async move { database.run_command(command).await };
        let reply = self.calls.call(&doing, INSERT, insert)?;
        let Verdict { refused, unclear } = verdict(&reply, rows.len())
            .map_err(|error| Unavailable { reason: format!("{doing}: {}", error.reason), ..error })?;
        let unclear = if self.are_of_the_id(&unclear)? { Vec::new() } else { unclear };
        let id_of = |refusal: &Refusal| ids.get(refusal.row).cloned().flatten();
        let there = self.standing(&unclear.iter().filter_map(id_of).collect::<Vec<_>>())?;
        let unclear = unclear.into_iter().filter(|refusal| id_of(refusal).is_none_or(|id| !there.contains(&id)));
        let duplicates = unclear.map(|Refusal { row, reason }| Refusal {
            row,
            reason: format!("a unique index on something else than _id holds the same value: {reason}"),
        });
        let refused = refused.into_iter().chain(duplicates);
        refusals
            .extend(refused.filter_map(|Refusal { row, reason }| rows.get(row).map(|&row| Refusal { row, reason })));
        Ok(())
    }

    /// Returns whether the server lists no index that these duplicates could be of but the one on `_id`.
    fn are_of_the_id(&mut self, unclear: &[Refusal]) -> Result<bool, Unavailable> {
        if unclear.is_empty() {
            return Ok(true);
        }
        let before = self.only_id_is_unique;
        let now = self.calls.only_id_is_unique(self.collection)?;
        self.only_id_is_unique = Some(now);
        Ok(before == Some(true) && now)
    }

    /// Of these ids those under which a document stands.
    fn standing(&self, ids: &[String]) -> Result<HashSet<String>, Unavailable> {
        let mut found = having(&self.calls, self.collection, "_id", ids)?;
        if self.collection == self.calls.collections.answers {
            let others: Vec<String> = ids.iter().filter(|id| !found.contains(*id)).cloned().collect();
            found.extend(having(&self.calls, self.collection, "UUID", &others)?);
        }
        Ok(found)
    }
}

/// The id of a document on its way.
fn id(document: &Bson) -> Option<String> {
    document.as_document()?.get_str("_id").ok().map(str::to_owned)
}

/// Documents on their way, and which rows they are.
#[derive(Default)]
struct Batch {
    rows: Vec<usize>,
    documents: Vec<Bson>,
    bytes: usize,
}

impl<T> Writer<T> for DocumentWriter<T> {
    fn write(&mut self, rows: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        let (mut refusals, mut batch) = (Vec::new(), Batch::default());
        for (row, value) in rows.iter().enumerate() {
            let document = to_bson(&(self.document)(value));
            let bytes = match size(&document) {
                Ok(bytes) => bytes,
                Err(reason) => {
                    refusals.push(Refusal { row, reason });
                    continue;
                }
            };
            if batch.bytes + bytes > INSERT_BYTES_MAX {
                self.insert(&mut batch, &mut refusals)?;
            }
            batch.rows.push(row);
            batch.documents.push(Bson::Document(document));
            batch.bytes += bytes;
        }
        self.insert(&mut batch, &mut refusals)?;
        refusals.sort_unstable_by_key(|refusal| refusal.row);
        Ok(refusals)
    }
}

/// The size of a document, in bytes, or why it cannot be one.
fn size(document: &Document) -> Result<usize, String> {
    match document.to_vec() {
        Ok(bytes) if bytes.len() <= DOCUMENT_BYTES_MAX => Ok(bytes.len()),
        Ok(bytes) => Err(format!("the document has {} bytes, and a server takes 16 MiB", bytes.len())),
        Err(error) => Err(format!("the document cannot be encoded: {error}")),
    }
}
