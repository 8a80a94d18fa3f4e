//! The URL of a log or a store, which selects the connector, as in `sqlite:var/delaycast.db?topic=T`.
//!
//! A URL is `scheme:location?name=value&…`; location, names and values may be percent-encoded.
//!
//! A URL may carry a password, and in a malformed URL the password can be anywhere: an `&` in it turns the rest into
//! the name of a parameter. An error therefore repeats the scheme and names that a connector knows, and nothing else;
//! an unknown parameter is named by its number. The path of an embedded file is the exception: it is shown.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::delivery::Unavailable;

/// The reason why a log or a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL has no scheme, or is not UTF-8 once it is decoded.
    #[error("the URL of a {what} starts with a scheme, as in {example}, and what is percent-encoded in it is UTF-8")]
    NoScheme {
        /// The kind of connector: a log or a store.
        what: &'static str,
        /// A valid URL.
        example: &'static str,
    },
    /// No connector has this scheme.
    #[error("{scheme}: is no {what}; known are {known}")]
    UnknownScheme {
        /// The kind of connector.
        what: &'static str,
        /// The URL's scheme.
        scheme: String,
        /// The known schemes.
        known: &'static str,
    },
    /// This build lacks the connector.
    #[error(
        "this build has no connector for {scheme}: build it with the cargo feature of that name, or use sqlite:PATH"
    )]
    NoConnector {
        /// The URL's scheme.
        scheme: String,
    },
    /// The connector does not know a parameter.
    #[error("{scheme}: parameter {number} is unknown; known are {known} (an & in a value is written as %26)")]
    UnknownParameter {
        /// The URL's scheme.
        scheme: String,
        /// Position of the parameter, counted from 1.
        number: usize,
        /// The known parameters.
        known: String,
    },
    /// A part of the URL is invalid.
    #[error("{scheme}: {part} {reason}")]
    Invalid {
        /// The URL's scheme.
        scheme: String,
        /// The part: the path, or a parameter's name.
        part: String,
        /// The error, and the remedy.
        reason: String,
    },
    /// The domain has no events, and so no log of them.
    #[error("there are no events here, and so no log of them")]
    NoEvents,
    /// The connector could not open its database, and another attempt would fail too.
    #[error(transparent)]
    Connector(Box<dyn Error + Send + Sync>),
    /// Another process holds the lock of the connector's database: another attempt may succeed.
    #[error(transparent)]
    Busy(Box<dyn Error + Send + Sync>),
    /// The log or the store was opened and is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A parsed and percent-decoded URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The part before the first colon.
    pub scheme: String,
    /// The part between that colon and the question mark.
    pub location: String,
    /// The parameters, in order.
    pub parameters: Vec<(String, String)>,
}

/// Shows the scheme alone.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Address {
    /// Parses a URL; `None` if it has no scheme or is not UTF-8 once decoded.
    pub fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let plausible = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if scheme.is_empty() || !scheme.bytes().all(plausible) {
            return None;
        }
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        });
        Some(Address {
            scheme: scheme.to_owned(),
            location: decode(location)?,
            parameters: parameters.collect::<Option<_>>()?,
        })
    }

    /// Checks the parameters against those that a connector knows.
    pub fn check_parameters(&self, known: &[&str]) -> Result<(), OpenError> {
        match self.parameters.iter().position(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(index) => Err(OpenError::UnknownParameter {
                scheme: self.scheme.clone(),
                number: index + 1,
                known: known.join(", "),
            }),
        }
    }

    /// Checks that the location is a path. A URL in place of the path is refused: its password would be taken for part
    /// of a path and shown.
    pub fn of_a_file(&self) -> Result<&Self, OpenError> {
        match self.location.contains("://") {
            true => Err(self.invalid("path", "has a URL in it: name a file, as in sqlite:var/delaycast.db")),
            false => Ok(self),
        }
    }

    /// Returns the error of an unknown scheme. The scheme is named only if slashes follow: otherwise it may be
    /// something else, such as a user's name.
    pub fn unknown(&self, what: &'static str, known: &'static str) -> OpenError {
        let scheme = if self.location.starts_with("//") { self.scheme.clone() } else { "this URL".to_owned() };
        OpenError::UnknownScheme { what, scheme, known }
    }

    /// Returns a parameter's value; the last one if there are several of the same name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the URL that is parsed to this address. It holds what the address holds, so also a password.
    pub fn to_url(&self) -> String {
        let pairs = self.parameters.iter().map(|(name, value)| {
            let [name, value] = [name, value].map(|text| utf8_percent_encode(text, RESERVED_IN_A_PARAMETER));
            format!("{name}={value}")
        });
        let (query, location) =
            (pairs.collect::<Vec<_>>().join("&"), utf8_percent_encode(&self.location, RESERVED_IN_A_PATH));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}:{location}{mark}{query}", self.scheme)
    }

    /// Returns the error of an invalid part.
    pub fn invalid(&self, part: impl Into<String>, reason: impl Into<String>) -> OpenError {
        OpenError::Invalid { scheme: self.scheme.clone(), part: part.into(), reason: reason.into() }
    }
}

