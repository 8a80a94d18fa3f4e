//! Followed answers: versions of an answer that land while what is known changes.
//!
//! The first answer to a request is never changed. Each version is a document of its own, numbered from 1 on: version 1
//! says what the first answer said, and a later one what is answered as of a later moment. A domain says what is worth
//! a version: [`crate::domain::Follow`].

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::{
    document::{Document, Value},
    domain::{Answer, Domain, EventTime},
    log::Position,
};

/// The time for which a request is followed at most, from its own moment on.
pub const FOLLOWED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Upper bound on the versions of an answer: the last of them ends the following.
pub const VERSIONS_MAX: u32 = 200;

/// The field with the number of a version.
const NUMBER: &str = "Version";
/// The field with the state of the following.
const FOLLOWING: &str = "Following";
/// The field with the numbers by which versions are compared.
const TOLD: &str = "Told";
const FOLLOWED: &str = "followed";
const ENDED: &str = "ended";
const REFUSED: &str = "refused";

/// A version of a followed answer, ready for the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Version<D: Domain> {
    /// The answer as of its moment.
    pub answer: Answer<D>,
    /// 1 for the first answer, and so on.
    pub number: u32,
    /// The numbers by which versions are compared.
    pub told: Vec<f64>,
    /// The state of the following.
    pub stage: Stage,
}

/// The state of a following with a version.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// This is version 1, and others may come.
    Begins(Begin),
    /// Others may come.
    GoesOn,
    /// This is the last version.
    Last,
    /// This is version 1, and no other comes, for this reason.
    Refused(String),
}

/// The content of a follower's record: the scorer that is started next needs it to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Begin {
    /// The message of the request.
    pub message: String,
    /// The position of the message. It determines the worker that follows the request.
    pub position: Position,
    /// The moment at which the following ends.
    pub until: EventTime,
}

impl<D: Domain> Version<D> {
    /// Returns the document's `_id`. No two versions of any two requests have the same.
    pub fn id(&self) -> String {
        format!("{}#{}", self.answer.id(), self.number)
    }

    /// Returns the document that is stored: that of the answer under another `_id`, and the fields of a version.
    pub fn to_document(&self) -> Document<'_> {
        let mut document = self.answer.to_document();
        document.iter_mut().filter(|(name, _)| *name == "_id").for_each(|(_, id)| *id = Value::Text(self.id().into()));
        let following = match &self.stage {
            Stage::Begins(_) | Stage::GoesOn => vec![("State", Value::text(FOLLOWED))],
            Stage::Last => vec![("State", Value::text(ENDED))],
            Stage::Refused(reason) => vec![("State", Value::text(REFUSED)), ("Reason", Value::text(reason))],
        };
        document.push((NUMBER, Value::Int32(self.number.cast_signed())));
        document.push((FOLLOWING, Value::Document(following)));
        document.push((TOLD, Value::Doubles(self.told.as_slice().into())));
        document
    }
}

/// A request that is followed, as a scorer finds it when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The record of its begin.
    pub begin: Begin,
    /// The time at which its first answer was scored, by the wall clock.
    pub began_at: EventTime,
    /// The number of its last version.
    pub number: u32,
    /// The numbers of its last version.
    pub told: Vec<f64>,
}

/// The fields of a version in the JSON of its document, which tell a reader how the following stands.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedVersion {
    /// The number; 0 if the document has none.
    pub number: u32,
    /// The state of the following.
    pub state: FollowState,
    /// The numbers by which versions are compared.
    pub(crate) told: Option<Vec<f64>>,
}

/// The state of a following, as a version tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowState {
    /// Other versions may come.
    GoesOn,
    /// This is the last version.
    Ended,
    /// The request is not followed, for this reason.
    Refused(String),
}

impl FollowState {
    /// Returns the state in one word, as documents have it.
    pub fn name(&self) -> &'static str {
        match self {
            FollowState::GoesOn => FOLLOWED,
            FollowState::Ended => ENDED,
            FollowState::Refused(_) => REFUSED,
        }
    }
}

impl FollowedVersion {
    /// Reads the document of a version, in JSON.
    pub fn of(document: &Map<String, Json>) -> Self {
        let following = document.get(FOLLOWING);
        let text = |name| following.and_then(|following| following.get(name)?.as_str());
        let told = || document.get(TOLD)?.as_array()?.iter().map(Json::as_f64).collect();
        FollowedVersion {
            number: document.get(NUMBER).and_then(|number| number.as_u64()?.try_into().ok()).unwrap_or(0),
            state: match text("State") {
                Some(ENDED) => FollowState::Ended,
                Some(REFUSED) => FollowState::Refused(text("Reason").unwrap_or_default().to_owned()),
                _ => FollowState::GoesOn,
            },
            told: told(),
        }
    }

    /// Returns the followed request of which this is the last version; `None` if no other version comes.
    pub(crate) fn followed(self, begin: Begin, began_at: EventTime) -> Option<Followed> {
        let told = self.told.filter(|_| self.state == FollowState::GoesOn)?;
        Some(Followed { begin, began_at, number: self.number, told })
    }
}
