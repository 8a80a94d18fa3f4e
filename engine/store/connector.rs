//! The traits that a connector implements. Their promises are numbered in [`super`].

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{reference::ReferenceTable, tail::Tail};
use crate::{
    answer::Rejection,
    delivery::{Unavailable, Writer},
    domain::{Answer, Domain},
    finding::Finding,
    shadow::{Comparison, ShadowAnswer},
};

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is answered, by this document in the JSON of [`crate::document::to_json`].
    Answered(Map<String, Value>),
    /// It is rejected, for this reason.
    Rejected(String),
}

/// Looks up requests.
pub trait Lookup: Send + Sync {
    /// Returns the outcome of a request; `None` if there is none yet. Blocks, 5 s at most.
    fn find(&self, id: &str) -> Result<Option<Outcome>, Unavailable>;
}

/// A prediction store, opened by URL.
pub trait Store<D: Domain>: Send + Sync {
    /// Returns the store's address for operators, without secrets.
    fn describe(&self) -> String;

    /// Returns a writer of answers.
    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable>;

    /// Returns a writer of rejections.
    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable>;

    /// Returns a writer of shadow answers.
    fn shadows(&self) -> Result<Box<dyn Writer<ShadowAnswer<D>>>, Unavailable> {
        Err(Unavailable::needs_operator(format!("{} keeps nothing of shadows", self.describe())))
    }

    /// Returns the comparisons of shadow models with the models that answered. Blocks, 30 s at most.
    fn compared(&self) -> Result<Vec<Comparison>, Unavailable> {
        Ok(Vec::new())
    }

    /// Returns a lookup of answers and rejections.
    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable>;

    /// Returns the table of the domain's reference data, if the domain has one and this kind of store keeps it.
    fn reference(&self) -> Option<Box<dyn ReferenceTable>> {
        None
    }

    /// Checks all that scorers and pages need of the store. Blocks, 30 s at most.
    fn inspect(&self) -> Vec<Finding>;

    /// Returns a tail of the answers that were scored at `since` or later.
    fn tail(&self, since: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable>;
}
