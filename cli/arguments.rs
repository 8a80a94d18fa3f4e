//! Parses the command line, and keeps secrets out of its errors.

use std::env;

use clap::Parser;

use crate::progress::say;

/// The prefix of environment variables that stand for options.
const VARIABLES: &str = "DELAYCAST_";

/// Parses the command line, or prints the error and ends the process. clap's errors repeat the argument that is wrong,
/// which may be a URL with a password.
pub(crate) fn parse<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| {
        if !error.use_stderr() {
            // The help or the version, which clap returns as an error, too.
            error.exit();
        }
        let message = error.render().to_string();
        let variables = env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(VARIABLES));
        let given = env::args_os().chain(variables.map(|(_, value)| value));
        let given: Vec<String> = given.map(|text| text.to_string_lossy().into_owned()).collect();
        match without_urls(&message, &given) {
            Some(message) => {
                say(message.trim_end());
                std::process::exit(error.exit_code())
            }
            None => error.exit(),
        }
    })
}

/// Replaces each URL of `given` in the message by the part that may be shown; `None` if the message has none of them.
fn without_urls(message: &str, given: &[String]) -> Option<String> {
    // `--option=URL`, or `URL` by itself.
    let values = given.iter().flat_map(|text| [Some(text.as_str()), text.split_once('=').map(|(_, value)| value)]);
    let mut values: Vec<&str> = values.flatten().filter(|value| is_like_a_url(value)).collect();
    // The longest first: a shorter one may be a part of it.
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    let mut shown = message.to_owned();
    for value in values {
        shown = shown.replace(value, &crate::app::shown(value));
    }
    (shown != message).then_some(shown)
}

/// Returns whether this is a URL of a log or a store, or a part of one that may contain a password. A host with a port
/// is not.
pub(crate) fn is_like_a_url(text: &str) -> bool {
    let begins = ["kafka:", "mongodb:", "mongodb+srv:"].into_iter().any(|scheme| text.starts_with(scheme));
    begins || ["://", "@", "password", "secret"].into_iter().any(|part| text.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_not_repeated() {
        let given = |given: &[&str]| given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (message, arguments, shown) in [
            (
                "unexpected argument 'kafka://me:s3cr3t@h'",
                given(&["kafka://me:s3cr3t@h"]),
                "unexpected argument 'kafka://…'",
            ),
            ("invalid value 'me:s3cr3t@h' for '--port'", given(&["--port=me:s3cr3t@h"]), "not shown"),
            ("invalid value 's3cr3t@h/t' for '--port'", given(&["--port", "s3cr3t@h/t"]), "not shown"),
            ("invalid value 'mongodb:s3cr3t' for '--port'", given(&["--port", "mongodb:s3cr3t"]), "not shown"),
        ] {
            let found = without_urls(message, &arguments).unwrap();
            assert!(found.contains(shown) && !found.contains("s3cr3t"), "{found}");
        }
        assert_eq!(without_urls("unexpected argument '--prot' found", &given(&["--prot", "8080"])), None);
        let address = "invalid value '127.0.0.1:90900' for '--health'";
        assert_eq!(without_urls(address, &given(&["--health", "127.0.0.1:90900"])), None);
    }
}
