//! The store `none`, which keeps nothing: answers go to an output topic instead.

use chrono::{DateTime, Utc};

use super::connector::{Lookup, Outcome, Page, Store, Tail};
use crate::{
    answer::Rejection,
    delivery::{Refusal, Unavailable, Writer},
    domain::{Answer, Domain},
    finding::Finding,
};

/// The word in place of a store's URL.
pub const NO_STORE: &str = "none";

/// Keeps nothing.
pub(super) struct NoStore;

impl<D: Domain> Store<D> for NoStore {
    fn describe(&self) -> String {
        "none".to_owned()
    }

    fn keeps_answers(&self) -> bool {
        false
    }

    fn answers(&self) -> Result<Box<dyn Writer<Answer<D>>>, Unavailable> {
        Ok(Box::new(NoStore))
    }

    fn rejections(&self) -> Result<Box<dyn Writer<Rejection>>, Unavailable> {
        Ok(Box::new(NoStore))
    }

    fn lookup(&self) -> Result<Box<dyn Lookup>, Unavailable> {
        Ok(Box::new(NoStore))
    }

    fn inspect(&self) -> Vec<Finding> {
        vec![Finding::ok("store", "none: answers go to the output topic")]
    }

    fn tail(&self, _: DateTime<Utc>) -> Result<Box<dyn Tail<D>>, Unavailable> {
        Ok(Box::new(NoStore))
    }
}

impl<T> Writer<T> for NoStore {
    fn write(&mut self, _: &[T]) -> Result<Vec<Refusal>, Unavailable> {
        Ok(Vec::new())
    }
}

impl Lookup for NoStore {
    fn find(&self, _: &str) -> Result<Option<Outcome>, Unavailable> {
        Ok(None)
    }
}

impl<D: Domain> Tail<D> for NoStore {
    fn next(&mut self, _: usize) -> Result<Page<D>, Unavailable> {
        Ok(Page { rows: Vec::new(), more: false })
    }
}
