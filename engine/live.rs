//! The trait of a domain whose answers depend on events: what happens between the requests.

use std::{fmt::Debug, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

pub use crate::domain::EventTime;
use crate::{domain::Domain, request::Malformed};

/// A type that workers of several processes send each other.
pub trait Exchanged: Debug + Clone + Ord + Hash + Send + Sync + Serialize + DeserializeOwned + 'static {}

impl<T: Debug + Clone + Ord + Hash + Send + Sync + Serialize + DeserializeOwned + 'static> Exchanged for T {}

/// A domain with events, which each say something of a subject: a payment of an account, a reading of a sensor.
///
/// A state is a function of the set of events: their order and their repetition change nothing. Each worker keeps all
/// of it, so that it answers without asking another one.
pub trait Live: Domain {
    /// The identity of a subject.
    type Subject: Exchanged;
    /// An event.
    type Event: Exchanged;
    /// The content of the events, in a form in which requests find it.
    type State: Default + 'static;

    /// Upper bound on the length of an event's message, in bytes.
    const EVENT_BYTES_MAX: usize;

    /// Decodes the message of an event.
    fn decode_event(message: &[u8]) -> Result<(Self::Subject, Self::Event), Malformed>;

    /// Returns the time at which an event was known.
    fn known_at(event: &Self::Event) -> EventTime;

    /// Returns the time from which on no answer depends on a subject.
    fn kept_until(subject: &Self::Subject) -> EventTime;

    /// Sets all events of a subject, each once and in their order, in place of those that were set before. Without
    /// events, the subject is forgotten.
    fn set(state: &mut Self::State, subject: Self::Subject, events: Vec<Self::Event>);

    /// Gives a request what bears on it. `read_at` is the time at which the request was read, which it is asked as of
    /// unless it says otherwise.
    fn observe(state: &Self::State, request: &mut Self::Request, read_at: EventTime);
}
