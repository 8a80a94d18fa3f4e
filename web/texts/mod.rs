//! The texts of the pages in each language: messages of Project Fluent, compiled in and parsed once.
//!
//! * `locales/LANGUAGE/*.ftl`: the messages. `~` is a no-break space there.
//! * [`catalog`]: finds messages, and fills their arguments in.
//! * [`numbers`], [`formats`]: numbers, shares and dates in the usage of a language.
//! * [`deferred`]: a text whose language is not known yet.
//! * [`helper`]: the messages in templates.
//!
//! The tests hold that each message is used, and has the arguments that it is used with, in all languages.

mod catalog;
mod deferred;
mod formats;
mod helper;
mod language;
mod numbers;

#[cfg(test)]
mod tests;

pub(crate) use catalog::{Argument, Texts};
pub(crate) use deferred::{Message, Part};
pub(crate) use helper::register;
pub(crate) use language::COOKIE;
pub use language::Language;

/// Says a message with arguments: `say!(texts, "minutes", minutes = 5)`.
macro_rules! say {
    ($texts:expr, $key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $texts.say($key, &[$((stringify!($name), $crate::texts::Argument::from($value))),*])
    };
}

/// Makes a [`Message`] of a key and arguments, in any language: `message!("too-long", bytes = 200)`.
macro_rules! message {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::texts::Message::of($key, vec![$((stringify!($name), $crate::texts::Part::from($value))),*])
    };
}

pub(crate) use {message, say};
