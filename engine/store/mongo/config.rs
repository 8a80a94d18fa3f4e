//! The configuration of a MongoDB store: its URL, `mongodb://user:password@host:27017/DATABASE?option=…` as in
//! MongoDB's manual, with one option of this program, `takeover=auto|on|off`.
//!
//! The driver's errors repeat parts of the URL, and in a malformed URL a password can be in any part. So they are never
//! shown: [`diagnosis`] finds the invalid part and describes it without repeating it.

use std::{sync::mpsc::sync_channel, time::Duration};

use mongodb::options::{ClientOptions, ConnectionString, Tls};
use tokio::runtime::Runtime;

use super::takeover::Takeover;
use crate::{address::OpenError, key_file};

/// Upper bound on the timeout of server selection.
const SERVER_SELECTION: Duration = Duration::from_secs(4);
/// Upper bound on the timeout of a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Size of the connection pool, unless the URL gives another: two writers a worker and some look-ups.
const POOL_SIZE: u32 = 16;

/// MongoDB's bound on the length of a database's name.
const DATABASE_BYTES_MAX: usize = 63;
/// This program's own option.
const TAKEOVER: &str = "takeover";
/// The options whose names may be shown. An unknown name may be the rest of a password with an `&`. Source: MongoDB's
/// URI options specification, as far as the driver has them.
const OPTIONS: [&str; 39] = [
    "appName",
    "authMechanism",
    "authSource",
    "authMechanismProperties",
    "compressors",
    "connectTimeoutMS",
    "directConnection",
    "heartbeatFrequencyMS",
    "journal",
    "loadBalanced",
    "localThresholdMS",
    "maxConnecting",
    "maxIdleTimeMS",
    "maxPoolSize",
    "maxStalenessSeconds",
    "minPoolSize",
    "readConcernLevel",
    "readPreference",
    "readPreferenceTags",
    "replicaSet",
    "retryReads",
    "retryWrites",
    "serverMonitoringMode",
    "serverSelectionTimeoutMS",
    "socketTimeoutMS",
    "srvMaxHosts",
    "srvServiceName",
    "ssl",
    "tls",
    "tlsAllowInvalidCertificates",
    "tlsAllowInvalidHostnames",
    "tlsCAFile",
    "tlsCertificateKeyFile",
    "tlsCertificateKeyFilePassword",
    "tlsInsecure",
    "uuidRepresentation",
    "w",
    "waitQueueTimeoutMS",
    "wTimeoutMS",
];

/// The settings of a URL.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) options: ClientOptions,
    pub(super) database: String,
    pub(super) takeover: Takeover,
}

/// Reads a URL; nothing is connected to.
pub(super) fn parse(runtime: &Runtime, url: &str, default_database: &str) -> Result<Settings, OpenError> {
    let (url, takeover) = split_takeover(url)?;
    let (reply, parsed) = sync_channel(1);
    let text = url.clone();
    runtime.spawn(async move { drop(reply.try_send(ClientOptions::parse(text).await)) });
    let mut options = match parsed.recv_timeout(CONNECT) {
        Ok(Ok(options)) => options,
        Ok(Err(_)) => return Err(invalid("the URL", diagnosis(&url, default_database))),
        Err(_) => return Err(invalid("the URL", "cannot be read".into())),
    };
    let at_most = |given: Option<Duration>, bound| Some(given.map_or(bound, |given| given.min(bound)));
    options.server_selection_timeout = at_most(options.server_selection_timeout, SERVER_SELECTION);
    options.connect_timeout = at_most(options.connect_timeout, CONNECT);
    options.max_pool_size = options.max_pool_size.or(Some(POOL_SIZE));
    options.app_name.get_or_insert_with(|| "delaycast".into());
    let database = options.default_database.clone().unwrap_or_else(|| default_database.into());
    if database.contains('.') {
        let reason = format!(
            "has a dot in its name, and no database of MongoDB has: leave out the dot and the collection behind it, as in \
             mongodb://HOST:27017/{default_database}. The collections have fixed names"
        );
        return Err(invalid("the database", reason));
    }
    if database.len() > DATABASE_BYTES_MAX {
        return Err(invalid("the database", format!("has a name of more than {DATABASE_BYTES_MAX} bytes")));
    }
    if let Some(Tls::Enabled(tls)) = &options.tls
        && let Some(path) = &tls.cert_key_file_path
    {
        key_file::check(path).map_err(|error| invalid("tlsCertificateKeyFile", error.to_string()))?;
    }
    Ok(Settings { options, database, takeover })
}

