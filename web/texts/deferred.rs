//! A text whose language is not known yet: the reason of a problem, before it is known who reads it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{
    catalog::{Argument, Texts},
    language::Language,
};

/// A text. `Display` and JSON have it in English, as the APIs and the log do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// A message of the locales.
    Keyed { key: &'static str, arguments: Vec<(&'static str, Part)> },
    /// A text that has no translation: that of a library or of an API.
    Verbatim(String),
}

impl Message {
    /// The macro `message!` writes this.
    pub(crate) fn of(key: &'static str, arguments: Vec<(&'static str, Part)>) -> Self {
        Message::Keyed { key, arguments }
    }

    /// Returns it in a language.
    pub(crate) fn text(&self, texts: Texts) -> String {
        match self {
            Message::Keyed { key, arguments } => {
                let said = |(name, part): &(&'static str, Part)| (*name, part.said(texts));
                texts.say(key, &arguments.iter().map(said).collect::<Vec<_>>())
            }
            Message::Verbatim(text) => text.clone(),
        }
    }
}

/// An argument of a message, which may be a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Argument(Argument<'static>),
    Message(Box<Message>),
}

impl Part {
    fn said(&self, texts: Texts) -> Argument<'static> {
        match self {
            Part::Argument(argument) => argument.clone(),
            Part::Message(message) => Argument::from(message.text(texts)),
        }
    }
}

impl<T: Into<Argument<'static>>> From<T> for Part {
    fn from(argument: T) -> Self {
        Part::Argument(argument.into())
    }
}

impl From<Message> for Part {
    fn from(message: Message) -> Self {
        Part::Message(Box::new(message))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Texts::of(Language::English)))
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Verbatim(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Verbatim(text.to_owned())
    }
}
