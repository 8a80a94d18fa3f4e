//! The identity of a request, and the reasons for which a message is no request.

use std::fmt;

/// Upper bound on the length of a [`RequestId`], in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// The `UUID` of a request, which is also the `_id` of its answer: 1–128 bytes, taken as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Returns a new random identity (UUID version 4).
    pub fn random() -> Self {
        RequestId(uuid::Uuid::new_v4().to_string())
    }

    /// Returns the identity of this text, if it is 1–128 bytes long.
    pub fn new(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.is_empty() || text.len() > REQUEST_ID_BYTES_MAX {
            return Err(Invalid::new("UUID", format!("must have 1 to {REQUEST_ID_BYTES_MAX} bytes")));
        }
        Ok(RequestId(text))
    }

    /// Returns the identity as it is on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A field whose value cannot be used, and why. `Display` names the field first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field, as the wire names it.
    pub field: &'static str,
    /// The fault of its value, and the values that are valid.
    pub reason: String,
}

impl Invalid {
    /// Returns the error that `field` cannot be used because of `reason`.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Invalid { field, reason: reason.into() }
    }
}

/// A message that is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// The request's identity, if that much could be read.
    pub id: Option<RequestId>,
    /// The fault; a field is named as the wire names it.
    pub reason: String,
    /// The kind of the reason.
    pub kind: MalformedKind,
}

impl Malformed {
    /// Returns the error of a message, with its identity if that is known.
    pub fn new(id: Option<RequestId>, kind: MalformedKind, reason: impl Into<String>) -> Self {
        Malformed { id, reason: reason.into(), kind }
    }
}

/// The kind of fault in a message, for counting: one for each field, and a few more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MalformedKind {
    /// It has no bytes.
    Empty,
    /// It is longer than a message of the domain may be.
    TooLong,
    /// It is no text in UTF-8.
    NotUtf8,
    /// It is not the JSON of one object that has each field once.
    NotJson,
    /// This field, as the wire names it.
    Field(&'static str),
}

impl MalformedKind {
    /// Returns the kind's name, one word.
    pub fn name(self) -> &'static str {
        match self {
            MalformedKind::Empty => "empty",
            MalformedKind::TooLong => "too_long",
            MalformedKind::NotUtf8 => "not_utf8",
            MalformedKind::NotJson => "not_json",
            MalformedKind::Field(field) => field,
        }
    }
}
