//! What an operator should know of a database.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};

use super::{
    MongoStore,
    takeover::{Examined, Takeover, examine},
};
use crate::{delivery::Unavailable, domain::Domain, finding::Finding, store::Store};

/// One question takes at most this long.
const CALL: Duration = Duration::from_secs(6);
/// MongoDB 4.4: what the driver needs.
const WIRE_VERSION_MIN: i64 = 9;

pub(super) fn inspect<D: Domain>(store: &MongoStore<D>) -> Vec<Finding> {
    let answers = D::COLLECTIONS.answers;
    let place = store.describe();
    let hello = match ask(store, doc! { "hello": 1 }) {
        Ok(hello) => hello,
        Err(error) => {
            let advice = "see whether it runs, and whether host, user and password of the URL are right";
            return vec![Finding::fail("store", format!("{place}: {}", error.reason), advice)];
        }
    };
    let version = ask(store, doc! { "buildInfo": 1 }).ok();
    let version = version.and_then(|info| info.get_str("version").ok().map(str::to_owned));
    let wire = number(&hello, "maxWireVersion").unwrap_or(0);
    let found = format!("{place} answers, version {}, wire version {wire}", version.as_deref().unwrap_or("unknown"));
    let mut findings = vec![if wire < WIRE_VERSION_MIN {
        Finding::fail("store", found, format!("use MongoDB 4.4 (wire version {WIRE_VERSION_MIN}) or newer"))
    } else {
        Finding::ok("store", found)
    }];
    findings.extend(takeover(store));
    findings.push(match ask(store, doc! { "listIndexes": answers }) {
        Ok(indexes) if has_index(&indexes, "UUID") => Finding::ok("index", format!("{answers} has one on UUID")),
        Ok(_) => {
            Finding::warn("index", format!("{answers} has none on UUID"), "a scorer that may makes it when it starts")
        }
        // NamespaceNotFound and others: nothing was ever written.
        Err(_) => Finding::warn("index", format!("there is no {answers} yet"), "a scorer makes it when it starts"),
    });
    let reference = D::COLLECTIONS.reference.map(|reference| (reference.name, reference.collection));
    for (what, collection) in [("answers", answers)].into_iter().chain(reference) {
        findings.push(match ask(store, doc! { "count": collection }) {
            Ok(reply) => {
                let count = number(&reply, "n").unwrap_or(0);
                Finding::ok(what, format!("{count} documents in {collection}"))
            }
            Err(error) => Finding::fail(what, error.reason, format!("grant this user to read and write {collection}")),
        });
    }
    findings
}

/// Returns the finding on another system's answers and their cost, if there are any.
fn takeover<D: Domain>(store: &MongoStore<D>) -> Option<Finding> {
    let answers = D::COLLECTIONS.answers;
    let examined = store.calls.call("no answer", CALL, |database| async move { examine(&database, answers).await });
    let (found, advice) = match (store.takeover.takeover(), examined.ok()?) {
        (Takeover::Off, Examined::None) | (Takeover::Auto, Examined::None) => return None,
        (Takeover::On, Examined::None) => (
            format!(
                "each UUID is looked up before its answer is written, and {answers} has no document of another system"
            ),
            "leave takeover=on out of the store's URL, unless that system's documents have strings as _id",
        ),
        (Takeover::Off, _) => (
            format!("{answers} may have answers of another system, and they are not looked up (takeover=off)"),
            "see that no request that it has answered is read again, or leave takeover=off out of the store's URL",
        ),
        (Takeover::Auto | Takeover::On, _) => (
            format!("{answers} has documents of another system: each UUID is looked up before its answer is written"),
            "once none of its requests is left to read, takeover=off in the store's URL saves that",
        ),
    };
    Some(Finding::warn("takeover", found, advice))
}

fn ask<D: Domain>(store: &MongoStore<D>, command: Document) -> Result<Document, Unavailable> {
    store.calls.call("no answer", CALL, |database| async move { database.run_command(command).await })
}

/// A number, of whichever type the server gives it.
fn number(reply: &Document, name: &str) -> Option<i64> {
    match reply.get(name)? {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    }
}

/// Whether one of the indexes begins with this field.
fn has_index(reply: &Document, field: &str) -> bool {
    let indexes = reply.get_document("cursor").and_then(|cursor| cursor.get_array("firstBatch"));
    let begins = |index: &Bson| {
        let key = index.as_document().and_then(|index| index.get_document("key").ok());
        key.and_then(|key| key.keys().next()).is_some_and(|name| name == field)
    };
    indexes.is_ok_and(|indexes| indexes.iter().any(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_counts_if_it_begins_with_the_field() {
        let reply = |key: Document| doc! { "cursor": { "firstBatch": [{ "key": { "_id": 1 } }, { "key": key }] } };
        assert!(has_index(&reply(doc! { "UUID": 1 }), "UUID"));
        assert!(has_index(&reply(doc! { "UUID": 1, "x": 1 }), "UUID"));
        assert!(!has_index(&reply(doc! { "x": 1, "UUID": 1 }), "UUID"));
        assert_eq!(number(&doc! { "n": 7.0 }, "n"), Some(7));
    }
}
