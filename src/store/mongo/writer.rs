//! Writes documents: unordered inserts, acknowledged by a majority.

use std::{sync::Arc, time::Duration};

use mongodb::bson::{Bson, Document, doc};

use super::{calls::Calls, render::to_bson, verdict::verdict};
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
}

impl<T> DocumentWriter<T> {
    fn insert(&self, batch: &mut Batch, refusals: &mut Vec<Refusal>) -> Result<(), Unavailable> {
        let Batch { rows, documents, .. } = std::mem::take(batch);
        if rows.is_empty() {
            return Ok(());
        }
        let command = doc! {
            "insert": self.collection,
            "documents": documents,
            "ordered": false,
            "writeConcern": { "w": "majority", "wtimeout": MAJORITY_MS },
        };
        let doing = format!("cannot write to {}", self.collection);
        let insert = |database: mongodb::Database| async move { database.run_command(command).await };
        let reply = self.calls.call(&doing, INSERT, insert)?;
        let refused = verdict(&reply, rows.len())
            .map_err(|error| Unavailable { reason: format!("{doing}: {}", error.reason), ..error })?;
        refusals.extend(
            refused.into_iter().filter_map(|Refusal { row, reason }| rows.get(row).map(|&row| Refusal { row, reason })),
        );
        Ok(())
    }
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
