//! Dead letters: records without an answer, and the kinds of their reasons. The kinds are a fixed set for each domain,
//! so that the number of metrics is bounded.

use std::{borrow::Cow, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    message::{Message, Payload},
    topic::{Position, TopicId},
};
use crate::{
    clock,
    delivery::Unavailable,
    domain::Domain,
    request::{MalformedKind, RequestId},
};

/// Upper bound on the length of a field's name, in bytes: a longer one is not of a field.
const FIELD_BYTES_MAX: usize = 64;

/// A record that cannot be decoded, or that the store refuses for good.
///
/// Its identity is its [`Position`] together with the topic id. It is written at least once, and readers see it once.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The position of the record.
    pub position: Position,
    /// The id of the request, if it could be read.
    pub id: Option<RequestId>,
    /// The reason, in words.
    pub reason: String,
    /// The kind of the reason.
    pub kind: DeadLetterReason,
    /// The record itself, truncated if it is very long.
    pub payload: Payload,
    /// The time at which it failed.
    pub found_at: DateTime<Utc>,
    /// Number of times that it had been replayed before.
    pub attempt: u32,
    /// The id of the record's topic, if the log gives topics ids.
    pub topic_id: Option<TopicId>,
}

impl DeadLetter {
    /// Returns the dead letter of a message that is found dead now.
    pub fn new(message: Message, id: Option<RequestId>, reason: String, kind: DeadLetterReason) -> Self {
        let Message { position, payload, attempt, topic_id } = message;
        DeadLetter { position, id, reason, kind, payload, found_at: clock::now(), attempt, topic_id }
    }
}

/// The dead letters to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterSpan<'a> {
    /// The start.
    pub from: DeadLettersFrom<'a>,
    /// True to read those that are written later, too; else the reader ends with the last one that exists when it is
    /// opened.
    pub follow: bool,
}

/// The start of reading dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLettersFrom<'a> {
    /// Those written at this time or later.
    Moment(DateTime<Utc>),
    /// Those that this group, a subgroup of the log's, has not committed yet.
    Group(&'a str),
}

/// Reads dead letters, oldest first. One that was written twice is read once, unless very many lie in between.
pub trait DeadLetterReader: Send {
    /// Returns the next dead letters, `letters_max` at most, after waiting for the first of them for about `limit`. An
    /// empty result means that there are no more, or that none came in time.
    fn next(&mut self, letters_max: usize, limit: Duration) -> Result<Vec<DeadLetter>, Unavailable>;

    /// Returns whether the end of the span is reached; always false if it follows.
    fn is_done(&self) -> bool;

    /// Commits all that were read for the span's group, so that they are not read again. Blocks, 6 s at most.
    fn commit(&mut self) -> Result<(), Unavailable>;
}

/// The kind of a dead letter's reason. It is stored and sent with the letter by its [`Self::name`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeadLetterReason {
    /// The message has no bytes.
    Empty,
    /// The message has more bytes than allowed.
    TooLong,
    /// The message is not UTF-8.
    NotUtf8,
    /// The message is not the JSON of one object without duplicate fields.
    NotJson,
    /// The store refuses the answer for good.
    RefusedByStore,
    /// This field, as the wire names it, cannot be used. A letter that was read may name any.
    Field(Cow<'static, str>),
    /// A kind that this version does not know.
    Other,
}

/// The kinds beside the fields, in their order; `Other` comes after the fields.
const FIXED: [(&str, DeadLetterReason); 5] = [
    ("empty", DeadLetterReason::Empty),
    ("too_long", DeadLetterReason::TooLong),
    ("not_utf8", DeadLetterReason::NotUtf8),
    ("not_json", DeadLetterReason::NotJson),
    ("refused_by_store", DeadLetterReason::RefusedByStore),
];
const OTHER: &str = "other";

impl DeadLetterReason {
    /// Returns the kind of a field of this name.
    pub const fn field(name: &'static str) -> Self {
        DeadLetterReason::Field(Cow::Borrowed(name))
    }

