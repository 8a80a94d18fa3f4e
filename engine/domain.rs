//! The trait of a domain: the types and the few functions that the engine needs to move requests and answers.
//!
//! Everything else of the engine is generic over it and monomorphised: a call of a domain's function costs what a call
//! of any other function costs.

use std::{borrow::Cow, fmt::Debug, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    answer::ModelVersion,
    document::Document,
    request::{Malformed, RequestId},
};

/// A domain: requests of one type are answered with scores of one type.
///
/// A domain is a type without values of interest, such as `struct Payments;`. Messages are decoded by it, answers are
/// stored as the documents that it makes, and its dimensions are counted live.
///
/// # Example
///
/// The other examples in the documentation of the engine and its dataflows use this domain.
///
#[doc = concat!("```\n", include_str!("domain/payments.rs"))]
///
/// # fn main() -> Result<(), Malformed> {
/// let payment = Payments::decode(br#"{"UUID":"p-1","Amount":9.5}"#)?;
/// assert_eq!((payment.id.as_str(), payment.amount), ("p-1", 9.5));
/// assert_eq!(Payments::decode(b"{}").unwrap_err().reason, "Amount: is missing");
/// # Ok(())
/// # }
/// ```
pub trait Domain: Debug + Clone + PartialEq + Send + Sync + 'static {
    /// A request.
    type Request: Debug + Clone + PartialEq + Send + Sync + 'static;
    /// A model's answer to a request.
    type Score: Debug + Clone + PartialEq + Send + Sync + 'static;
    /// The values of the [`Domain::DIMENSIONS`] of a stored answer.
    type Labels: Debug + Clone + Ord + Send + Sync + 'static;

    /// Upper bound on the length of a message, in bytes. A longer one is a dead letter.
    const MESSAGE_BYTES_MAX: usize;
    /// The fields of a message that the reason of a dead letter may name, in the order in which they are counted. An
    /// object's field counts as the object.
    const FIELDS: &'static [&'static str];
    /// The topic of requests, unless the URL of a log names another.
    const TOPIC: &'static str = "requests";
    /// The topic of events, for a domain whose answers depend on what happens between requests. It is another log,
    /// beside that of requests: [`crate::log::events_url`].
    const EVENTS: Option<EventTopic> = None;
    /// For a domain with events whose answers can be followed.
    const FOLLOW: Option<&'static dyn Follow<Self>> = None;
    /// Names in a document store.
    const COLLECTIONS: Collections;
    /// The dimensions by which stored answers are counted; at most [`DIMENSIONS_MAX`].
    const DIMENSIONS: &'static [Dimension];

    /// Decodes a message.
    fn decode(message: &[u8]) -> Result<Self::Request, Malformed>;

    /// Returns the identity of a request.
    fn id(request: &Self::Request) -> &RequestId;

    /// Returns the document of an answer. It has the fields `_id` and `UUID`, which both hold the request's identity,
    /// and `ModelVersion` and `ScoredAt`.
    fn document(answer: &Answer<Self>) -> Document<'_>;

    /// Returns the labels of a stored answer, from the fields of its document that the dimensions name, in their order.
    /// `None` for a document that is not counted.
    fn labels(fields: &[Field<'_>]) -> Option<Self::Labels>;

    /// Returns the name of a label, for the dimension of this index.
    fn label(labels: &Self::Labels, dimension: usize) -> Cow<'_, str>;

    /// Returns whether two scores of the same request agree, such as those of a shadow and of the current model.
    fn agrees(one: &Self::Score, other: &Self::Score) -> bool {
        one == other
    }

    /// Returns the distance of two scores of the same request, 0 or more.
    fn change(one: &Self::Score, other: &Self::Score) -> f64 {
        if Self::agrees(one, other) { 0.0 } else { 1.0 }
    }

    /// Returns the fields of the answering model's score in the document of a shadow's answer.
    fn compared(_answered: &Self::Score) -> Document<'_> {
        Document::new()
    }
}

/// The topic of a domain's events. It is read from its earliest message at every start, so that it holds the state that
/// they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTopic {
    /// The topic, unless the URL of a log of events names another.
    pub topic: &'static str,
    /// The time for which events are kept at least: an event that is older must have no effect on an answer.
    pub retention: Duration,
    /// The fields of an event's message that the reason of a dead letter can name, in an order that stays.
    pub fields: &'static [&'static str],
}

