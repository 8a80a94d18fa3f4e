//! `delaycast answer`: prints the outcome of a request.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use delaycast::{
    airports::Airports,
    ask::{AskError, wait_for},
};
use delaycast_web::answer_in_words;
use engine::{request::RequestId, store::Outcome};
use serde_json::json;

use crate::options::{Format, StoreOption};

/// Print the answer to a request, or why it has none
///
/// The exit code is 0 if it is answered, 1 if it is rejected or the store cannot be read, 75 if nothing is known of it.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  delaycast answer 6c03d09c-8355-448a-b07b-54e8d00ad05d
  delaycast answer u-1 --format json --store sqlite:var/delaycast.db")]
pub(crate) struct Args {
    /// The request's UUID
    #[arg(value_name = "UUID")]
    id: String,
    #[command(flatten)]
    store: StoreOption,
    /// How to print the answer; json is what the page's route for answers sends
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let id = RequestId::new(args.id.as_str())?;
    args.store.check_is_there("the scorer keeps its answers")?;
    let store = args.store.open()?;
    let lookup = store.lookup().with_context(|| format!("cannot read {}", store.describe()))?;
    match wait_for(&*lookup, &id, Duration::ZERO) {
        Ok(outcome) => print(args.format, &id, outcome),
        // An outage is no outcome of the request.
        Err(AskError::NoAnswer { outage: Some(outage), .. }) => {
            Err(outage).with_context(|| format!("cannot read {}", store.describe()))
        }
        Err(none) => Err(print_none(args.format, &id, none)),
    }
}

/// Prints an outcome; a rejection is an error.
pub(crate) fn print(format: Format, id: &RequestId, outcome: Outcome) -> anyhow::Result<()> {
    match outcome {
        Outcome::Answered(document) => {
            let result = json!({ "status": "OK", "id": id.as_str(), "prediction": document });
            format.print(&result, |_| printable(&answer_in_words(&document, &Airports::default())))
        }
        Outcome::Rejected(reason) => {
            if format == Format::Json {
                let result = json!({ "status": "REJECTED", "id": id.as_str(), "reason": reason });
                format.print(&result, |_| String::new())?;
            }
            bail!("the request {} is rejected: {}", printable(id.as_str()), printable(&reason))
        }
    }
}

/// Prints that there is no outcome yet, and returns the error with the advice.
pub(crate) fn print_none(format: Format, id: &RequestId, none: AskError) -> anyhow::Error {
    if format == Format::Json {
        let result = json!({ "status": "WAIT", "id": id.as_str() });
        if let Err(error) = format.print(&result, |_| String::new()) {
            return error;
        }
    }
    let later = format!("look later with: delaycast answer {}", printable(id.as_str()));
    anyhow::Error::new(none).context(format!("no answer; {later}; whether a scorer runs says: delaycast doctor"))
}

/// Replaces the control characters of an untrusted text, which a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_an_untrusted_text_are_replaced() {
        assert_eq!(printable("a\u{1b}[31mb\nc\r"), "a\u{fffd}[31mb\nc\u{fffd}");
    }
}
