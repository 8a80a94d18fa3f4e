//! What a server says of inserted documents: landed, refused for good, or to be tried again.

use mongodb::bson::{Bson, Document};

use super::fault::code_needs_operator;
use crate::delivery::{Refusal, Unavailable};

/// Codes of a document that is there already.
const DUPLICATE: [i32; 3] = [11000, 11001, 12582];

/// Codes of a document that will never be taken, in this collection as it is. Source: the server's `error_codes.yml`.
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

/// Reads the reply to an unordered insert of `rows` documents. Once all are durable but those that it returns, which
/// are refused for good, it is `Ok`; anything else is to be tried again, which changes no document that has landed.
pub(super) fn verdict(reply: &Document, rows: usize) -> Result<Vec<Refusal>, Unavailable> {
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
    let refusals = errors.iter().map(|error| row(error, rows));
    refusals.filter_map(Result::transpose).collect()
}

/// What became of one document with an error: there already is `None`.
fn row(error: &Bson, rows: usize) -> Result<Option<Refusal>, Unavailable> {
    let Bson::Document(error) = error else {
        return Err(Unavailable::transient("a reply with an error that cannot be read"));
    };
    let code = code(error);
    if DUPLICATE.contains(&code) && is_of_the_id(error) {
        return Ok(None);
    }
    if !DUPLICATE.contains(&code) && !REFUSED.contains(&code) {
        let reason = format!("a document is not written: {}", message(error));
        return Err(Unavailable { reason, needs_operator: code_needs_operator(code) });
    }
    match number(error, "index").filter(|index| *index < rows) {
        Some(row) => Ok(Some(Refusal { row, reason: message(error) })),
        None => Err(Unavailable::transient(format!("no word on which document is refused: {}", message(error)))),
    }
}

/// Whether a duplicate is one of the id. Where the server does not name the fields (before 4.4), its words do. A unique
/// index on `UUID`, if somebody has made one, says the same: this request has its answer.
fn is_of_the_id(error: &Document) -> bool {
    let ids = ["_id", "UUID"];
    match error.get("keyPattern") {
        Some(Bson::Document(pattern)) => pattern.keys().all(|key| ids.contains(&key.as_str())),
        _ => match message(error).split_once(" index: ") {
            Some((_, index)) => ids.iter().any(|id| index.starts_with(id)),
            None => true,
        },
    }
}

fn code(error: &Document) -> i32 {
    number(error, "code").and_then(|code| i32::try_from(code).ok()).unwrap_or_default()
}

fn message(error: &Document) -> String {
    let text = error.get_str("errmsg").unwrap_or("no reason given");
    format!("{text} (code {})", code(error))
}

/// Servers differ in which type they give their numbers.
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

    #[test]
    fn a_document_that_is_there_already_has_landed() {
        assert_eq!(verdict(&doc! { "n": 3, "ok": 1.0 }, 3), Ok(vec![]));
        assert_eq!(verdict(&doc! { "n": 1, "writeErrors": [duplicate(0), duplicate(2)], "ok": 1.0 }, 3), Ok(vec![]));
        for message in ["E11000 duplicate key error collection: d.c index: _id_ dup key: { : \"a\" }", "E11000 in d.c"]
        {
            let error = doc! { "index": 0, "code": 11000_i64, "errmsg": message };
            assert_eq!(verdict(&doc! { "n": 0.0, "writeErrors": [error] }, 1), Ok(vec![]), "{message}");
        }
    }

    #[test]
    fn a_document_that_is_never_taken_is_named() {
        let invalid = doc! { "index": 2, "code": 121, "errmsg": "Document failed validation" };
        let large = doc! { "index": 4_i64, "code": 10334, "errmsg": "object to insert too large" };
        let reply = doc! { "n": 2, "writeErrors": [invalid, duplicate(3), large] };
        let refused = |row, reason: &str| Refusal { row, reason: reason.to_owned() };
        let expected = vec![
            refused(2, "Document failed validation (code 121)"),
            refused(4, "object to insert too large (code 10334)"),
        ];
        assert_eq!(verdict(&reply, 5), Ok(expected));
        // Something else than the id must be unique: that never passes.
        for other in [
            doc! { "index": 0, "code": 11000, "keyPattern": { "Route": 1 }, "errmsg": "E11000" },
            doc! { "index": 0, "code": 11000, "errmsg": "E11000 duplicate key error collection: d.c index: Route_1 dup" },
        ] {
            assert_eq!(verdict(&doc! { "n": 0, "writeErrors": [other] }, 1).unwrap().len(), 1);
        }
    }

    #[test]
    fn everything_else_is_tried_again() {
        let passing = doc! { "index": 0, "code": 11602, "errmsg": "interrupted due to replica set state change" };
        let error = verdict(&doc! { "n": 1, "writeErrors": [passing] }, 2).unwrap_err();
        assert!(!error.needs_operator && error.reason.contains("interrupted"), "{error}");
        let forbidden = doc! { "index": 0, "code": 13, "errmsg": "not authorized" };
        assert!(verdict(&doc! { "n": 0, "writeErrors": [forbidden] }, 1).unwrap_err().needs_operator);
        assert!(verdict(&doc! { "n": 2, "ok": 1.0 }, 3).is_err(), "no word on the third");
        assert!(verdict(&doc! { "ok": 1.0 }, 1).is_err());
        let nameless = doc! { "code": 121, "errmsg": "Document failed validation" };
        assert!(verdict(&doc! { "n": 0, "writeErrors": [nameless] }, 1).is_err());
    }

    #[test]
    fn a_write_concern_error_is_no_acknowledgement() {
        let late = doc! { "code": 64, "errmsg": "waiting for replication timed out" };
        for reply in [
            doc! { "n": 1, "writeConcernError": late.clone() },
            doc! { "n": 0, "writeErrors": [duplicate(0)], "writeConcernError": late },
        ] {
            let error = verdict(&reply, 1).unwrap_err();
            assert!(!error.needs_operator && error.reason.contains("waiting for replication"), "{error}");
        }
        let never = doc! { "n": 1, "writeConcernError": { "code": 100, "errmsg": "Not enough data-bearing nodes" } };
        assert!(verdict(&never, 1).unwrap_err().needs_operator);
    }
}