/// Milliseconds since 1970, UTC, in the time of events: a day that is replayed in a minute has a day's milliseconds.
pub type EventTime = i64;

/// The questions that the engine asks a domain whose answers can be followed.
pub trait Follow<D: Domain>: Sync {
    /// Returns whether a request asks to be followed.
    fn is_wanted(&self, request: &D::Request) -> bool;

    /// Returns the moment of which a request is asked that was read at `read_at`.
    fn moment(&self, request: &D::Request, read_at: EventTime) -> EventTime;

    /// Sets and returns the moment of which a request is asked for a later version. `latest` is the time of the latest
    /// event, and `now` that of the clock: a request about a day that is replayed goes by the events.
    fn ask_again(&self, request: &mut D::Request, latest: EventTime, now: EventTime) -> EventTime;

    /// Returns the numbers by which versions are compared.
    fn told(&self, answer: &Answer<D>) -> Vec<f64>;

    /// Returns whether the difference to what the last version told is worth a version.
    fn is_news(&self, last: &[f64], now: &[f64]) -> bool;

    /// Returns whether nothing can follow an answer.
    fn is_final(&self, answer: &Answer<D>) -> bool;
}

/// A scored request, ready for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<D: Domain> {
    /// The request.
    pub request: D::Request,
    /// The model's score.
    pub score: D::Score,
    /// The model.
    pub model: ModelVersion,
    /// The time of scoring.
    pub scored_at: DateTime<Utc>,
}

impl<D: Domain> Answer<D> {
    /// Returns the request's identity.
    pub fn id(&self) -> &RequestId {
        D::id(&self.request)
    }

    /// Returns the document that is stored: see [`Domain::document`].
    pub fn to_document(&self) -> Document<'_> {
        D::document(self)
    }
}

/// The names of a domain in a document store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collections {
    /// The database, unless the URL names another.
    pub database: &'static str,
    /// The collection of answers.
    pub answers: &'static str,
    /// The collection of rejections.
    pub rejections: &'static str,
    /// The collection of the answers of shadow models.
    pub shadows: &'static str,
    /// The collections of followed answers, if the domain has some.
    pub followed: Option<FollowedCollections>,
    /// The collections of batches, if the domain has some.
    pub batch: Option<BatchCollections>,
    /// The collection of reference data that the domain keeps beside the answers, if it has one.
    pub reference: Option<Reference>,
}

impl Collections {
    /// Returns a database with collections of answers, of rejections and of the answers of shadow models.
    pub const fn new(database: &'static str, [answers, rejections, shadows]: [&'static str; 3]) -> Self {
        Collections { database, answers, rejections, shadows, followed: None, batch: None, reference: None }
    }
}

/// The collections of followed answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedCollections {
    /// The versions.
    pub versions: &'static str,
    /// The requests that are followed now.
    pub requests: &'static str,
}

/// The collections of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchCollections {
    /// The requests that wait.
    pub tasks: &'static str,
    /// Their answers.
    pub results: &'static str,
    /// The field of both with the time of asking in ISO 8601, as text. It has an index.
    pub stamp: &'static str,
}

/// A collection of reference data: what all processes of a domain look up, and operators load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The collection.
    pub collection: &'static str,
    /// Its name in messages to operators.
    pub name: &'static str,
    /// The fields that identify a document, which have an index.
    pub key: &'static [&'static str],
    /// The field whose value is looked up.
    pub value: &'static str,
}

/// Upper bound on the dimensions of a domain.
pub const DIMENSIONS_MAX: usize = 8;

/// A dimension by which stored answers are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimension {
    /// The field of an answer's document.
    pub field: &'static str,
    /// True if the names come from outside: then a bounded number of them is counted by name. The names of a closed
    /// dimension are as few as the domain has.
    pub is_open: bool,
}

/// A field of a stored document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<'a> {
    /// The document has no such field, or one of another type.
    #[default]
    Other,
    /// A string.
    Text(Cow<'a, str>),
    /// A 64-bit float.
    Number(f64),
}

impl Field<'_> {
    /// Returns the text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Field::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Field::Number(number) => Some(*number),
            _ => None,
        }
    }
}
