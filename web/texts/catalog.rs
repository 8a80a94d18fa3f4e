//! Finds messages, and fills their arguments in.

use std::{borrow::Cow, fmt, sync::LazyLock};

use delaycast::flight::Code;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use serde_json::Value;
use unic_langid::LanguageIdentifier;

use super::{language::Language, numbers::written};

type Bundle = FluentBundle<FluentResource>;

/// The files of messages, in each language.
macro_rules! files {
    ($language:literal: $($name:literal)*) => {
        &[$(include_str!(concat!("../locales/", $language, "/", $name, ".ftl"))),*]
    };
}

const ENGLISH: &[&str] =
    files!("en": "answer" "common" "form" "history" "live" "operations" "past" "problems" "report" "several");
const SPANISH: &[&str] =
    files!("es": "answer" "common" "form" "history" "live" "operations" "past" "problems" "report" "several");

static BUNDLES: LazyLock<[Bundle; 2]> = LazyLock::new(|| Language::ALL.map(bundle));

/// Returns the files of a language.
pub(super) fn sources(language: Language) -> &'static [&'static str] {
    match language {
        Language::English => ENGLISH,
        Language::Spanish => SPANISH,
    }
}

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.code().parse::<LanguageIdentifier>().unwrap_or_default()]);
    // The isolating marks are for texts of two directions.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::English => |value, _| number(value, Language::English),
        Language::Spanish => |value, _| number(value, Language::Spanish),
    }));
    for source in sources(language) {
        // The tests exclude messages that do not parse and those that stand twice.
        let resource = match FluentResource::try_new(source.replace('~', "\u{a0}")) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                tracing::error!(?errors, language = language.code(), "a message does not parse");
                resource
            }
        };
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, language = language.code(), "a message stands twice");
        }
    }
    bundle
}

fn number(value: &FluentValue<'_>, language: Language) -> Option<String> {
    if let FluentValue::Number(number) = value { Some(written(language, &number.value.to_string())) } else { None }
}

/// The texts of a language.
#[derive(Clone, Copy)]
pub(crate) struct Texts {
    pub(crate) language: Language,
    bundle: &'static Bundle,
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Texts").field(&self.language).finish()
    }
}

impl Texts {
    pub(crate) fn of(language: Language) -> Self {
        let [english, spanish] = &*BUNDLES;
        let bundle = match language {
            Language::English => english,
            Language::Spanish => spanish,
        };
        Texts { language, bundle }
    }

    /// Returns a message with its arguments filled in; the macro `say!` writes the arguments. A key without a message,
    /// which the tests exclude, stands for itself.
    pub(crate) fn say(self, key: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        self.find(key, arguments).unwrap_or_else(|| {
            tracing::error!(key, language = self.language.code(), "there is no such message");
            key.to_owned()
        })
    }

    /// Returns a message with its arguments filled in; `None` if there is none of this key.
    pub(super) fn find(self, key: &str, arguments: &[(&str, Argument<'_>)]) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let arguments: FluentArgs<'_> = arguments.iter().map(|(name, value)| (*name, value.to_fluent())).collect();
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, language = self.language.code(), "a message lacks an argument");
        }
        Some(text)
    }
}

/// An argument of a message. A number is written in the usage of the language, and chooses among its plurals.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument<'a> {
    Text(Cow<'a, str>),
    Number(f64),
}

impl Argument<'_> {
    fn to_fluent(&self) -> FluentValue<'_> {
        match self {
            Argument::Text(text) => FluentValue::from(&**text),
            Argument::Number(number) => FluentValue::from(*number),
        }
    }

    /// Reads a value of a template.
    pub(super) fn of_json(value: &Value) -> Argument<'_> {
        match value {
            Value::String(text) => Argument::from(text.as_str()),
            Value::Number(number) => Argument::Number(number.as_f64().unwrap_or_default()),
            other => Argument::from(other.to_string()),
        }
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Argument::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(text: &'a String) -> Self {
        Argument::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Argument<'_> {
    fn from(text: String) -> Self {
        Argument::Text(Cow::Owned(text))
    }
}

impl From<Code> for Argument<'_> {
    fn from(code: Code) -> Self {
        Argument::Text(Cow::Owned(code.to_string()))
    }
}

impl From<f64> for Argument<'_> {
    fn from(number: f64) -> Self {
        Argument::Number(number)
    }
}

impl From<u32> for Argument<'_> {
    fn from(number: u32) -> Self {
        Argument::Number(f64::from(number))
    }
}

impl From<u64> for Argument<'_> {
    fn from(number: u64) -> Self {
        Argument::Number(number as f64)
    }
}

impl From<usize> for Argument<'_> {
    fn from(number: usize) -> Self {
        Argument::Number(number as f64)
    }
}