    /// Returns the kind's name in metrics, headers and tables: one word; that of a field is the field's name on the
    /// wire.
    pub fn name(&self) -> &str {
        match self {
            DeadLetterReason::Empty => "empty",
            DeadLetterReason::TooLong => "too_long",
            DeadLetterReason::NotUtf8 => "not_utf8",
            DeadLetterReason::NotJson => "not_json",
            DeadLetterReason::RefusedByStore => "refused_by_store",
            DeadLetterReason::Field(field) => field,
            DeadLetterReason::Other => OTHER,
        }
    }

    /// Returns the kind of a name. A name that the engine does not know is that of a field, if a field can have it.
    pub fn from_name(name: &str) -> Self {
        if let Some((_, kind)) = FIXED.into_iter().find(|(known, _)| *known == name) {
            return kind;
        }
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name == OTHER || name.is_empty() || name.len() > FIELD_BYTES_MAX || !is_word {
            return DeadLetterReason::Other;
        }
        DeadLetterReason::Field(Cow::Owned(name.to_owned()))
    }

    /// Returns the kind of a stored letter: by its name, or, if an earlier version stored none, by the beginning of its
    /// reason.
    pub fn from_stored(name: Option<&str>, reason: &str) -> Self {
        name.map_or_else(|| Self::of_earlier_version(reason), Self::from_name)
    }

    fn of_earlier_version(reason: &str) -> Self {
        const BEGINNINGS: [(&str, DeadLetterReason); 5] = [
            ("the message is empty", DeadLetterReason::Empty),
            ("the message has ", DeadLetterReason::TooLong),
            ("not UTF-8 at byte ", DeadLetterReason::NotUtf8),
            ("the store refuses the answer", DeadLetterReason::RefusedByStore),
            ("invalid type: ", DeadLetterReason::NotJson),
        ];
        if let Some((_, kind)) = BEGINNINGS.into_iter().find(|(beginning, _)| reason.starts_with(beginning)) {
            return kind;
        }
        // Before the fields: the reason of a duplicate field, an error of the JSON, begins with the field's name.
        if reason.contains(" at line ") && reason.contains(" column ") {
            return DeadLetterReason::NotJson;
        }
        reason.split_once([':', '.']).map_or(DeadLetterReason::Other, |(field, _)| Self::from_name(field))
    }
}

impl From<MalformedKind> for DeadLetterReason {
    fn from(kind: MalformedKind) -> Self {
        match kind {
            MalformedKind::Empty => DeadLetterReason::Empty,
            MalformedKind::TooLong => DeadLetterReason::TooLong,
            MalformedKind::NotUtf8 => DeadLetterReason::NotUtf8,
            MalformedKind::NotJson => DeadLetterReason::NotJson,
            // A field of an object counts as the object: a kind for each would be too many.
            MalformedKind::Field(field) => Self::field(field.split_once('.').map_or(field, |(object, _)| object)),
        }
    }
}

/// The log whose messages dead letters are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LetterLog {
    /// The log of requests.
    #[default]
    Requests,
    /// The log of events.
    Events,
}

/// The kinds of a domain, numbered: those of the engine, the domain's fields, and what is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterKinds(&'static [&'static str]);

impl DeadLetterKinds {
    /// Returns the kinds of a domain.
    pub const fn of<D: Domain>() -> Self {
        const { assert!(D::FIELDS.len() < 200, "a domain names too many fields") };
        DeadLetterKinds(D::FIELDS)
    }

    /// Returns the kinds of the dead letters of a log of a domain.
    pub fn of_log<D: Domain>(log: LetterLog) -> Self {
        match log {
            LetterLog::Requests => Self::of::<D>(),
            LetterLog::Events => {
                const { assert!(event_fields::<D>().len() < 200, "a domain names too many fields of events") };
                DeadLetterKinds(event_fields::<D>())
            }
        }
    }

