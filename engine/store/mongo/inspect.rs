//! Examines a MongoDB store for operators: server, indexes, collections, takeover.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};

use super::{
    client::MongoClient,
    takeover::{OtherDocuments, Takeover, find_others},
};
use crate::{delivery::Unavailable, domain::Domain, finding::Finding};

/// Timeout of a command.
const CALL_TIMEOUT: Duration = Duration::from_secs(6);
/// The wire version of MongoDB 4.4, which the driver requires.
const WIRE_VERSION_MIN: i64 = 9;

/// Returns the findings on a store at this address.
pub(super) fn inspect<D: Domain>(client: &MongoClient, takeover: Takeover, address: &str) -> Vec<Finding> {
    let answers = D::COLLECTIONS.answers;
    let hello = match run(client, doc! { "hello": 1 }) {
        Ok(hello) => hello,
        Err(error) => {
            let advice = "see whether it runs, and whether host, user and password of the URL are right";
            return vec![Finding::fail("store", format!("{address}: {}", error.reason), advice)];
        }
    };
    let version = run(client, doc! { "buildInfo": 1 }).ok();
    let version = version.and_then(|info| info.get_str("version").ok().map(str::to_owned));
    let wire = number(&hello, "maxWireVersion").unwrap_or(0);
    let found = format!("{address} answers, version {}, wire version {wire}", version.as_deref().unwrap_or("unknown"));
    let mut findings = vec![if wire < WIRE_VERSION_MIN {
        Finding::fail("store", found, format!("use MongoDB 4.4 (wire version {WIRE_VERSION_MIN}) or newer"))
    } else {
        Finding::ok("store", found)
    }];
    findings.extend(takeover_finding(client, takeover, answers));
    findings.push(match run(client, doc! { "listIndexes": answers }) {
        Ok(indexes) if has_index(&indexes, "UUID") => Finding::ok("index", format!("{answers} has one on UUID")),
        Ok(_) => {
            Finding::warn("index", format!("{answers} has none on UUID"), "a scorer that may makes it when it starts")
        }
        // NamespaceNotFound and others: nothing was written yet.
        Err(_) => Finding::warn("index", format!("there is no {answers} yet"), "a scorer makes it when it starts"),
    });
    let reference = D::COLLECTIONS.reference.map(|reference| (reference.name, reference.collection));
    for (what, collection) in [("answers", answers)].into_iter().chain(reference) {
        findings.push(match run(client, doc! { "count": collection }) {
            Ok(reply) => {
                let count = number(&reply, "n").unwrap_or(0);
                Finding::ok(what, format!("{count} documents in {collection}"))
            }
            Err(error) => Finding::fail(what, error.reason, format!("grant this user to read and write {collection}")),
        });
    }
    findings
}

/// Returns the finding on another system's answers and the cost of looking them up, if there are any.
fn takeover_finding(client: &MongoClient, takeover: Takeover, answers: &'static str) -> Option<Finding> {
    let others =
        client.call("no answer", CALL_TIMEOUT, |database| async move { find_others(&database, answers).await });
    let (found, advice) = match (takeover, others.ok()?) {
        (Takeover::Off, OtherDocuments::None) | (Takeover::Auto, OtherDocuments::None) => return None,
        (Takeover::On, OtherDocuments::None) => (
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

fn run(client: &MongoClient, command: Document) -> Result<Document, Unavailable> {
    client.call("no answer", CALL_TIMEOUT, |database| async move { database.run_command(command).await })
}

/// Parses a number; its type differs between servers.
fn number(reply: &Document, name: &str) -> Option<i64> {
    match reply.get(name)? {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    }
}

/// Returns whether one of the indexes begins with this field.
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
