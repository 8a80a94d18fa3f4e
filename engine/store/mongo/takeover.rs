//! Takes over a collection of answers that another system has written to.
//!
//! The old job's documents have an ObjectId as `_id` and the request's id only in the field `UUID`, so an insert under
//! the request's UUID does not collide with them.
//!
//! 1. If an answer exists under a request's UUID, whatever its `_id` is, it stays and no other one is written. The
//!    UUIDs of a batch are looked up before its insert, in one query on the index on `UUID` per thousand.
//! 2. With `takeover=auto`, the default, they are looked up only if the collection holds a document whose `_id` is not
//!    a string. A query on the index on `_id` detects that, before the first insert and then once a minute, as another
//!    system may begin to write later. Once there is such a document, UUIDs are looked up while the store is open. A
//!    slow query is made less often. A server that scans and does not find one in time is assumed to hold none, with a
//!    warning: it could not look up UUIDs in time either.
//! 3. `takeover=on` always looks up UUIDs, for answers of another system with strings as `_id`; `takeover=off` never
//!    does.
//! 4. Of several answers under one UUID the first is the answer: an ObjectId has the time of its creation, an own
//!    answer that of its scoring. One without either time goes before those that have one.
//! 5. A look-up by a request's id finds the answer of rule 4 with any value of `takeover`: a visible answer stays
//!    visible. Without documents of another system it reads the document under the `_id`.
//!
//! Two systems that answer the same request at the same moment can both find nothing and both write; rule 4 then
//! decides. A unique index on `UUID` prevents that.

use std::time::{Duration, Instant};

use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};

use super::client::{FIND_TIMEOUT, MongoClient, QUERY_TIMEOUT, code};
use crate::{delivery::Unavailable, runtime::Mutex};

/// Interval at which documents of another system are looked for.
const DETECT_INTERVAL: Duration = Duration::from_secs(60);
/// A server that scans for them is asked less often: for at most one part in this many of the time.
const DETECT_SHARE: u32 = 100;
/// The code of a query that exceeded its time.
const MAX_TIME_MS_EXPIRED: i32 = 50;

/// The condition on which UUIDs are looked up before an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Takeover {
    /// If the collection holds documents of another system.
    #[default]
    Auto,
    On,
    Off,
}

impl Takeover {
    /// The values of the URL's parameter.
    pub(super) const VALUES: [(&str, Takeover); 3] =
        [("auto", Takeover::Auto), ("on", Takeover::On), ("off", Takeover::Off)];
}

/// Detects documents of another system.
pub(super) struct TakeoverDetector {
    takeover: Takeover,
    /// The collection of answers.
    answers: &'static str,
    detection: Mutex<Detection>,
}

/// The last result of the detection.
struct Detection {
    found: bool,
    /// The time of the next query, while none is found.
    next_at: Option<Instant>,
}

/// The documents whose `_id` is not a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherDocuments {
    None,
    Some,
    /// The query exceeded its time.
    Unknown,
}

impl TakeoverDetector {
    pub(super) fn new(takeover: Takeover, answers: &'static str) -> Self {
        TakeoverDetector {
            takeover,
            answers,
            detection: Mutex::new(Detection { found: takeover == Takeover::On, next_at: None }),
        }
    }

    pub(super) fn takeover(&self) -> Takeover {
        self.takeover
    }

    /// Returns whether UUIDs are to be looked up before an insert. Queries the server if needed.
    pub(super) fn is_active(&self, client: &MongoClient) -> Result<bool, Unavailable> {
        if self.takeover == Takeover::Off {
            return Ok(false);
        }
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let (began_at, answers) = (Instant::now(), self.answers);
        let doing = "cannot look for documents of another system";
        let others =
            match client.call(doing, FIND_TIMEOUT, |database| async move { find_others(&database, answers).await }) {
                // The server scans, and ignores the time limit. An outage would mean nothing.
                Err(error) if began_at.elapsed() >= QUERY_TIMEOUT => {
                    client.call(doing, FIND_TIMEOUT, |database| async move {
                        database.run_command(doc! { "ping": 1 }).await
                    })?;
                    tracing::debug!("{error}");
                    OtherDocuments::Unknown
                }
                others => others?,
            };
        self.learn(others, began_at.elapsed());
        Ok(others == OtherDocuments::Some)
    }

