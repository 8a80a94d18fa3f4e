//! Reads the bytes of a message to the values of its fields, or to the defect that hides them.
//!
//! The reason of a defect names what was reached of the message and repeats nothing of it, because it is stored and
//! logged.

use engine::request::MalformedKind;

use super::{
    foreign::Foreign,
    json::{self, NotJson, Reached},
    non_finite::replace_non_finite,
    raw::RawFields,
    table::Table,
};

/// The byte order mark that some programs on Windows write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A defect of a message that is found before its fields are read.
pub(crate) struct Damage<'a> {
    /// The message without its byte order mark.
    pub(crate) bytes: &'a [u8],
    /// The encoding or format that it has instead of JSON in UTF-8.
    pub(crate) foreign: Option<Foreign>,
    /// The kind of the defect.
    pub(crate) kind: MalformedKind,
    /// The reason, which repeats nothing of the message.
    pub(crate) reason: String,
}

/// Reads the fields of a message of at most `bytes_max` bytes, which is one JSON object in UTF-8, and makes a value of
/// them.
pub(crate) fn read<F: Table<N>, const N: usize, T>(
    bytes: &[u8],
    bytes_max: usize,
    make: impl FnOnce(RawFields<'_, F, N>) -> T,
) -> Result<T, Damage<'_>> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // Valid JSON is parsed once: only malformed messages get here.
    let defect = match text(bytes, bytes_max) {
        Err(defect) => defect,
        Ok(text) => match json::read(text) {
            Ok(fields) => return Ok(make(fields)),
            Err(not_json) => {
                let replaced = replace_non_finite(text);
                match replaced.as_deref().map(json::read) {
                    Some(Ok(fields)) => return Ok(make(fields)),
                    Some(Err(not_json)) => Defect::NotJson { not_json, has_place: false },
                    None => Defect::NotJson { not_json, has_place: true },
                }
            }
        },
    };
    let foreign = Foreign::recognize(bytes);
    let (kind, reason) = match (&defect, &foreign) {
        (Defect::Empty, _) => (MalformedKind::Empty, "the message is empty".to_owned()),
        (Defect::TooLong, _) => {
            (MalformedKind::TooLong, format!("the message has {} bytes, more than {bytes_max}", bytes.len()))
        }
        (_, Some(foreign)) => foreign.reason(),
        (Defect::NotUtf8 { valid_up_to }, None) => (MalformedKind::NotUtf8, not_utf8::<F, N>(bytes, *valid_up_to)),
        (Defect::NotJson { not_json, has_place }, None) => {
            (MalformedKind::NotJson, self::not_json(bytes, not_json, *has_place))
        }
    };
    Err(Damage { bytes, foreign, kind, reason })
}

/// The text of a message.
fn text(bytes: &[u8], bytes_max: usize) -> Result<&str, Defect> {
    if bytes.is_empty() {
        return Err(Defect::Empty);
    }
    if bytes.len() > bytes_max {
        return Err(Defect::TooLong);
    }
    str::from_utf8(bytes).map_err(|error| Defect::NotUtf8 { valid_up_to: error.valid_up_to() })
}

/// The kind of a [`Damage`], with its place.
enum Defect {
    /// The message has no bytes.
    Empty,
    /// It is longer than allowed.
    TooLong,
    /// It is UTF-8 up to this byte.
    NotUtf8 { valid_up_to: usize },
    /// It is not the JSON of one object that has each field once. The error's place is one in the message, or in a text
    /// with replacements.
    NotJson { not_json: NotJson, has_place: bool },
}

fn not_utf8<F: Table<N>, const N: usize>(bytes: &[u8], valid_up_to: usize) -> String {
    let before = str::from_utf8(&bytes[..valid_up_to]).unwrap_or_default();
    let fields: Result<RawFields<'_, F, N>, NotJson> = json::read(before);
    let reached = match fields {
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
