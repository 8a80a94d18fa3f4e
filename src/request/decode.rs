//! Decodes the bytes of a message to a request, or to the reason of its rejection.
//!
//! The rules, each with a test of its number:
//!
//! 1. A message is one JSON object in UTF-8, at most [`MESSAGE_BYTES_MAX`] long; nothing may follow it. A byte order
//!    mark before it is skipped.
//! 2. Unknown fields are ignored, but nothing may nest deeper than 127 levels.
//! 3. A known field appears once: of two values it is unknown which was meant.
//! 4. `null` is the same as absent, and so is a NaN: a bare `NaN`, which is not JSON, and the string `"NaN"`. A bare
//!    `Infinity` is a number beyond all limits.
//! 5. The days of the year, the month and the week are derived from `FlightDate`; the message's own are not read.
//! 6. The reason names the field and repeats nothing of the message. Whatever is wrong, the `UUID` is found where it is
//!    unambiguous (`find_id.rs`); another encoding or format is named (`foreign.rs`).
//! 7. `CRSDepTime` and `CRSArrTime` are both present or both absent: half a schedule is useless, and its producer
//!    should know.
//! 8. In the object `Weather`, which can have any of its fields or none, rules 2 to 4 and 9 hold again.
//! 9. Texts are read as the page reads them: surrounding blanks do not count, an empty text is absent, codes may be in
//!    lower case, a number may be in a string.
//! 10. `FlightDate` has any form of ISO 8601 (`iso.rs`); its day is taken as written.
//! 11. No answer depends on `Timestamp`: anything but an ISO time of the years 1 to 9999 is absent, whatever its type.

use engine::request::{Malformed, MalformedKind};

use super::{
    find_id::find_id,
    foreign::{FRAME_BYTES, Foreign},
    json::{self, NotJson, RawFields, Reached},
    non_finite::replace_non_finite,
    schema::{MESSAGE_BYTES_MAX, Request},
};

/// The byte order mark that some programs on Windows write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes a message of the wire contract.
pub fn decode(bytes: &[u8]) -> Result<Request, Malformed> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // Valid JSON is parsed once: only malformed messages get here.
    let damage = match text(bytes) {
        Err(damage) => damage,
        Ok(text) => match json::read(text) {
            Ok(fields) => return to_request(fields),
            Err(not_json) => {
                let replaced = replace_non_finite(text);
                match replaced.as_deref().map(json::read) {
                    Some(Ok(fields)) => return to_request(fields),
                    Some(Err(not_json)) => Damage::NotJson { not_json, has_place: false },
                    None => Damage::NotJson { not_json, has_place: true },
                }
            }
        },
    };
    Err(explain(bytes, &damage))
}

/// The text of a message.
fn text(bytes: &[u8]) -> Result<&str, Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Damage::TooLong);
    }
    str::from_utf8(bytes).map_err(|error| Damage::NotUtf8 { valid_up_to: error.valid_up_to() })
}

fn to_request(fields: RawFields<'_>) -> Result<Request, Malformed> {
    let id = fields.id();
    fields.into_request().map_err(|invalid| {
        let (reason, kind) = (invalid.to_string(), MalformedKind::Field(invalid.field));
        Malformed { id, reason, kind }
    })
}

/// A defect of a message that is found before its fields are read.
enum Damage {
    /// It has no bytes.
    Empty,
    /// It is longer than [`MESSAGE_BYTES_MAX`].
    TooLong,
    /// It is UTF-8 up to this byte.
    NotUtf8 { valid_up_to: usize },
    /// It is not the JSON of one object that has each field once. The error's place is one in the message, or in a text
    /// with replacements.
    NotJson { not_json: NotJson, has_place: bool },
}

/// Gives the reason, and finds the request's id. The reason repeats nothing of the message, because it is stored beside
/// the answers and logged.
fn explain(bytes: &[u8], damage: &Damage) -> Malformed {
    let foreign = Foreign::recognize(bytes);
    let id = match &foreign {
        None => find_id(bytes),
        Some(Foreign::Encoded { text, .. }) => find_id(text.as_bytes()),
        Some(Foreign::Framed) => find_id(&bytes[FRAME_BYTES..]),
        Some(Foreign::Format { .. }) => None,
    };
    let (kind, reason) = match (damage, &foreign) {
        (Damage::Empty, _) => (MalformedKind::Empty, "the message is empty".to_owned()),
        (Damage::TooLong, _) => {
            let reason = format!("the message has {} bytes, more than {MESSAGE_BYTES_MAX}", bytes.len());
            (MalformedKind::TooLong, reason)
        }
        (_, Some(foreign)) => foreign.reason(),
        (Damage::NotUtf8 { valid_up_to }, None) => (MalformedKind::NotUtf8, not_utf8(bytes, *valid_up_to)),
        (Damage::NotJson { not_json, has_place }, None) => {
            (MalformedKind::NotJson, self::not_json(bytes, not_json, *has_place))
        }
    };
    Malformed { id, reason, kind }
}

fn not_utf8(bytes: &[u8], valid_up_to: usize) -> String {
    let before = str::from_utf8(&bytes[..valid_up_to]).unwrap_or_default();
    let reached = match json::read(before) {
        Err(NotJson::Broken { reached, .. }) => reached,
        _ => None,
    };
    format!("{}not UTF-8 at byte {valid_up_to}", prefix(reached))
}

fn not_json(bytes: &[u8], not_json: &NotJson, has_place: bool) -> String {
    let (reached, error) = match not_json {
        NotJson::NoObject => return no_object(bytes),
        NotJson::Broken { reached, error } => (*reached, error),
    };
    // The error of a field that appears twice names the field itself.
    let mut reason = if error.is_data() { error.to_string() } else { format!("{}{error}", prefix(reached)) };
    if !has_place {
        let place = format!(" at line {} column {}", error.line(), error.column());
        reason.truncate(reason.strip_suffix(&place).map_or(reason.len(), str::len));
    }
    if first_in_object(bytes) == Some(&b'\'') {
        reason += ": names and strings are in double quotes, and Python's json.dumps writes them so";
    }
    reason
}

/// The field before an error, as the reason begins with it.
fn prefix(reached: Option<Reached>) -> String {
    match reached {
        None => String::new(),
        Some(Reached::Within(field)) => format!("{field}: "),
        Some(Reached::Behind(field)) => format!("behind {field}: "),
    }
}

/// The byte behind the brace that opens the object.
fn first_in_object(bytes: &[u8]) -> Option<&u8> {
    bytes.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().first()
}

/// The reason of a message without an object: it names the value in its place.
fn no_object(bytes: &[u8]) -> String {
    let found = match bytes.trim_ascii_start() {
        [] => "blanks",
        [b'[', ..] => "an array: send each object as a message of its own",
        [b'"', ..] => "a string: an object that was encoded twice is sent as it is after the first time",
        [b'-' | b'0'..=b'9', ..] => "a number",
        rest if rest.contains(&b'{') => "something before it",
        _ => "other text",
    };
    format!("expected a JSON object, not {found}")
}
