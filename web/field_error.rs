//! A fault of a part of a request: of a field, a parameter, a header or the body.

use std::borrow::Cow;

use engine::request::Invalid;
use serde::Serialize;

use crate::texts::{Message, Texts, message};

/// The kind of a fault. Clients of JSON read the reason; the routes tell faults apart by their kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A required value is absent.
    Missing,
    /// The value has another form than is wanted.
    Format,
    /// The value means nothing here.
    #[default]
    Value,
}

/// A part of the request that is wrong, and the reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FieldError {
    pub(crate) field: Cow<'static, str>,
    pub(crate) reason: Message,
    #[serde(skip)]
    pub(crate) kind: ErrorKind,
    /// The meanings, if it has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<Choice>,
}

/// One of several meanings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Choice {
    /// The value of the field `Choice` that chooses it.
    pub(crate) value: String,
    pub(crate) label: Message,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<Cow<'static, str>>, reason: impl Into<Message>) -> Self {
        FieldError { field: field.into(), reason: reason.into(), kind: ErrorKind::default(), choices: Vec::new() }
    }

    /// A required value is absent.
    pub(crate) fn missing(field: impl Into<Cow<'static, str>>) -> Self {
        FieldError { kind: ErrorKind::Missing, ..FieldError::new(field, message!("missing")) }
    }

    /// A value has another form than is wanted.
    pub(crate) fn format(field: impl Into<Cow<'static, str>>, reason: impl Into<Message>) -> Self {
        FieldError { kind: ErrorKind::Format, ..FieldError::new(field, reason) }
    }

    /// The same with its texts in a language.
    pub(crate) fn in_language(&self, texts: Texts) -> Self {
        let choice = |choice: &Choice| Choice { value: choice.value.clone(), label: choice.label.text(texts).into() };
        FieldError {
            reason: self.reason.text(texts).into(),
            choices: self.choices.iter().map(choice).collect(),
            ..self.clone()
        }
    }
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        FieldError::new(invalid.field, invalid.reason)
    }
}

/// Texts from outside are quoted in reasons up to this many characters.
const QUOTED_CHARS_MAX: usize = 40;

/// Quotes a text from outside for a reason, its beginning if it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((at, _)) => format!("“{}…”", &text[..at]),
        None => format!("“{text}”"),
    }
}
