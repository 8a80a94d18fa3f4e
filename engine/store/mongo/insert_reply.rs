//! Parses the reply to an insert: written, refused for good, an ambiguous duplicate, or to be retried.
//!
//! 1. A duplicate key counts as one of `_id` only if the server says so: by a `keyPattern` of `_id` alone, or by the
//!    name of the index, `_id_`, which MongoDB reserves for that index.
//! 2. Every other duplicate is ambiguous, and a look-up decides. The server may not name the index (FerretDB 1, Cosmos
//!    DB), or it may have checked the named index first, for a document that was written before under the same `_id`.
//! 3. A reason contains no value of a document: servers print keys and whole documents, in braces.

use mongodb::bson::{Bson, Document};

use super::client::code_needs_operator;
use crate::delivery::{Refusal, Unavailable};

/// Codes of a duplicate key.
const DUPLICATE_KEY: [i32; 3] = [11000, 11001, 12582];

/// The name of the index on `_id`.
const ID_INDEX: &str = "_id_";

/// Codes of a document that this collection refuses for good. Source: the server's `error_codes.yml`.
const REFUSED: [i32; 11] = [
    2,     // BadValue
    14,    // TypeMismatch
    22,    // InvalidBSON
    52,    // DollarPrefixedFieldName
    53,    // InvalidIdField
    56,    // EmptyFieldName
    57,    // DottedFieldName
    121,   // DocumentValidationFailure
    10334, // BSONObjectTooLarge
    16755, // a geographical index cannot take a value
    17280, // KeyTooLong
];

/// Upper bound on a server's message.
const MESSAGE_CHARS_MAX: usize = 200;

/// The rows of an insert that were not written, according to the reply. All others are durable.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct InsertResult {
    /// Refused for good.
    pub(super) refused: Vec<Refusal>,
    /// Duplicates that the reply does not attribute to `_id`: refused for good, unless a document with their `_id`
    /// exists.
    pub(super) ambiguous: Vec<Refusal>,
}

/// Parses the reply to an unordered insert of `rows` documents. After an error the insert is to be retried, which
/// changes no document that was written.
pub(super) fn parse_insert_reply(reply: &Document, rows: usize) -> Result<InsertResult, Unavailable> {
    // Not acknowledged, whatever else the reply says.
    if let Some(Bson::Document(error)) = reply.get("writeConcernError") {
        let reason = format!("the write is not acknowledged by a majority: {}", message(error));
        return Err(Unavailable { reason, needs_operator: code_needs_operator(code(error)) });
    }
    let errors = match reply.get("writeErrors") {
        Some(Bson::Array(errors)) => errors.as_slice(),
        _ => &[],
    };
    let inserted = number(reply, "n").unwrap_or_default();
    if inserted + errors.len() != rows {
        let reason =
            format!("of {rows} documents {inserted} are written and {} are not: no word on the rest", errors.len());
        return Err(Unavailable::transient(reason));
    }
    let mut result = InsertResult::default();
    for error in errors {
        match row(error, rows)? {
            Row::Exists => {}
            Row::Refused(refusal) => result.refused.push(refusal),
            Row::Ambiguous(refusal) => result.ambiguous.push(refusal),
        }
    }
    Ok(result)
}

/// A document of an insert that has an error.
enum Row {
    /// A document with this `_id` exists already.
    Exists,
    Refused(Refusal),
    Ambiguous(Refusal),
}

fn row(error: &Bson, rows: usize) -> Result<Row, Unavailable> {
    let Bson::Document(error) = error else {
        return Err(Unavailable::transient("a reply with an error that cannot be read"));
    };
    let code = code(error);
    let duplicate = DUPLICATE_KEY.contains(&code);
    if duplicate && is_on_id(error) {
        return Ok(Row::Exists);
    }
    if !duplicate && !REFUSED.contains(&code) {
        let reason = format!("a document is not written: {}", message(error));
        return Err(Unavailable { reason, needs_operator: code_needs_operator(code) });
    }
    let Some(row) = number(error, "index").filter(|index| *index < rows) else {
        return Err(Unavailable::transient(format!("no word on which document is refused: {}", message(error))));
    };
    let refusal = Refusal { row, reason: message(error) };
    Ok(if duplicate { Row::Ambiguous(refusal) } else { Row::Refused(refusal) })
}

