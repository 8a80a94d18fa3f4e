//! The prediction store: answers and rejections by request id.
//!
//! # What a connector promises
//!
//! 1. The first answer wins: writing an id that has one is success, and changes nothing. In MongoDB that holds for
//!    answers of the old system, too.
//! 2. [`Writer::write`] returns `Ok` only when the rows are durable; a row that is refused for good is named, the others land.
//! 3. A prediction outranks a rejection of the same id, whichever came first.
//! 4. Answers are found by id without a scan.
//! 5. A [`Tail`] yields every answer that was scored since a moment, also those that land while it is read, each once.
//! 6. What a shadow says is kept apart, for a bounded time, and is never found by a lookup or a tail.

pub mod embedded;
#[cfg(feature = "mongo")]
pub mod mongo;
mod reference;
mod tail;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    address::Address,
    answer::{Answer, Rejection},
    delivery::{Unavailable, Writer},
    domain::Domain,
    finding::Finding,
    shadow::{Comparison, ShadowAnswer},
};

pub use crate::address::OpenError;
pub use reference::{Entry, ReferenceTable};
pub use tail::{Landed, Page, Tail};

/// Why this build takes no `mongodb+srv`, and what to write instead.
#[cfg(feature = "mongo")]
const NO_SRV: &str = "takes a DNS resolver, which this build lacks: list the hosts, as in \
    mongodb://HOST1:27017,HOST2:27017/DATABASE?replicaSet=NAME&authSource=admin&tls=true. Hosts and options are what \
    `dig SRV _mongodb._tcp.HOST` and `dig TXT HOST` print";

/// Opens the store at a URL: `sqlite:PATH`, or `mongodb://host:27017/DATABASE`.
pub fn open<D: Domain>(url: &str) -> Result<Arc<dyn Store<D>>, OpenError> {
    let example = "sqlite:var/delaycast.db";
    let address = Address::parse(url).ok_or(OpenError::NoScheme { what: "store", example })?;
    match address.scheme.as_str() {
        "sqlite" => Ok(Arc::new(embedded::EmbeddedStore::open(address.of_a_file()?)?)),
        #[cfg(feature = "mongo")]
        "mongodb" => Ok(Arc::new(mongo::MongoStore::open(url)?)),
        #[cfg(feature = "mongo")]
        "mongodb+srv" => Err(address.invalid("the scheme", NO_SRV)),
        #[cfg(not(feature = "mongo"))]
        "mongodb" | "mongodb+srv" => Err(OpenError::NoConnector { scheme: address.scheme }),
        _ => Err(address.unknown("store", "sqlite, mongodb")),
    }
}

/// Returns whether a store of this URL's kind keeps a reference table, without opening it; `None` for an unknown kind.
pub fn keeps_reference(url: &str) -> Option<bool> {
    match Address::parse(url)?.scheme.as_str() {
        "sqlite" => Some(false),
        "mongodb" => Some(true),
        _ => None,
    }
}

/// The same where it is there: no file is made.
pub fn open_existing<D: Domain>(url: &str) -> Result<Arc<dyn Store<D>>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => Ok(Arc::new(embedded::EmbeddedStore::open_existing(&address)?)),
        _ => open(url),
    }
}

/// Looks at the store at a URL as [`Store::inspect`] does. What is embedded is read as it is, without making or
/// changing anything.
pub fn inspect<D: Domain>(url: &str) -> Result<Vec<Finding>, OpenError> {
    match Address::parse(url) {
        Some(address) if address.scheme == "sqlite" => embedded::inspect_at(&address),
        _ => Ok(open::<D>(url)?.inspect()),
    }
}

/// What the store knows of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is answered: the document, in the JSON of [`crate::document::to_json`].
    Answered(Map<String, Value>),
    /// It is rejected, for this reason.
    Rejected(String),
}

/// Looks requests up.
pub trait Lookup: Send + Sync {
    /// What is known of a request; `None` if nothing is yet. Blocks, 5 s at most.
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable>;
}

/// A prediction store, opened by URL.
pub trait Store<D: Domain>: Send + Sync {
    /// Where it is, without secrets, as one would say it to an operator.
    fn describe(&self) -> String;

    /// A writer of answers.
    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable>;

    /// A writer of rejections.
    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable>;

    /// A writer of what a shadow says.
    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer<D>>>, Unavailable> {
        Err(Unavailable::needs_operator(format!("{} keeps nothing of shadows", self.describe())))
    }

    /// What is kept of shadows, summed up by model. Blocks, 30 s at most.
    fn compared(&self) -> Result<Vec<Comparison>, Unavailable> {
        Ok(Vec::new())
    }

    /// A reader of both.
    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable>;

    /// Its table of the domain's reference data, if the domain has one and this kind of store keeps it.
    fn reference(&self) -> Option<Box<dyn ReferenceTable>> {
        None
    }

    /// Looks whether everything is as scorers and pages want it. Blocks, 30 s at most.
    fn inspect(&self) -> Vec<Finding>;

    /// Follows the answers that were scored at `since` or later.
    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable>;
}

#[cfg(test)]
pub(crate) mod promises;