/// Characters that have a meaning in a URL's location.
const RESERVED_IN_A_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?');
/// Characters that have a meaning in the name or the value of a parameter.
const RESERVED_IN_A_PARAMETER: &AsciiSet = &CONTROLS.add(b'%').add(b'&').add(b'=');

/// Returns the URL of the embedded database in a file, whatever characters its path has.
pub fn of_file(path: &Path) -> String {
    // Rebuilt from its components, a path does not start with two slashes, which would introduce a host.
    let path: PathBuf = path.components().collect();
    format!("sqlite:{}", utf8_percent_encode(&path.to_string_lossy(), RESERVED_IN_A_PATH))
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Toy;

    #[test]
    fn a_url_is_parsed() {
        let address = Address::parse("sqlite:/var/a%20b%3f.db?topic=t%26u&group=g&topic=last").unwrap();
        assert_eq!((address.scheme.as_str(), address.location.as_str()), ("sqlite", "/var/a b?.db"));
        assert_eq!((address.parameter("topic"), address.parameter("group")), (Some("last"), Some("g")));
        assert_eq!(address.parameters[0].1, "t&u");
        assert_eq!(address.parameter("partitions"), None);
        for url in ["", "no scheme", "/a/path", ":x", "sq lite:x", "sqlite:%ff"] {
            assert_eq!(Address::parse(url), None, "{url}");
        }
    }

    #[test]
    fn a_file_of_any_name_has_a_url() {
        for path in ["var/x.db", "/tmp/my files/x.db", "a%20b/x.db", "100%/x.db", "what?topic=1/x.db", "a#é\n/x.db"] {
            let address = Address::parse(&of_file(Path::new(path))).unwrap();
            assert_eq!((address.location.as_str(), address.parameters.len()), (path, 0));
        }
        assert_eq!(of_file(Path::new("//tmp//x.db")), "sqlite:/tmp/x.db");
        assert_eq!(of_file(Path::new("var/delaycast.db")), "sqlite:var/delaycast.db");
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_known_ones() {
        let address = Address::parse("sqlite:x?tpoic=t").unwrap();
        let error = address.check_parameters(&["topic", "group"]).unwrap_err();
        let message = "sqlite: parameter 1 is unknown; known are topic, group (an & in a value is written as %26)";
        assert_eq!(error.to_string(), message);
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn a_build_without_kafka_says_so() {
        let error = crate::log::open::<Toy>("kafka://host/t").map(drop).unwrap_err().to_string();
        assert!(error.starts_with("this build has no connector for kafka"), "{error}");
    }

    #[cfg(not(feature = "mongo"))]
    #[test]
    fn a_build_without_mongodb_says_so() {
        let error = crate::store::open::<Toy>("mongodb://u:secret@host/d").map(drop).unwrap_err().to_string();
        assert!(error.starts_with("this build has no connector for mongodb") && !error.contains("secret"), "{error}");
    }

    /// A secret in all places of a URL, those of a password and others.
    const SECRET: &str = "s3cr3t";

    fn malformed_url() -> impl Strategy<Value = String> {
        let scheme = prop::sample::select(vec![
            "kafka://",
            "kafka:",
            "kafka//",
            "mongodb://",
            "mongodb:",
            "mongodb+srv://",
            "redis://",
            "sqlite://",
            "://",
            "",
        ]);
        let part = prop::sample::select(vec![
            SECRET,
            SECRET,
            SECRET,
            "me",
            ":",
            "@",
            "/",
            "?",
            "&",
            "=",
            "%",
            "%zz",
            "%40",
            "%ff",
            "%00",
            ",",
            ".",
            "#",
            "[",
            "]",
            " ",
            "\n",
            "é",
            "host",
            ":9092",
            "://",
            "sasl.password=",
            "security.protocol=",
            "debug=broker,",
            "partitions=",
            "group=",
            "takeover=",
            "maxPoolSize=",
            "authMechanism=",
            "authMechanismProperties=",
            "readPreference=",
            "tls=",
            "replicaSet=",
            "uuidRepresentation=",
            "compressors=",
            "mongodb://",
            "database",
            "database.collection",
        ]);
        (scheme, prop::collection::vec(part, 0..12)).prop_map(|(scheme, parts)| format!("{scheme}{}", parts.concat()))
    }

    /// Returns all texts of an error and of its causes.
    fn texts_of(error: &OpenError) -> String {
        let mut texts = format!("{error} {error:?} {error:#?}");
        let mut cause = Error::source(error);
        while let Some(error) = cause {
            texts += &format!(" {error} {error:?}");
            cause = error.source();
        }
        texts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_url_that_is_refused_is_not_repeated(url in malformed_url()) {
            // A scheme may be shown. Three slashes begin the path of a file, which may be shown too and would be
            // created.
            let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
            prop_assume!(!scheme.contains(SECRET) && !url.starts_with("sqlite:///"));
            let errors = [crate::log::open::<Toy>(&url).map(drop), crate::store::open::<Toy>(&url).map(drop)];
            for error in errors.iter().filter_map(|opened| opened.as_ref().err()) {
                let texts = texts_of(error);
                prop_assert!(!texts.contains(SECRET), "{:?}: {}", url, texts);
            }
            if let Some(address) = Address::parse(&url) {
                let shown = format!("{address:?}");
                prop_assert!(address.scheme.contains(SECRET) || !shown.contains(SECRET), "{}", shown);
            }
        }
    }

    #[test]
    fn a_url_in_the_place_of_a_path_is_refused() {
        for open in
            [|url: &str| crate::log::open::<Toy>(url).map(drop), |url: &str| crate::store::open::<Toy>(url).map(drop)]
        {
            for url in ["sqlite:kafka://me:s3cr3t@host/t", "sqlite:x.db?s3cr3t=1", "sqlite:x.db?topic=t&s3cr3t"] {
                let texts = texts_of(&open(url).unwrap_err());
                assert!(!texts.contains(SECRET), "{texts}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_path_round_trips_through_its_url(path in "\\PC{0,20}[%?&=# ]\\PC{0,20}") {
            let address = Address::parse(&of_file(Path::new(&path))).unwrap();
            prop_assert_eq!((Path::new(&address.location), address.parameters), (Path::new(&path), vec![]));
        }

        #[test]
        fn an_address_round_trips_through_its_url(
            location in "\\PC{0,20}[%?&=# ]\\PC{0,20}",
            parameters in prop::collection::vec(("\\PC{0,9}[%?&=# +]\\PC{0,9}", "\\PC{0,20}"), 0..4),
        ) {
            let address = Address { scheme: "kafka".to_owned(), location, parameters };
            prop_assert_eq!(Address::parse(&address.to_url()), Some(address));
        }

        #[test]
        fn percent_encoding_round_trips(location in "\\PC{0,20}", value in "\\PC{0,20}") {
            use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
            let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let address = Address::parse(&format!("s:{}?n={}", encode(&location), encode(&value))).unwrap();
            prop_assert_eq!(&address.location, &location);
            prop_assert_eq!(address.parameter("n"), Some(value.as_str()));
        }
    }
}