/// Returns whether the server attributes a duplicate to `_id`: see rule 1.
fn is_on_id(error: &Document) -> bool {
    if let Some(pattern) = error.get("keyPattern") {
        return pattern.as_document().is_some_and(|pattern| pattern.keys().eq(["_id"]));
    }
    // After the words "dup key" a server prints values, which may be anything.
    let text = error.get_str("errmsg").unwrap_or_default();
    let text = text.split_once("dup key").map_or(text, |(before, _)| before);
    let index = text.split_once(" index: ").and_then(|(_, index)| index.split_whitespace().next());
    // MongoDB 3.0 writes DATABASE.COLLECTION.$INDEX_TIMEOUT.
    index.is_some_and(|index| index == ID_INDEX || index.rsplit_once(".$").is_some_and(|(_, name)| name == ID_INDEX))
}

fn code(error: &Document) -> i32 {
    number(error, "code").and_then(|code| i32::try_from(code).ok()).unwrap_or_default()
}

/// Returns the server's message without the values of the document: see rule 3.
fn message(error: &Document) -> String {
    let text = error.get_str("errmsg").unwrap_or("no reason given");
    let end = [text.find("dup key"), text.find('{')].into_iter().flatten().min().unwrap_or(text.len());
    let text: String = text[..end].trim_end_matches([' ', ':']).chars().take(MESSAGE_CHARS_MAX).collect();
    format!("{text} (code {})", code(error))
}

