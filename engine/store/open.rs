//! Opens and examines a store at a URL.

use std::sync::Arc;

#[cfg(feature = "mongo")]
use super::mongo::MongoStore;
use super::{
    connector::Store,
    embedded::{self, EmbeddedStore},
    none::{NO_STORE, NoStore},
};
use crate::{
    address::{Address, OpenError},
    domain::Domain,
    finding::Finding,
};

/// The reason why this build refuses `mongodb+srv`, and the alternative.
#[cfg(feature = "mongo")]
const NO_SRV: &str = "takes a DNS resolver, which this build lacks: list the hosts, as in \
    mongodb://HOST1:27017,HOST2:27017/DATABASE?replicaSet=NAME&authSource=admin&tls=true. Hosts and options are what \
    `dig SRV _mongodb._tcp.HOST` and `dig TXT HOST` print";

/// Opens the store at a URL: `sqlite:PATH`, or `mongodb://host:27017/DATABASE`; or the one that keeps nothing, `none`.
pub fn open<D: Domain>(url: &str) -> Result<Arc<dyn Store<D>>, OpenError> {
    if url == NO_STORE {
        return Ok(Arc::new(NoStore));
    }
    let example = "sqlite:var/delaycast.db";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "store", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(Arc::new(EmbeddedStore::open(address.of_a_file()?)?)),
        #[cfg(feature = "mongo")]
        "mongodb" => Ok(Arc::new(MongoStore::open(url)?)),
        #[cfg(feature = "mongo")]
        "mongodb+srv" => Err(address.invalid("the scheme", NO_SRV)),
        #[cfg(not(feature = "mongo"))]
        "mongodb" | "mongodb+srv" => Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => Err(address.unknown("store", "sqlite, mongodb")),
    }
}

/// Returns whether a store of this URL's kind keeps a reference table, without opening it; `None` for an unknown kind.
pub fn keeps_reference(url: &str) -> Option<bool> {
    if url == NO_STORE {
        return Some(false);
    }
    match Address::parse(url)?.scheme.as_str() {
        "sqlite" => Some(false),
        "mongodb" => Some(true),
        _ => None,
    }
}

/// Opens an existing store as [`open`] does, and creates no file.
pub fn open_existing<D: Domain>(url: &str) -> Result<Arc<dyn Store<D>>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => Ok(Arc::new(EmbeddedStore::open_existing(&address)?)),
        _ => open(url),
    }
}

/// Examines the store at a URL as [`Store::inspect`] does. An embedded file is read without creating or changing
/// anything.
pub fn inspect<D: Domain>(url: &str) -> Result<Vec<Finding>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address),
        _ => Ok(open::<D>(url)?.inspect()),
    }
}