    /// Returns their names, in the order of their numbers.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FIXED.into_iter().map(|(name, _)| name).chain(self.0.iter().copied()).chain([OTHER])
    }

    /// Returns the number of a kind; that of the last one for a field that the domain does not have.
    pub fn number(self, kind: &DeadLetterReason) -> u8 {
        let fixed = FIXED.len() as u8;
        let other = fixed + self.0.len() as u8;
        match kind {
            DeadLetterReason::Empty => 0,
            DeadLetterReason::TooLong => 1,
            DeadLetterReason::NotUtf8 => 2,
            DeadLetterReason::NotJson => 3,
            DeadLetterReason::RefusedByStore => 4,
            DeadLetterReason::Field(field) => {
                self.0.iter().position(|known| known == field).map_or(other, |at| fixed + at as u8)
            }
            DeadLetterReason::Other => other,
        }
    }

    /// Returns the name of a number.
    pub fn name(self, number: u8) -> &'static str {
        self.names().nth(number.into()).unwrap_or(OTHER)
    }

    /// Returns the name of a kind; "other" for a field that the domain does not have.
    pub fn name_of(self, kind: &DeadLetterReason) -> &'static str {
        self.name(self.number(kind))
    }
}

/// The fields of the events of a domain; none without events.
const fn event_fields<D: Domain>() -> &'static [&'static str] {
    match D::EVENTS {
        Some(events) => events.fields,
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Toy;

    const KINDS: DeadLetterKinds = DeadLetterKinds::of::<Toy>();

    #[test]
    fn a_kind_is_found_by_its_name_and_by_its_number() {
        let names: Vec<_> = KINDS.names().collect();
        assert_eq!(names, ["empty", "too_long", "not_utf8", "not_json", "refused_by_store", "UUID", "Colour", "other"]);
        for (number, name) in (0..).zip(names) {
            let kind = DeadLetterReason::from_name(name);
            assert_eq!((kind.name(), KINDS.number(&kind), KINDS.name(number)), (name, number, name));
            assert_eq!(DeadLetterReason::from_stored(Some(name), "x"), kind);
        }
        let long = "x".repeat(65);
        for unknown in ["", "invented later", "&", &long] {
            assert_eq!(DeadLetterReason::from_name(unknown), DeadLetterReason::Other);
        }
        let later = DeadLetterReason::from_stored(Some("InventedLater"), "Colour: is missing");
        assert_eq!((later.name(), KINDS.name_of(&later)), ("InventedLater", "other"));
    }

    #[test]
    fn the_letters_of_events_have_the_fields_of_events() {
        let kinds = DeadLetterKinds::of_log::<Toy>(LetterLog::Events);
        let of = |field| kinds.name_of(&DeadLetterReason::field(field));
        assert_eq!([of("Subject"), of("Colour")], ["Subject", "other"]);
        assert_eq!(DeadLetterKinds::of_log::<Toy>(LetterLog::Requests), KINDS);
    }

    #[test]
    fn a_stored_letter_without_a_kind_gets_that_of_its_reason() {
        for (reason, kind) in [
            ("the message is empty", "empty"),
            ("the message has 65537 bytes, more than 65536", "too_long"),
            ("not UTF-8 at byte 9", "not_utf8"),
            ("expected value at line 1 column 14", "not_json"),
            ("Colour: stands twice at line 1 column 31", "not_json"),
            ("invalid type: string \"Colour: x\", expected a JSON object", "not_json"),
            ("the store refuses the answer: Colour: too long (code 2)", "refused_by_store"),
            ("Colour: is missing", "Colour"),
            ("Colour.Shade: must be light or dark", "Colour"),
            ("somebody's own words: Colour", "other"),
            ("Colours: none", "other"),
        ] {
            assert_eq!(KINDS.name_of(&DeadLetterReason::from_stored(None, reason)), kind, "{reason}");
        }
    }
}
