//! Messages that are not the JSON of one object: the reason, and the id of the request that each is meant to be.
//!
//! No reason repeats anything of the message: it goes into the store of answers and into logs.

use super::{
    MESSAGE_BYTES_MAX, Malformed, MalformedKind,
    find_id::find_id,
    foreign::{FRAME_BYTES, Foreign},
    json::{self, NotJson, Reached},
};

/// A defect of a message that is found before any of its fields is looked at.
pub(super) enum Damage {
    /// It has no bytes.
    Empty,
    /// It has more than [`MESSAGE_BYTES_MAX`].
    TooLong,
    /// It is UTF-8 up to there.
    NotUtf8 { valid_up_to: usize },
    /// It is not the JSON of one object that has each field once; whether the error's place is one in the message.
    NotJson { not_json: NotJson, has_place: bool },
}

/// Names what is wrong, and finds the request's id.
pub(super) fn explain(bytes: &[u8], damage: &Damage) -> Malformed {
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
        (_, Some(foreign)) => foreign.complaint(),
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
    format!("{}not UTF-8 at byte {valid_up_to}", named(reached))
}

fn not_json(bytes: &[u8], not_json: &NotJson, has_place: bool) -> String {
    let (reached, error) = match not_json {
        NotJson::NoObject => return no_object(bytes),
        NotJson::Broken { reached, error } => (*reached, error),
    };
    // What stands twice names itself.
    let mut reason = if error.is_data() { error.to_string() } else { format!("{}{error}", named(reached)) };
    if !has_place {
        let place = format!(" at line {} column {}", error.line(), error.column());
        reason.truncate(reason.strip_suffix(&place).map_or(reason.len(), str::len));
    }
    if first_name(bytes) == Some(&b'\'') {
        reason += ": names and strings are in double quotes, and Python's json.dumps writes them so";
    }
    reason
}

fn named(reached: Option<Reached>) -> String {
    match reached {
        None => String::new(),
        Some(Reached::Value(field)) => format!("{field}: "),
        Some(Reached::Behind(field)) => format!("behind {field}: "),
    }
}

/// The byte behind the brace that opens the object.
fn first_name(bytes: &[u8]) -> Option<&u8> {
    bytes.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().first()
}

/// Returns the reason that names what stands where the object is expected.
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
