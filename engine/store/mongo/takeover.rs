//! Takes over a collection of answers that another system has written to.
//!
//! The old job's documents have an ObjectId as `_id` and name the request in the field `UUID` alone, so an insert
//! under the request's UUID does not meet them as duplicates.
//!
//! 1. If an answer stands under a request's UUID, whatever its `_id` is, it stays and no other one is written. The
//!    UUIDs of a batch are looked up before its insert, in one query on the index on `UUID` per thousand.
//! 2. With `takeover=auto`, the default, they are looked up only if the collection holds a document whose `_id` is no
//!    string. A query on the index on `_id` tells, before the first insert and then once a minute, as another system
//!    may begin to write later. Once there is such a document, UUIDs are looked up for as long as the store is open.
//!    A query that takes long is made less often. A server that scans and does not find one in time is taken to hold
//!    none, with a warning: it could not look UUIDs up in time either.
//! 3. `takeover=on` looks UUIDs up always, also where another system's answers have strings as `_id`; `takeover=off`
//!    never does.
//! 4. Of several answers under one UUID the first is the answer: an ObjectId says when it was made, ours say when
//!    they were scored. One without either time goes before those that have one.
//! 5. A look-up by a request's id finds the answer of rule 4, whatever `takeover` says: an answer that was visible
//!    stays so. Where there is no document of another system it reads the document under the `_id`, as before.
//!
//! Two systems that answer the same request at the same moment can both find nothing and both write; rule 4 then says
//! which one counts. A unique index on `UUID` excludes that.

use std::time::{Duration, Instant};

use mongodb::{
    Database,
    bson::{Bson, Document, doc},
};

use super::{
    calls::Calls,
    fault::code,
    lookup::{FIND, QUERY},
};
use crate::{delivery::Unavailable, runtime::Mutex};

/// Documents of another system are looked for this often,
const EXAMINE: Duration = Duration::from_secs(60);
/// and less often where a server scans for them: for at most one part in this many of the time.
const EXAMINE_SHARE: u32 = 100;
/// MaxTimeMSExpired.
const TOOK_TOO_LONG: i32 = 50;

/// When UUIDs are looked up before an insert.
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

/// Knows whether the collection holds documents of another system.
pub(super) struct Watch {
    takeover: Takeover,
    /// The collection of answers.
    answers: &'static str,
    seen: Mutex<Seen>,
}

/// The last result of looking for another system's documents.
struct Seen {
    some: bool,
    /// While none was seen: time of the next look.
    again_at: Option<Instant>,
}

/// Documents whose `_id` is no string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Examined {
    None,
    Some,
    /// The server has given the query up.
    Unknown,
}

impl Watch {
    pub(super) fn new(takeover: Takeover, answers: &'static str) -> Self {
        Watch { takeover, answers, seen: Mutex::new(Seen { some: takeover == Takeover::On, again_at: None }) }
    }

    pub(super) fn takeover(&self) -> Takeover {
        self.takeover
    }

    /// Returns whether UUIDs are to be looked up before an insert. At times it asks the server.
    pub(super) fn looks_up(&self, calls: &Calls) -> Result<bool, Unavailable> {
        if self.takeover == Takeover::Off {
            return Ok(false);
        }
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let (began_at, answers) = (Instant::now(), self.answers);
        let doing = "cannot look for documents of another system";
        let examined = match calls.call(doing, FIND, |database| async move { examine(&database, answers).await }) {
            // It scans, and has no limit of its own. An outage says nothing of the documents.
            Err(error) if began_at.elapsed() >= QUERY => {
                calls.call(doing, FIND, |database| async move { database.run_command(doc! { "ping": 1 }).await })?;
                tracing::debug!("{error}");
                Examined::Unknown
            }
            examined => examined?,
        };
        self.learn(examined, began_at.elapsed());
        Ok(examined == Examined::Some)
    }

    /// Returns whether there are documents of another system, as far as that is known; `None` if the server is to be
    /// asked.
    pub(super) fn known(&self) -> Option<bool> {
        let seen = self.seen.lock();
        (seen.some || seen.again_at.is_some_and(|at| Instant::now() < at)).then_some(seen.some)
    }

    /// Takes note of what a look has found that took so long.
    pub(super) fn learn(&self, examined: Examined, took: Duration) {
        let mut seen = self.seen.lock();
        if seen.some {
            return;
        }
        seen.some = examined == Examined::Some;
        let answers = self.answers;
        seen.again_at = Some(Instant::now() + EXAMINE.max(took * EXAMINE_SHARE));
        match examined {
            Examined::None => {}
            Examined::Some => tracing::info!(
                "{answers} holds documents of another system: an answer under the same UUID stands, and is looked for"
            ),
            Examined::Unknown => tracing::warn!(
                "the server scans {answers}, and does not find out in time whether it holds documents of another system: \
                 it is taken to hold none. If it does, set takeover=on in the store's URL"
            ),
        }
    }
}

/// Looks for a document of another system.
pub(super) async fn examine(database: &Database, answers: &str) -> mongodb::error::Result<Examined> {
    // No string is less than the empty one, and a comparison holds between equal types alone. On the index on _id
    // that is two ranges: what sorts before all strings, and what sorts after them.
    let others = doc! { "_id": { "$not": { "$gte": "" } } };
    let answers = database.collection::<Document>(answers);
    match answers.find_one(others).projection(doc! { "_id": 1 }).max_time(QUERY).await {
        Ok(found) => Ok(found.map_or(Examined::None, |_| Examined::Some)),
        Err(error) if code(&error) == Some(TOOK_TOO_LONG) => Ok(Examined::Unknown),
        Err(error) => Err(error),
    }
}

/// The answer among the documents under one UUID: see rule 4.
pub(super) fn first(documents: Vec<Document>) -> Option<Document> {
    documents.into_iter().min_by_key(made_at)
}

/// When a document was made, in ms, and what decides between two of the same moment.
fn made_at(document: &Document) -> (i64, [u8; 12]) {
    match (document.get("_id"), document.get("ScoredAt")) {
        (Some(Bson::ObjectId(id)), _) => (id.timestamp().timestamp_millis(), id.bytes()),
        // Behind an ObjectId of the same moment.
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
                assert_eq!(first(documents).unwrap().get_str("by").unwrap(), by);
            }
        }
        assert_eq!(first(vec![]), None);
    }
}