/// Parses a number; its type differs between servers.
fn number(document: &Document, name: &str) -> Option<usize> {
    match document.get(name)? {
        Bson::Int32(number) => usize::try_from(*number).ok(),
        Bson::Int64(number) => usize::try_from(*number).ok(),
        Bson::Double(number) if *number >= 0.0 => Some(*number as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::doc;

    fn duplicate(index: i32) -> Document {
        doc! { "index": index, "code": 11000, "keyPattern": { "_id": 1 }, "errmsg": "E11000 duplicate key error" }
    }

    const NONE: InsertResult = InsertResult { refused: Vec::new(), ambiguous: Vec::new() };

    fn refusal(row: usize, reason: &str) -> Refusal {
        Refusal { row, reason: reason.to_owned() }
    }

    #[test]
    fn rule_1_a_duplicate_that_the_server_attributes_to_the_id_counts_as_written() {
        assert_eq!(parse_insert_reply(&doc! { "n": 3, "ok": 1.0 }, 3), Ok(NONE));
        assert_eq!(
            parse_insert_reply(&doc! { "n": 1, "writeErrors": [duplicate(0), duplicate(2)], "ok": 1.0 }, 3),
            Ok(NONE)
        );
        for message in [
            "E11000 duplicate key error collection: d.c index: _id_ dup key: { _id: \"a\" }",
            "E11000 duplicate key error index: d.c.$_id_  dup key: { : \"a\" }",
            "E11000 duplicate key error collection: d.c index: _id_",
        ] {
            let error = doc! { "index": 0, "code": 11000_i64, "errmsg": message };
            assert_eq!(parse_insert_reply(&doc! { "n": 0.0, "writeErrors": [error] }, 1), Ok(NONE), "{message}");
        }
    }

    #[test]
    fn rule_2_every_other_duplicate_is_unclear() {
        let named = |name: &str| {
            let message = format!("E11000 duplicate key error collection: d.c index: {name} dup key: {{ x: 1 }}");
            doc! { "index": 0, "code": 11000, "errmsg": message }
        };
        let pattern = |pattern: Document| doc! { "index": 0, "code": 11000, "keyPattern": pattern, "errmsg": "E11000" };
        let unnamed = |message: &str| doc! { "index": 0, "code": 11000, "errmsg": message };
        for error in [
            pattern(doc! { "Route": 1 }),
            pattern(doc! { "UUID": 1 }),
            pattern(doc! { "_id": 1, "Route": 1 }),
            pattern(doc! {}),
            named("Route_1"),
            named("UUID_1"),
            named("_id_1_Route_1"),
            named("_idle"),
            unnamed("E11000 duplicate key error collection: d.c"),
            unnamed("E11000 duplicate key error collection: d.c. Failed _id or unique key constraint"),
            unnamed("E11000 duplicate key error collection: d.c dup key: { UUID: \"a index: _id_ \" }"),
            unnamed(""),
            doc! { "index": 0, "code": 11000 },
        ] {
            let found = parse_insert_reply(&doc! { "n": 0, "writeErrors": [error.clone()] }, 1).unwrap();
            assert!(found.refused.is_empty() && found.ambiguous.len() == 1, "{error}: {found:?}");
        }
    }

    #[test]
    fn rule_3_a_reason_names_the_index_and_repeats_no_value() {
        for (text, told) in [
            (
                "E11000 duplicate key error collection: d.c index: Route_1 dup key: { Route: \"hidden\" }",
                "E11000 duplicate key error collection: d.c index: Route_1 (code 11000)",
            ),
            ("Can't extract geo keys: { _id: \"hidden\" }", "Can't extract geo keys (code 11000)"),
            ("", " (code 11000)"),
        ] {
            assert_eq!(message(&doc! { "code": 11000, "errmsg": text }), told);
        }
        let long = message(&doc! { "code": 2, "errmsg": "x".repeat(10_000) });
        assert!(long.len() < MESSAGE_CHARS_MAX + 20, "{}", long.len());
    }

    #[test]
    fn a_document_that_is_refused_for_good_is_named() {
        let invalid = doc! { "index": 2, "code": 121, "errmsg": "Document failed validation" };
        let large = doc! { "index": 4_i64, "code": 10334, "errmsg": "object to insert too large" };
        let reply = doc! { "n": 2, "writeErrors": [invalid, duplicate(3), large] };
        let refused = vec![
            refusal(2, "Document failed validation (code 121)"),
            refusal(4, "object to insert too large (code 10334)"),
        ];
        assert_eq!(parse_insert_reply(&reply, 5), Ok(InsertResult { refused, ..NONE }));
    }

    #[test]
    fn everything_else_is_retried() {
        let passing = doc! { "index": 0, "code": 11602, "errmsg": "interrupted due to replica set state change" };
        let error = parse_insert_reply(&doc! { "n": 1, "writeErrors": [passing] }, 2).unwrap_err();
        assert!(!error.needs_operator && error.reason.contains("interrupted"), "{error}");
        let forbidden = doc! { "index": 0, "code": 13, "errmsg": "not authorized" };
        assert!(parse_insert_reply(&doc! { "n": 0, "writeErrors": [forbidden] }, 1).unwrap_err().needs_operator);
        assert!(parse_insert_reply(&doc! { "n": 2, "ok": 1.0 }, 3).is_err(), "no word on the third");
        assert!(parse_insert_reply(&doc! { "ok": 1.0 }, 1).is_err());
        let nameless = doc! { "code": 121, "errmsg": "Document failed validation" };
        assert!(parse_insert_reply(&doc! { "n": 0, "writeErrors": [nameless] }, 1).is_err());
    }

    #[test]
    fn a_write_concern_error_is_not_an_acknowledgement() {
        let late = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        for reply in [
            doc! { "n": 1, "writeConcernError": late.clone() },
            doc! { "n": 0, "writeErrors": [duplicate(0)], "writeConcernError": late },
        ] {
            let error = parse_insert_reply(&reply, 1).unwrap_err();
            assert!(!error.needs_operator && error.reason.contains("waiting for replication"), "{error}");
        }
        let never = doc! { "n": 1, "writeConcernError": { "code": 100, "errmsg": "Not enough data-bearing nodes" } };
        assert!(parse_insert_reply(&never, 1).unwrap_err().needs_operator);
    }
}
