//! The URL of a MongoDB store: `mongodb://user:password@host:27017/DATABASE?option=…`, as MongoDB writes it.

use std::time::Duration;

use mongodb::options::ClientOptions;
use tokio::runtime::Runtime;

use super::DATABASE;
use crate::address::OpenError;

/// An operation that finds no server gives up after this time; a shorter one in the URL stays.
const SERVER_SELECTION: Duration = Duration::from_secs(4);
/// The same for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// At most this many connections to a server, unless the URL says otherwise: two writers a worker and some look-ups.
const POOL: u32 = 16;

/// Reads a URL; nothing is connected to. Returns the driver's options and the database's name.
pub(super) fn parse(runtime: &Runtime, url: &str) -> Result<(ClientOptions, String), OpenError> {
    let (reply, parsed) = std::sync::mpsc::sync_channel(1);
    let text = url.to_owned();
    runtime.spawn(async move { drop(reply.try_send(ClientOptions::parse(text).await)) });
    let invalid = |reason: String| OpenError::Invalid { scheme: "mongodb".into(), part: "the URL".into(), reason };
    let mut options = match parsed.recv_timeout(CONNECT) {
        Ok(Ok(options)) => options,
        Ok(Err(error)) => return Err(invalid(format!("is refused: {}", without_secret(&error.kind.to_string(), url)))),
        Err(_) => return Err(invalid("cannot be read".into())),
    };
    let at_most = |given: Option<Duration>, bound| Some(given.map_or(bound, |given| given.min(bound)));
    options.server_selection_timeout = at_most(options.server_selection_timeout, SERVER_SELECTION);
    options.connect_timeout = at_most(options.connect_timeout, CONNECT);
    options.max_pool_size = options.max_pool_size.or(Some(POOL));
    options.app_name.get_or_insert_with(|| "delaycast".into());
    let database = options.default_database.clone().unwrap_or_else(|| DATABASE.into());
    Ok((options, database))
}

/// Takes the password out of what the driver says of a URL.
fn without_secret(said: &str, url: &str) -> String {
    let user = url.split_once("//").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(user, _)| user);
    match user.and_then(|user| user.split_once(':')) {
        Some((_, secret)) if !secret.is_empty() => said.replace(secret, "…"),
        _ => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(ClientOptions, String), OpenError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        parse(&runtime, url)
    }

    #[test]
    fn a_url_names_servers_database_and_options() {
        let (options, database) = read("mongodb://me:secret@a:1,b/flights?maxPoolSize=3&authSource=admin").unwrap();
        let hosts: Vec<_> = options.hosts.iter().map(ToString::to_string).collect();
        assert_eq!((hosts, &*database), (vec!["a:1".to_owned(), "b:27017".to_owned()], "flights"));
        assert_eq!((options.max_pool_size, options.credential.unwrap().source.as_deref()), (Some(3), Some("admin")));
        let (options, database) = read("mongodb://a").unwrap();
        assert_eq!((options.max_pool_size, &*database), (Some(POOL), "agile_data_science"));
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
    fn what_cannot_be_used_is_refused_without_repeating_the_password() {
        for url in
            ["mongodb://", "mongodb:a", "mongodb://me:se/cret@a", "mongodb://a/?maxPoolSize=many", "mongodb://a/?x=1"]
        {
            let error = read(url).unwrap_err().to_string();
            assert!(error.starts_with("mongodb: the URL is refused: "), "{url}: {error}");
            assert!(!error.contains("se/cret"), "{error}");
        }
    }
}
