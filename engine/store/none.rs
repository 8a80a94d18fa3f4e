//! The store `none`, which keeps nothing: answers go to an output topic instead.

use chrono::{DateTime, NaiveDate, Utc};

use super::connector::{Batches, DayCounts, Lookup, Outcome, Page, ResultPage, Store, Tail};
use crate::{
    answer::Rejection,
    batch::{Place, Task},
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

    fn batches(&self) -> Result<Box<dyn Batches>, Unavailable> {
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

/// A page without a store says so where it is asked for batches.
fn no_batches<T>() -> Result<T, Unavailable> {
    Err(Unavailable::needs_operator("there is no store (--store none), so no batches are kept"))
}

impl Batches for NoStore {
    fn add(&self, _: &[Task]) -> Result<Vec<Refusal>, Unavailable> {
        no_batches()
    }

    fn tasks(&self, _: NaiveDate, _: &Place, _: usize) -> Result<Vec<Task>, Unavailable> {
        no_batches()
    }

    fn results(&self, _: NaiveDate, _: &Place, _: usize) -> Result<ResultPage, Unavailable> {
        no_batches()
    }

    fn counts(&self, _: NaiveDate) -> Result<DayCounts, Unavailable> {
        no_batches()
    }
}

impl<D: Domain> Tail<D> for NoStore {
    fn next(&mut self, _: usize) -> Result<Page<D>, Unavailable> {
        Ok(Page { rows: Vec::new(), more: false })
    }
}
