//! The traits that a connector implements. Their promises are numbered in [`super`].

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use crate::{
    answer::{ModelVersion, Rejection},
    batch::{BatchAnswer, Place, Task},
    delivery::{Refusal, Unavailable, Writer},
    domain::{Answer, Domain},
    finding::Finding,
    follow::{Followed, Version},
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

    /// Returns the versions of a followed answer whose numbers are above `after`, in their order, as documents in JSON.
    /// Blocks, 5 s at most.
    fn versions(&self, _id: &str, _after: u32) -> Result<Vec<Map<String, Value>>, Unavailable> {
        Ok(Vec::new())
    }
}

/// A stored answer, in the fields that are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Landed<D: Domain> {
    /// The request's id.
    pub id: String,
    /// The time at which it was scored.
    pub scored_at: DateTime<Utc>,
    /// The values of the domain's dimensions.
    pub labels: D::Labels,
    /// The model that answered.
    pub model: ModelVersion,
}

/// A page of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<D: Domain> {
    /// Answers that were not read before, roughly in the order of their writing.
    pub rows: Vec<Landed<D>>,
    /// True if there are more.
    pub more: bool,
}

/// A tail of the answers of a store.
pub trait Tail<D: Domain>: Send {
    /// Returns at most `rows_max` answers that were not read before. Blocks, 5 s at most. An empty page is not the end.
    fn next(&mut self, rows_max: usize) -> Result<Page<D>, Unavailable>;
}

/// The tasks of batches, and their results: see [`crate::batch`].
pub trait Batches: Send + Sync {
    /// Makes tasks durable, except those that it returns, which are refused for good. The first of an id stands.
    /// Blocks, 12 s at most.
    fn add(&self, tasks: &[Task]) -> Result<Vec<Refusal>, Unavailable>;

    /// Returns the tasks of a day from a place on, in the order of their stamps, at most `rows_max`. Blocks, 10 s at
    /// most.
    fn tasks(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<Vec<Task>, Unavailable>;

    /// Returns the results of a day likewise, as documents in JSON, with the place after them. Blocks, 10 s at most.
    fn results(&self, day: NaiveDate, from: &Place, rows_max: usize) -> Result<ResultPage, Unavailable>;

    /// Returns the number of tasks and of results of a day. Blocks, 10 s at most.
    fn counts(&self, day: NaiveDate) -> Result<DayCounts, Unavailable>;
}

/// Some results of a day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResultPage {
    /// The documents in JSON, in the order of their stamps.
    pub rows: Vec<Map<String, Value>>,
    /// The place after them.
    pub next: Place,
}

/// The numbers of tasks and results of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Requests that were asked.
    pub tasks: u64,
    /// Answers.
    pub results: u64,
}

/// A row of a reference table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The values of the key, in the order of [`crate::domain::Reference::key`].
    pub key: Vec<String>,
    /// The value.
    pub value: f64,
}

/// A store's reference table.
pub trait ReferenceTable {
    /// Returns the documents in the order of their ids, at most `documents_max`; none if there is no table yet. Blocks,
    /// 30 s at most.
    fn read(&self, documents_max: usize) -> Result<Vec<Map<String, Value>>, Unavailable>;

    /// Inserts rows, and creates the table if it is missing. Existing rows are not changed. Blocks, 60 s at most.
    fn insert(&self, entries: &[Entry]) -> Result<(), Unavailable>;

    /// Updates the values of existing rows. Blocks, 30 s at most for each hundred.
    fn update(&self, entries: &[Entry]) -> Result<(), Unavailable>;
}

/// A prediction store, opened by URL.
///
/// # Example
///
/// Stores answers of the domain `Payments`, which is the example of [`Domain`].
///
/// ```
/// # mod payments { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/domain/payments.rs")); }
/// use engine::{answer::ModelVersion, clock, domain::{Answer, Domain}, store::{self, Outcome}};
/// use payments::{Payments, Risk};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("payments.db");
/// let store = store::open::<Payments>(&format!("sqlite:{}", path.display()))?;
/// let lookup = store.lookup()?;
/// assert_eq!(lookup.find("p-1")?, None);
///
/// // The first answer wins. An answer is durable when `write` returns.
/// let mut answers = store.answers()?;
/// for (risk, model) in [(0.25, "first"), (0.75, "second")] {
///     let request = Payments::decode(br#"{"UUID":"p-1","Amount":9.5}"#)?;
///     let (model, scored_at) = (ModelVersion::new(model), clock::now());
///     answers.write(&[Answer { request, score: Risk(risk), model, scored_at }])?;
/// }
/// let Some(Outcome::Answered(document)) = lookup.find("p-1")? else { panic!("no answer") };
/// assert_eq!((&document["Risk"], &document["ModelVersion"]), (&0.25.into(), &"first".into()));
/// # Ok(())
/// # }
/// ```
pub trait Store<D: Domain>: Send + Sync {
    /// Returns the store's address for operators, without secrets.
    fn describe(&self) -> String;

    /// Returns whether answers are kept. A store that keeps none stands where an output topic takes its place.
    fn keeps_answers(&self) -> bool {
        true
    }

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

    /// Returns a writer of versions. With version 1 it records that the request is followed, and with the last version
    /// it removes the record.
    fn versions(&self) -> Result<Box<dyn Writer<Version<D>>>, Unavailable> {
        Err(Unavailable::needs_operator(format!("{} keeps no versions of followed answers", self.describe())))
    }

    /// Returns the requests that are followed. Blocks, 60 s at most.
    fn followed(&self) -> Result<Vec<Followed>, Unavailable> {
        Ok(Vec::new())
    }

    /// Returns the tasks of batches and their results. Connects to nothing yet.
    fn batches(&self) -> Result<Box<dyn Batches>, Unavailable> {
        Err(Unavailable::needs_operator(format!("{} keeps no batches", self.describe())))
    }

    /// Returns a writer of the results of batches.
    fn results(&self) -> Result<Box<dyn Writer<BatchAnswer<D>>>, Unavailable> {
        Err(Unavailable::needs_operator(format!("{} keeps no batches", self.describe())))
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