    /// Returns whether there are documents of another system; `None` if the server is to be queried.
    pub(super) fn known(&self) -> Option<bool> {
        let detection = self.detection.lock();
        (detection.found || detection.next_at.is_some_and(|at| Instant::now() < at)).then_some(detection.found)
    }

    /// Records the result of a query and its duration.
    pub(super) fn learn(&self, others: OtherDocuments, took: Duration) {
        let mut detection = self.detection.lock();
        if detection.found {
            return;
        }
        detection.found = others == OtherDocuments::Some;
        let answers = self.answers;
        detection.next_at = Some(Instant::now() + DETECT_INTERVAL.max(took * DETECT_SHARE));
        match others {
            OtherDocuments::None => {}
            OtherDocuments::Some => tracing::info!(
                "{answers} holds documents of another system: an answer under the same UUID stands, and is looked for"
            ),
            OtherDocuments::Unknown => tracing::warn!(
                "the server scans {answers}, and does not find out in time whether it holds documents of another system: \
                 it is taken to hold none. If it does, set takeover=on in the store's URL"
            ),
        }
    }
}

/// Queries for a document of another system.
pub(super) async fn find_others(database: &Database, answers: &str) -> mongodb::error::Result<OtherDocuments> {
    // No string is less than the empty one, and values of other types do not compare. On the index on _id these are two
    // ranges: one before all strings, and one after them.
    let others = doc! { "_id": { "$not": { "$gte": "" } } };
    let answers = database.collection::<Document>(answers);
    match answers.find_one(others).projection(doc! { "_id": 1 }).max_time(QUERY_TIMEOUT).await {
        Ok(found) => Ok(found.map_or(OtherDocuments::None, |_| OtherDocuments::Some)),
        Err(error) if code(&error) == Some(MAX_TIME_MS_EXPIRED) => Ok(OtherDocuments::Unknown),
        Err(error) => Err(error),
    }
}

/// Returns the answer among the documents under one UUID: see rule 4.
pub(super) fn first_answer(documents: Vec<Document>) -> Option<Document> {
    documents.into_iter().min_by_key(creation)
}

/// Returns the time of a document's creation in ms, and a tie-breaker.
fn creation(document: &Document) -> (i64, [u8; 12]) {
    match (document.get("_id"), document.get("ScoredAt")) {
        (Some(Bson::ObjectId(id)), _) => (id.timestamp().timestamp_millis(), id.bytes()),
        // After an ObjectId of the same time.
        (_, Some(Bson::DateTime(at))) => (at.timestamp_millis(), [u8::MAX; 12]),
        _ => (i64::MIN, [0; 12]),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{DateTime, oid::ObjectId};

    use super::*;

    fn old(second: u32, rest: u8) -> Document {
        let mut bytes = [rest; 12];
        bytes[..4].copy_from_slice(&second.to_be_bytes());
        doc! { "_id": ObjectId::from_bytes(bytes), "UUID": "u", "by": format!("old {second} {rest}") }
    }

    fn ours(ms: i64) -> Document {
        doc! { "_id": "u", "UUID": "u", "ScoredAt": DateTime::from_millis(ms), "by": format!("ours {ms}") }
    }

    #[test]
    fn rule_4_of_several_answers_under_one_uuid_the_first_is_the_answer() {
        let foreign = doc! { "_id": 7, "UUID": "u", "by": "foreign" };
        let copied = doc! { "_id": "6b04f9a1c0ffee0123456789", "UUID": "u", "by": "copied" };
        for (documents, by) in [
            (vec![ours(5)], "ours 5"),
            (vec![old(3, 0), old(2, 9), old(2, 1)], "old 2 1"),
            (vec![ours(2999), old(3, 0)], "ours 2999"),
            (vec![ours(3001), old(3, 0)], "old 3 0"),
            // An ObjectId has whole seconds.
            (vec![ours(3000), old(3, 255)], "old 3 255"),
            (vec![ours(1), old(1, 0), foreign], "foreign"),
            (vec![ours(1), copied], "copied"),
        ] {
            for documents in [documents.clone(), documents.into_iter().rev().collect()] {
                assert_eq!(first_answer(documents).unwrap().get_str("by").unwrap(), by);
            }
        }
        assert_eq!(first_answer(vec![]), None);
    }
}