fn invalid(part: &str, reason: String) -> OpenError {
    OpenError::Invalid { scheme: "mongodb".into(), part: part.into(), reason }
}

/// Splits this program's own option off a URL.
fn split_takeover(url: &str) -> Result<(String, Takeover), OpenError> {
    let Some((before, options)) = url.split_once('?') else { return Ok((url.to_owned(), Takeover::default())) };
    let is_takeover = |pair: &&str| pair.split_once('=').map_or(*pair, |(name, _)| name).eq_ignore_ascii_case(TAKEOVER);
    let (takeovers, others): (Vec<&str>, Vec<&str>) = options.split('&').partition(is_takeover);
    let mut takeover = Takeover::default();
    // As elsewhere, the last one of several counts.
    for pair in takeovers {
        let value = pair.split_once('=').map(|(_, value)| value);
        let known = Takeover::VALUES.iter().find(|(name, _)| Some(*name) == value);
        takeover = known.ok_or_else(|| invalid(TAKEOVER, "must be auto, on or off".into()))?.1;
    }
    let url = if others.is_empty() { before.to_owned() } else { format!("{before}?{}", others.join("&")) };
    Ok((url, takeover))
}

/// Returns the part of a URL that the driver refuses, and its correct form. It repeats no part of the URL.
fn diagnosis(url: &str, default_database: &str) -> String {
    let is_read = |text: &str| ConnectionString::parse(text).is_ok();
    let Some(rest) = url.strip_prefix("mongodb://") else {
        return format!("must be as in mongodb://HOST:27017/{default_database}");
    };
    let (before, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = before.rsplit_once('@').map_or((None, before), |(user, place)| (Some(user), place));
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    let encode = "write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D and % as %25 in them";
    if user.is_some_and(|user| !is_read(&format!("mongodb://{user}@host"))) {
        return format!("has a user or a password that cannot be read: {encode}");
    }
    if !is_read(&format!("mongodb://{hosts}")) {
        return format!(
            "names no hosts that can be read: they are as in HOST:27017,HOST2:27017. If there is a user or a password before \
             them, {encode}"
        );
    }
    if !database.is_empty() && !is_read(&format!("mongodb://host/{database}")) {
        return format!(
            "names a database that cannot be: it is as in mongodb://HOST:27017/{default_database}, with nothing behind it"
        );
    }
    let pairs: Vec<&str> = options.split('&').collect();
    let wrong = (1..=pairs.len()).find(|&count| !is_read(&format!("mongodb://host/?{}", pairs[..count].join("&"))));
    match wrong {
        None => "has options that contradict each other".into(),
        Some(number) => {
            let name = pairs[number - 1].split('=').next().unwrap_or_default();
            match OPTIONS.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                Some(name) => {
                    format!("has an option that cannot be used, {name} (number {number}): see MongoDB's manual")
                }
                None => format!(
                    "has an option, number {number}, that is none of MongoDB's: options are as in name=value&name=value, and \
                     an & in a value is written as %26"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, OpenError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        parse(&runtime, url, "examples")
    }

    fn read(url: &str) -> Result<(ClientOptions, String), OpenError> {
        settings(url).map(|settings| (settings.options, settings.database))
    }

    #[test]
    fn a_url_names_servers_database_and_options() {
        let (options, database) = read("mongodb://me:secret@a:1,b/things?maxPoolSize=3&authSource=admin").unwrap();
        let hosts: Vec<_> = options.hosts.iter().map(ToString::to_string).collect();
        assert_eq!((hosts, &*database), (vec!["a:1".to_owned(), "b:27017".to_owned()], "things"));
        assert_eq!((options.max_pool_size, options.credential.unwrap().source.as_deref()), (Some(3), Some("admin")));
        let (options, database) = read("mongodb://a").unwrap();
        assert_eq!((options.max_pool_size, &*database), (Some(POOL_SIZE), "examples"));
    }

    #[test]
    fn timeouts_are_bounded() {
        let timeouts = |url| {
            let (options, _) = read(url).unwrap();
            (options.server_selection_timeout.unwrap(), options.connect_timeout.unwrap())
        };
        assert_eq!(timeouts("mongodb://a"), (SERVER_SELECTION, CONNECT));
        let slow = "mongodb://a/?serverSelectionTimeoutMS=60000&connectTimeoutMS=60000";
        assert_eq!(timeouts(slow), (SERVER_SELECTION, CONNECT));
        let quick = "mongodb://a/?serverSelectionTimeoutMS=100&connectTimeoutMS=200";
        assert_eq!(timeouts(quick), (Duration::from_millis(100), Duration::from_millis(200)));
    }

    #[test]
    fn the_takeover_option_is_not_passed_to_the_driver() {
        for (url, takeover) in [
            ("mongodb://a/things", Takeover::Auto),
            ("mongodb://a/things?maxPoolSize=3", Takeover::Auto),
            ("mongodb://a/things?takeover=on", Takeover::On),
            ("mongodb://a?Takeover=off", Takeover::Off),
            ("mongodb://a/?takeover=on&maxPoolSize=3&takeover=off", Takeover::Off),
        ] {
            let settings = settings(url).unwrap();
            assert_eq!(settings.takeover, takeover, "{url}");
            assert_eq!(settings.options.max_pool_size == Some(3), url.contains("maxPoolSize"), "{url}");
        }
        for url in ["mongodb://a/?takeover=maybe", "mongodb://a/?takeover=", "mongodb://a/?takeover"] {
            assert_eq!(settings(url).unwrap_err().to_string(), "mongodb: takeover must be auto, on or off", "{url}");
        }
    }

    #[test]
    fn an_invalid_part_is_named_and_not_repeated() {
        let secret = "s3cr3t";
        let options = "an option, number 2, that is none of MongoDB's";
        for (url, reason) in [
            ("mongodb:s3cr3t", "the URL must be as in mongodb://HOST"),
            ("mongodb://", "no hosts that can be read"),
            ("mongodb://me:s3/cr3t@a", "a user or a password that cannot be read"),
            ("mongodb://me:s3cr3t@x@a", "a user or a password that cannot be read"),
            ("mongodb://me:%zzs3cr3t@a", "a user or a password that cannot be read"),
            ("mongodb://me:s3cr3t?x@a/d", "no hosts that can be read"),
            ("mongodb://me:s3cr3t/a", "no hosts that can be read"),
            ("mongodb://a/s3cr3t/b", "a database that cannot be"),
            ("mongodb://a/?maxPoolSize=s3cr3t", "maxPoolSize (number 1)"),
            ("mongodb://a/?w=1&s3cr3t=1", options),
            ("mongodb://a/?w=1&s3cr3t", options),
            ("mongodb://a/?directConnection=true&replicaSet=s3cr3t&loadBalanced=true", "option"),
            ("mongodb://a/s3cr3t.collection", "leave out the dot"),
            ("mongodb://127.0.0.1/examples.answers", "leave out the dot"),
            ("mongodb://me:x@a,b/examples.some.where?authSource=admin", "leave out the dot"),
            (&format!("mongodb://a/{}", secret.repeat(11)), "more than 63 bytes"),
        ] {
            let error = read(url).unwrap_err();
            let (said, debug) = (error.to_string(), format!("{error:?}"));
            assert!(said.starts_with("mongodb: the ") && said.contains(reason), "{url}: {said}");
            assert!(!debug.contains("s3") && !debug.contains("cr3t"), "{debug}");
        }
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        let url = format!("mongodb://a/?tls=true&tlsCertificateKeyFile={}", file.path().display());
        for (mode, taken) in [(0o600, true), (0o644, false), (0o604, false)] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let found = read(&url);
            assert_eq!(found.is_ok(), taken, "{mode:o}");
            if let Err(error) = found {
                let said = error.to_string();
                assert!(said.contains("tlsCertificateKeyFile") && said.contains("chmod 600"), "{said}");
            }
        }
    }
}
